"""Is the cache what it says? `unroll audit`: the MD5 of each object is its name.

DVC does not hash a cached object again, so damage on the disk would be handed out as a result.
"""

from __future__ import annotations

import json
from pathlib import Path

from harness.core.errors import UserError
from harness.dvc_private import objects_folder
from harness.stages import lock_file
from harness.stages.hashing import digest


def damaged(cache: Path) -> list[Path]:
    """The objects of a cache whose content is not what their names say."""
    return [
        path
        for path in sorted(cache.glob("[0-9a-f][0-9a-f]/*"))
        if len(path.name.removesuffix(".dir")) == 30
        and digest(path) != (path.parent.name + path.name).removesuffix(".dir")
    ]


def names(cache: Path) -> dict[str, str]:
    """The path of each recorded output, and of each file in one, by MD5."""
    found: dict[str, str] = {}
    for recorded in lock_file.outputs().values():
        for out, md5 in recorded.items():
            found[md5] = out
            if md5.endswith(".dir"):
                found |= files_of(cache / md5[:2] / md5[2:], out)
    return found


def files_of(listing: Path, out: str) -> dict[str, str]:
    """The path of each file of the folder `out` by MD5, from the object that lists them."""
    try:
        return {
            item["md5"]: f"{out}/{item['relpath']}" for item in json.loads(listing.read_bytes())
        }
    except (OSError, ValueError, TypeError, KeyError):
        return {}  # missing, or damaged and named as such


def main() -> None:
    cache = objects_folder()
    count, found = len(list(cache.glob("*/*"))), damaged(cache)
    known = names(cache)
    for path in found:
        used = known.get(path.parent.name + path.name, "of an earlier run")
        print(f"{path}: DAMAGED ({used})")
    print(f"{count} objects in {cache}, {len(found)} damaged")
    if found:
        raise UserError(
            "delete the damaged files above and what was made of them in the work tree; "
            "then `dvc pull`, or `make repro`, brings them back"
        )
