"""A fingerprint of code: equal for equal meaning, whatever its layout, comments and docstrings."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

# What only newer Pythons have in their trees, and what says nothing of the meaning.
_IGNORED = frozenset({"kind", "type_comment", "type_ignores", "type_params"})


def fingerprint(modules: Iterable[str]) -> str:
    """Hashes the syntax trees of some modules, without comments, docstrings and layout.

    Args:
        modules: dotted names.

    Returns:
        SHA-256, as 64 hexadecimal digits.
    """
    content = hashlib.sha256()
    for name in sorted(set(modules)):
        content.update(f"{name}\n{_hash_module(name)}\n".encode())
    return content.hexdigest()


def find_modules(roots: Iterable[str], within: Collection[str], without: Collection[str] = ()) -> list[str]:
    """Lists the modules that some modules import, directly or not, themselves included.

    Args:
        roots: dotted names to begin with.
        within: packages and modules to stay in.
        without: modules to leave out, with what only they import.

    Returns:
        Dotted names in alphabetical order.
    """
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or name in without or not _lies_in(name, within) or _find_source(name) is None:
            continue
        found.add(name)
        waiting += _imports(name)
    return sorted(found)


def _lies_in(name: str, packages: Collection[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@cache
def _hash_module(name: str) -> str:
    return hashlib.sha256(_describe(_parse(name)).encode()).hexdigest()


@cache
def _parse(name: str) -> ast.Module:
    source = _find_source(name)
    if source is None:
        raise ValueError(f"{name}: expected a module with a source file, found none")
    return ast.parse(source.read_text(encoding="utf-8"))


def _find_source(name: str) -> Path | None:
    """Finds a module's file without importing anything; None where there is no such module."""
    top, *rest = name.split(".")
    specification = importlib.util.find_spec(top)
    if specification is None or specification.origin is None:
        return None
    source = Path(specification.origin)
    if not rest:
        return source
    path = source.parent.joinpath(*rest)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _imports(name: str) -> Iterator[str]:
    """Yields what a module names in its imports, those inside functions too: modules, and names in them."""
    for node in ast.walk(_parse(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _describe(node: ast.AST) -> str:
    """Writes a tree down, the same in every version of Python that reads it."""
    parts = []
    for name, value in ast.iter_fields(node):
        if name in _IGNORED:
            continue
        values = value if isinstance(value, list) else [value]
        if name == "body" and _begins_with_docstring(node):
            values = values[1:]
        described = [_describe(part) if isinstance(part, ast.AST) else repr(part) for part in values]
        parts.append(f"{name}=[{','.join(described)}]")
    return f"{type(node).__name__}({','.join(parts)})"


def _begins_with_docstring(node: ast.AST) -> bool:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None
