"""Draws the rooms of the code and the imports between them, as a graph for Graphviz: `make pictures`.

A room is a folder, or a module that lies beside the folders of `extractors`. An arrow that follows from
others is left out. Dashed arrows are no imports: names in a registry, and command lines in rules.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
LAYERS = {"workflow": "workflow/planning", "img": "img", "extractors": "extractors"}
"""Each layer, and the folder whose modules are drawn."""

RULES = "workflow.rules"
COMMANDS = re.compile(r"python -m (img|extractors)\b")
REGISTERED = re.compile(r"([a-z_.0-9]+):[a-z_]+")

Edges = dict[str, set[str]]


def find_modules() -> dict[str, Path]:
    """Finds every module of the three layers: dotted name -> file. What `python -m` starts is left out."""
    modules = {}
    for folder in LAYERS.values():
        for file in sorted((PROJECT / folder).rglob("*.py")):
            if file.stem != "__main__":
                parts = file.relative_to(PROJECT).with_suffix("").parts
                modules[".".join(part for part in parts if part != "__init__")] = file
    return modules


def find_room(module: str) -> str:
    """Names the room that a module lies in."""
    return ".".join(module.split(".")[:2])


def list_imports(file: Path) -> Iterator[str]:
    """Yields the names that a file imports, inside functions too, but not those for a type checker alone."""
    waiting: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def list_registered(file: Path) -> Iterator[str]:
    """Yields the modules that a registry names as "module:function"."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and (found := REGISTERED.fullmatch(value)):
            yield found[1]


def resolve(name: str, modules: dict[str, Path]) -> str | None:
    """Finds the module that an imported name is or lies in; None for libraries."""
    name = f"workflow.{name}" if name.startswith("planning") else name
    while name not in modules and "." in name:
        name = name.rpartition(".")[0]
    return name if "." in name else None


def find_edges(modules: dict[str, Path]) -> tuple[Edges, Edges]:
    """Finds who imports whom, and who names whom, room by room."""
    imports: Edges = defaultdict(set)
    names: Edges = defaultdict(set)
    for module, file in modules.items():
        room = find_room(module)
        for edges, found in ((imports, list_imports(file)), (names, list_registered(file))):
            targets = {find_room(target) for name in found if (target := resolve(name, modules))}
            edges[room] |= targets - {room}
    for file in (PROJECT / "workflow").rglob("*.smk"):
        names[RULES] |= {f"{package}.commands" for package in COMMANDS.findall(file.read_text())}
    imports[RULES] = {"workflow.planning"}
    return imports, names


def reaches(start: str, end: str, edges: Edges) -> bool:
    """Tells whether a way leads from one room to another."""
    return end in edges[start] or any(reaches(step, end, edges) for step in edges[start])


def reduce(edges: Edges) -> Edges:
    """Leaves out every arrow that follows from others."""
    return {
        room: {
            target
            for target in targets
            if not any(reaches(other, target, edges) for other in targets - {target})
        }
        for room, targets in edges.items()
    }


def draw(rooms: set[str], imports: Edges, names: Edges) -> str:
    """Writes the graph in Graphviz's language."""
    lines = [
        "digraph architecture {",
        '  node [shape=box, fontname="sans", fontsize=11, style=filled, fillcolor=white];',
        '  edge [color="#404040"];',
        "  ranksep=0.35; nodesep=0.25;",
    ]
    for shade, layer in zip(("gray92", "gray84", "gray92"), LAYERS, strict=True):
        inside = sorted(room for room in rooms if room.startswith(f"{layer}."))
        lines += [
            f'  subgraph "cluster_{layer}" {{ label="{layer}/"; labeljust=l; fontname="sans bold"; '
            f"style=filled; color={shade};",
            *(f'    "{room}" [label="{room.partition(".")[2]}"];' for room in inside),
            "  }",
        ]
    lines += [f'  "{a}" -> "{b}";' for a in sorted(imports) for b in sorted(imports[a])]
    lines += [
        f'  "{a}" -> "{b}" [style=dashed, constraint={str(a == RULES).lower()}];'
        for a in sorted(names)
        for b in sorted(names[a])
    ]
    return "\n".join([*lines, "}"])


def main() -> None:
    """Prints the graph."""
    modules = find_modules()
    imports, names = find_edges(modules)
    rooms = {find_room(module) for module in modules if "." in module} | {RULES}
    print(draw(rooms, reduce(imports), names))


if __name__ == "__main__":
    main()
