"""The objects that a clone and a remote hold, and whether they are what their names say.

DVC takes an object that a remote has under the right name for the right one: it sends it no more,
and it never looks whether single files of a folder that it has sent are still there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.transfer import transfer

from harness.checking import audit
from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from harness.dvc_private import cache_folder, objects_folder
from harness.stages import lock_file
from harness.stages.hashing import digest

JOBS = 8
CHUNK = 1 << 22
OBJECT = re.compile(r"(?P<name>[0-9a-f]{2}/[0-9a-f]{30}(\.dir)?)$")


def path(md5: str) -> Path:
    """Where the cache of this clone keeps an object."""
    return objects_folder() / md5[:2] / md5[2:]


def of_clone() -> dict[str, str]:
    """What the runs that this clone knows have written, as far as the cache has it.

    That is the outputs in `dvc.lock`, and those of every run that DVC remembers for its key of
    command, dependencies and parameters; metrics and plots too, which DVC itself does not send.

    Returns:
        The path of an output, or of a file in one, by MD5.
    """
    found: dict[str, str] = {}
    for run in sorted(cache_folder().glob("runs/*/*/*")):
        for name, md5 in _outputs(run).items():
            found |= listed(md5, name)
    for recorded in lock_file.outputs().values():
        for out, md5 in recorded.items():
            found |= listed(md5, out)
    return {md5: name for md5, name in found.items() if path(md5).exists()}


def size(md5s: Iterable[str]) -> int:
    """Bytes that objects take in the cache of this clone."""
    return sum(path(md5).stat().st_size for md5 in md5s)


def _outputs(run: Path) -> dict[str, str]:
    """The MD5 of each output that a file of the run-cache names; none if it is cut off."""
    try:
        return {out["path"]: str(out["md5"]) for out in read_yaml(run)["outs"]}
    except (UserError, TypeError, KeyError):
        return {}


def listed(md5: str, out: str) -> dict[str, str]:
    """An object and, if it is the list of a folder's files that the cache has, theirs."""
    return {md5: out, **(audit.files_of(path(md5), out) if md5.endswith(".dir") else {})}


def of_remote(odb: HashFileDB) -> dict[str, dict[str, Any]]:
    """What a remote says of each of its objects, by MD5: the size in bytes, S3 the ETag too."""
    found = odb.fs.fs.find(odb.path, detail=True)
    if odb.fs.protocol == "local":
        found = {name: {} for name in found}
    return {
        match["name"].replace("/", ""): info
        for name, info in found.items()
        if (match := OBJECT.search(name.replace("\\", "/")))
    }


def suspects(odb: HashFileDB, there: dict[str, dict[str, Any]], names: Iterable[str]) -> list[str]:
    """Those of `names` that may be damaged in the remote, by what it says of them.

    In S3, the ETag of what was sent in one part is its MD5. A folder says too little: all of them.
    """
    common = [md5 for md5 in names if md5 in there]
    if odb.fs.protocol == "local":
        return common
    return [md5 for md5 in common if not _plausible(md5, there[md5])]


def _plausible(md5: str, info: dict[str, Any]) -> bool:
    tag = str(info.get("ETag", "")).strip('"')
    is_md5 = re.fullmatch("[0-9a-f]{32}", tag) is not None
    return info.get("size") == path(md5).stat().st_size and (not is_md5 or tag == md5[:32])


def damaged(odb: HashFileDB, names: Iterable[str]) -> list[str]:
    """Those of `names` whose content in the remote, read to the end, has another MD5."""
    every = list(names)
    with ThreadPoolExecutor(JOBS) as pool:
        found = pool.map(lambda md5: _digest(odb, md5) == md5[:32], every)
        return [md5 for md5, is_whole in zip(every, found, strict=True) if not is_whole]


def _digest(odb: HashFileDB, md5: str) -> str:
    """The MD5 of an object's content in the remote; none if it has gone since it was listed."""
    state = hashlib.md5(usedforsecurity=False)
    try:
        with odb.fs.fs.open(odb.oid_to_path(md5), "rb", block_size=CHUNK) as file:
            while chunk := file.read(CHUNK):
                state.update(chunk)
    except FileNotFoundError:
        return ""
    return state.hexdigest()


def is_whole(md5: str) -> bool:
    """Whether the cache of this clone has an object, undamaged."""
    return path(md5).exists() and digest(path(md5)) == md5[:32]


def copy(source: HashFileDB, target: HashFileDB, names: Iterable[str], verify: bool) -> set[str]:
    """Copy objects from a cache to a remote or back, folders' lists after their files.

    Args:
        verify: read each again in the target, and remove it there if it is damaged.

    Returns:
        Those that could not be copied.
    """
    wanted = [HashInfo("md5", md5) for md5 in names]
    result = transfer(source, target, wanted, jobs=JOBS, verify=verify, cache_odb=source)
    return {str(item.value) for item in result.failed}
