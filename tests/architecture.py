"""What docs/architecture.md shows of the imports: `python -m tests.architecture` writes it."""

from __future__ import annotations

import ast
from pathlib import Path

import grimp
import networkx as nx

from harness.reporting.markdown import table

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/architecture.md"
BEGIN, END = "<!-- imports: `make readme` -->", "<!-- end of imports -->"
WINGS = {"stages": "the pipeline", "unroll": "the science", "harness": "for any DVC project"}
# Before the two wings, when each module that lay beside the folders of `unroll` was a room.
BEFORE = {"rooms": 56, "levels": 8, "imports between rooms": 139}


def rooms() -> nx.DiGraph:
    """The rooms of the wings; an edge leads to what is imported.

    A room is a folder, the command line of a wing, or the other modules beside its folders.
    """
    graph = nx.DiGraph()
    modules = grimp.build_graph(*WINGS, cache_dir=None)
    for module in sorted(modules.modules):
        graph.add_node(_room(module))
        for imported in sorted(modules.find_modules_directly_imported_by(module)):
            if _room(module) != _room(imported):
                graph.add_edge(_room(module), _room(imported))
    return graph


def _room(module: str) -> str:
    wing, *rest = module.split(".")
    if wing == "stages":
        return wing
    if not rest or rest[0] in ("cli", "__main__"):
        return f"{wing}.cli"
    return f"{wing}.{rest[0]}" if (ROOT / wing / rest[0]).is_dir() else wing


def generated() -> str:
    """The picture and the tables, as Markdown."""
    graph = rooms()
    level = {
        room: height
        for height, rooms_there in enumerate(nx.topological_generations(graph.reverse()))
        for room in rooms_there
    }
    ordered = sorted(graph, key=lambda room: (-level[room], room))
    sizes = len(graph), len(set(level.values())), graph.number_of_edges()
    now = dict(zip(BEFORE, sizes, strict=True))
    counts = [(name, str(before), str(now[name])) for name, before in BEFORE.items()]
    return "\n\n".join(
        [
            _picture(graph),
            *(_table(graph, ordered, wing) for wing in WINGS),
            table(("", "before the two wings", "now"), counts),
        ]
    )


def _picture(graph: nx.DiGraph) -> str:
    lines = ["```mermaid", "flowchart TD"]
    for wing, title in WINGS.items():
        lines.append(f'  subgraph {wing}_wing["{wing}/: {title}"]')
        lines += [
            f"    {_id(room)}[{room.rpartition('.')[2]}]"
            for room in sorted(graph)
            if _wing(room) == wing
        ]
        lines.append("  end")
    # An arrow that follows from two others would only hide them.
    shown = nx.transitive_reduction(graph)
    return "\n".join([*lines, *(f"  {_id(a)} --> {_id(b)}" for a, b in sorted(shown.edges)), "```"])


def _table(graph: nx.DiGraph, ordered: list[str], wing: str) -> str:
    rows = [
        (f"`{room}`", _purpose(room), ", ".join(f"`{other}`" for other in sorted(graph[room])))
        for room in ordered
        if _wing(room) == wing
    ]
    head = ("room", "what belongs there", "imports")
    return f"**`{wing}/`**, {WINGS[wing]}\n\n{table(head, rows)}"


def _wing(room: str) -> str:
    return room.partition(".")[0]


def _id(room: str) -> str:
    return room.replace(".", "_")


def _purpose(room: str) -> str:
    """The docstring of a folder, or the first line of a module's."""
    path = ROOT / room.replace(".", "/")
    folder = path.is_dir()
    source = (path / "__init__.py" if folder else path.with_suffix(".py")).read_text("utf-8")
    text = ast.get_docstring(ast.parse(source)) or ""
    return " ".join(text.split()) if folder else text.partition("\n")[0]


def filled(page: str) -> str:
    """The text of the page with what is generated between its marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{generated()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
