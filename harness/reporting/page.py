"""Sets up the page of `dvc plots show` and `dvc plots diff`: `unroll page`.

`page.html` is DVC's template of that page, which `.dvc/config` names. As it stands, the browser
loads the chart library from the web, as with DVC's own. Here a copy with the library in it is
written to `.dvc/page.html`, and `.dvc/config.local` is made to name that one. Both files are out
of git and lie side by side: a clone has the two or none, and either way a page.
"""

from __future__ import annotations

from pathlib import Path

import vl_convert
from dvc.config import Config

from harness.core.files import write_text

TEMPLATE = Path(__file__).with_name("page.html")
BUILT = Path(".dvc/page.html")
LIBRARY = "{scripts}"
# The browser itself refuses whatever the page may ask of a network. Vega compiles its expressions.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "img-src 'self' file: data:"
)


def offline() -> str:
    """The template with Vega, Vega-Lite and Vega-Embed in it."""
    library = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # The only text that could end the element; in a script it means the same.
    library = library.replace("</script", r"<\/script")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    return TEMPLATE.read_text("utf-8").replace(LIBRARY, f"{policy}\n<script>{library}</script>")


def main() -> None:
    """Write the template and have DVC use it in this clone."""
    write_text(BUILT, offline())
    with Config(dvc_dir=str(BUILT.parent)).edit("local") as config:
        config.setdefault("plots", {})["html_template"] = BUILT.name
