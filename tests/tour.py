"""The tour: `python -m tests.tour` runs docs/tour.ipynb and renders it as docs/tour.md."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from PIL import Image

ROOT = Path(__file__).parent.parent
NOTEBOOK, PAGE, PICTURES = (Path("docs") / name for name in ("tour.ipynb", "tour.md", "tour"))
COLOR = re.compile(r"\x1b\[[0-9;]*m")  # as a terminal is told it
HEAD = "<!-- Written by `make tour` from tour.ipynb. -->"
# Wherever the notebook is opened and run, it has the same bytes.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read(folder: Path) -> NotebookNode:
    """The notebook of a project."""
    return nbformat.read(folder / NOTEBOOK, as_version=4)


def executed(folder: Path, variables: dict[str, str] | None = None) -> NotebookNode:
    """The notebook of a project with new outputs, from the project's artifacts.

    Args:
        folder: the root of the project.
        variables: of the environment, to set.

    Raises:
        CellExecutionError: a cell fails.
    """
    notebook = read(folder)
    with tempfile.TemporaryDirectory() as home:  # without the user's settings of IPython
        programs = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        own = {"PATH": programs, "PYTHONPATH": str(folder), "IPYTHONDIR": home}
        client = NotebookClient(
            notebook,
            timeout=600,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str((folder / NOTEBOOK).parent)}},
        )
        # Not for everyone on the machine to read.
        client.execute(env=os.environ | own | (variables or {}), transport_encryption="auto")
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if picture := output.get("data", {}).get("image/png"):
                output.data = {"image/png": _plain(picture)}
            if output.output_type == "stream":
                output.text = output.text.replace("\r\n", "\n")  # as a terminal ends lines
    return notebook


def _plain(picture: str) -> str:
    """A PNG with a palette, and without the version of what wrote it; both in base 64."""
    body = io.BytesIO()
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    # It looks the same and has half the bytes.
    image = image.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    image.save(body, "png", optimize=True)
    return base64.b64encode(body.getvalue()).decode()


def rendered(notebook: NotebookNode) -> tuple[str, dict[str, bytes]]:
    """The notebook as Markdown, and its pictures by the names of their files."""
    parts, pictures, heading = [HEAD], dict[str, bytes](), ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = next(iter(re.findall(r"^#+ (.+)", cell.source, re.MULTILINE)), heading)
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{cell.id}.png"
                pictures[name] = base64.b64decode(data["image/png"])
                parts.append(f"![{heading}: {cell.id}]({PICTURES.name}/{name})")
            else:
                parts.append(_text(data.get("text/html"), data.get("text/markdown"), output))
    return "\n\n".join(parts) + "\n", pictures


def _text(html: str | None, markdown: str | None, output: NotebookNode) -> str:
    if html or markdown:
        return re.sub(r"<style.*?</style>\n?", "", html or markdown or "", flags=re.DOTALL)
    text = output.text if output.output_type == "stream" else output.data["text/plain"]
    return f"```text\n{COLOR.sub('', text).rstrip()}\n```"


def write(folder: Path, notebook: NotebookNode) -> None:
    """Write the notebook and its rendering into a project."""
    page, pictures = rendered(notebook)
    nbformat.write(notebook, folder / NOTEBOOK)
    (folder / PAGE).write_text(page, "utf-8")
    shutil.rmtree(folder / PICTURES, ignore_errors=True)
    (folder / PICTURES).mkdir()
    for name, body in pictures.items():
        (folder / PICTURES / name).write_bytes(body)


def main() -> None:
    """Run the tour of this project, and write it."""
    try:
        write(ROOT, executed(ROOT))
    except CellExecutionError as error:
        why = error.evalue
        if error.ename != "UserError":
            why = f"{error.ename}: {why}; `unroll repro` makes the results that a cell may lack"
        raise SystemExit(f"error: {NOTEBOOK}: {why}") from None


if __name__ == "__main__":
    main()
