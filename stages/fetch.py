"""fetch: bring a source here from the first place that serves it, verify it, write its files."""

import importlib
import shutil
import tempfile
from pathlib import Path

from harness.core.errors import UserError, reason
from harness.core.files import partial_prefix
from harness.core.params import Declared
from unroll.core.paths import CORPORA, raw
from unroll.corpora.archives import unpack
from unroll.corpora.download import obtain
from unroll.corpora.sources import Source, downloads, source_of, timeout


def main(params: Declared, name: str) -> None:
    source = source_of(name)
    place, archive = obtain(name, source.places, downloads(), timeout())
    try:
        if source.content:
            _adapt(name, source.content, archive, place.name)
        else:
            _copy(source, archive, raw(name))
    except (UserError, KeyboardInterrupt):
        raise
    except Exception as error:  # readers of archives raise errors of every kind
        if isinstance(error, OSError) and error.errno:  # of the disk
            raise
        raise UserError(
            f"{archive}: not an archive of {name} as the {place.name} source serves it "
            f"({reason(error)}); {CORPORA} names another one"
        ) from None


def _adapt(name: str, expected: str, archive: Path, place: str) -> None:
    """Write what the source's adapter reads from the archive."""
    adapter = importlib.import_module(f"unroll.corpora.{name}")
    content = adapter.read(archive, place)
    found = adapter.content_digest(content)
    if found != expected:
        raise UserError(
            f"{archive}: refused, the content's sha256 is {found}, {CORPORA} expects {expected}"
        )
    adapter.write(content)


def _copy(source: Source, archive: Path, target: Path) -> None:
    """Write the chosen members of the archive, or the file as it is, to a new folder `target`.

    Members keep their folders below the one that all of them have in common.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=partial_prefix(), dir=target.parent) as partial:
        folder = Path(partial) / "files"
        folder.mkdir()
        if source.members:
            folder = unpack(archive, source.members, folder)
        else:  # named alike, whichever place serves
            shutil.copyfile(archive, folder / source.places[0].file_name)
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
