"""A fingerprint follows what code means, not how it looks."""

import importlib
import sys
from pathlib import Path

import pytest

from extractors.provenance import fingerprint as module
from extractors.provenance.fingerprint import find_modules, fingerprint

CODE = '''"""A docstring."""


def scale(x, factor=2):
    """Scales."""
    # Why.
    return x * factor
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "made_up"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def fingerprint_of(package: Path, code: str) -> str:
    (package / "part.py").write_text(code)
    forget()
    return fingerprint(["made_up.part"])


def forget() -> None:
    importlib.invalidate_caches()
    for cached in (module._parse, module._hash_module):
        cached.cache_clear()


@pytest.mark.parametrize(
    "same",
    [
        CODE.replace("A docstring.", "Another."),
        CODE.replace('    """Scales."""\n', ""),
        CODE.replace("    # Why.\n", ""),
        CODE.replace("x, factor=2", "\n    x,\n    factor=2,\n"),
        CODE.replace("return x * factor", "return (x * factor)"),
    ],
)
def test_layout_comments_and_docstrings_change_nothing(package: Path, same: str) -> None:
    assert same != CODE
    assert fingerprint_of(package, same) == fingerprint_of(package, CODE)


@pytest.mark.parametrize(
    "other", [CODE.replace("* factor", "+ factor"), CODE.replace("=2", "=2.0"), CODE.replace("scale", "s")]
)
def test_another_meaning_is_another_fingerprint(package: Path, other: str) -> None:
    assert fingerprint_of(package, other) != fingerprint_of(package, CODE)


def test_a_docstring_alone_in_a_function_may_go(package: Path) -> None:
    documented = 'def nothing():\n    """Does nothing."""\n    return None\n'
    bare = "def nothing():\n    return None\n"
    assert fingerprint_of(package, documented) == fingerprint_of(package, bare)


def test_modules_are_followed_through_imports_of_every_form(package: Path) -> None:
    files = {
        "root.py": "from made_up import first\nimport made_up.second\nimport json\n",
        "first.py": "def late():\n    from made_up.third import x\n    return x\n",
        "second.py": "",
        "third.py": "x = 1\n",
        "alone.py": "import made_up.root\n",
    }
    for name, code in files.items():
        (package / name).write_text(code)
    forget()
    found = find_modules(["made_up.root"], ["made_up"])
    assert found == ["made_up", "made_up.first", "made_up.root", "made_up.second", "made_up.third"]
    assert "made_up.third" not in find_modules(["made_up.root"], ["made_up"], without=["made_up.first"])
    assert not any(name.startswith("made_up") for name in sys.modules)
