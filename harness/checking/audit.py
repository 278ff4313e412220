"""Is the cache what it says? The command `audit`: the MD5 of each object is its name.

DVC does not hash a cached object again, so damage on the disk would be handed out as a result.
"""

from __future__ import annotations

import json
from pathlib import Path

from harness import project
from harness.core.errors import UserError
from harness.dvc_private import objects_folder
from harness.stages import lock_file
from harness.stages.hashing import digest


def objects(cache: Path) -> list[Path]:
    """The files of a cache that are objects, by their names."""
    return [
        path
        for path in sorted(cache.glob("[0-9a-f][0-9a-f]/*"))
        if len(path.name.removesuffix(".dir")) == 30
    ]


def is_damaged(path: Path) -> bool:
    """Whether the content of an object is not what its name says."""
    return digest(path) != (path.parent.name + path.name).removesuffix(".dir")


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
    """Hash every object of the cache and name those that are damaged.

    Raises:
        UserError: some are, or there is nothing to hash.
    """
    cache, repro = objects_folder(), f"`{project.read().command} repro`"
    every = objects(cache)
    if not every:
        raise UserError(f"{cache}: no cache, or an empty one; `dvc pull` or {repro} fills it")
    found = [path for path in every if is_damaged(path)]
    known = names(cache)
    for path in found:
        used = known.get(path.parent.name + path.name, "of an earlier run")
        print(f"{path}: DAMAGED ({used})")
    print(f"{len(every)} objects in {cache}, {len(found)} damaged", flush=True)
    if found:
        raise UserError(
            "delete the damaged files above and what was made of them in the work tree; "
            f"then `dvc pull`, or {repro}, brings them back"
        )
