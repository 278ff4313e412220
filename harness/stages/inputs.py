"""What a stage computes from, by digest: whole when it starts, unchanged when it ends.

DVC records what a stage's dependencies are once it has ended. It does not notice that one of them
changed while the stage ran, nor does a stage that is started by hand know whether what it reads is
what an earlier stage wrote. The digests here are DVC's own, so that they compare with `dvc.lock`.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import time
from pathlib import Path
from typing import Any

from harness.core.errors import UserError, reason
from harness.core.paths import LOCK
from harness.core.yaml import read_yaml
from harness.stages import dvc_file
from harness.stages.dvc_file import HERE, Stage

CHUNK = 1 << 20
# DVC rewrites its lock file in place, so a stage beside others may see a part of it.
PATIENCE = 2.0
# As in .dvcignore: what Python leaves beside the modules that it has read.
IGNORED = "__pycache__"


def digests(stage: Stage) -> dict[str, str]:
    """The digest of every dependency and parameter that `stage` declares, by its name.

    Raises:
        UserError: a dependency is missing.
    """
    found = {dep: digest(Path(dep)) for dep in stage.deps}
    for file, entries in stage.params.items():
        body = read_yaml(Path(file))
        for entry in entries:
            found[f"{file}: {entry}"] = _sha256(_entry(body, entry))
    return found


def digest(path: Path) -> str:
    """The MD5 of a file, or of a folder as DVC computes it: over the names and MD5s of its files.

    Raises:
        UserError: there is no such file or folder.
    """
    if not path.is_dir():
        return _md5(path)
    return hashlib.md5(_listing(path).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _listing(folder: Path) -> str:
    files = [
        path
        for path in folder.rglob("*")
        if path.is_file() and IGNORED not in path.relative_to(folder).parts
    ]
    items = [{"md5": _md5(path), "relpath": path.relative_to(folder).as_posix()} for path in files]
    return json.dumps(sorted(items, key=lambda item: item["relpath"]), sort_keys=True)


def _md5(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except FileNotFoundError:
        # Not above: it imports NumPy, which mistakes in the parameters need not wait for.
        from harness.core.files import missing

        raise missing(path) from None


def _entry(body: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def verify(stage: Stage, found: dict[str, str]) -> None:
    """Compare what `stage` reads with what the stages before it are recorded to have written.

    Args:
        found: what `digests` returned.

    Raises:
        UserError: one line for each file that is not as it was written.
    """
    writers = {out: name for name, other in dvc_file.stages().items() for out in other.outs}
    wanted = {dep: writers[dep] for dep in stage.deps if dep in writers}
    deadline = time.monotonic() + PATIENCE
    while wrong := _differing(wanted, found):
        if time.monotonic() > deadline:
            raise UserError("\n".join(wrong))
        time.sleep(0.1)


def _differing(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    lines = []
    for dep, writer in wanted.items():
        written = recorded_outputs(writer).get(dep)
        if written is None:
            lines.append(f"{dep}: {LOCK} records no run of {writer}; run `dvc repro {writer}`")
        elif written != found[dep]:
            name = damaged(Path(dep), written)
            lines.append(f"{name}: not what {writer} wrote; run `dvc repro {writer}`")
    return lines


def recorded_stages(root: Path = HERE) -> dict[str, Any]:
    """The entries of `dvc.lock` by stage; none while it is missing or only partly written."""
    try:
        found = read_yaml(root / LOCK)["stages"]
    except (UserError, TypeError, KeyError):
        return {}
    return found if isinstance(found, dict) else {}


def recorded_outputs(stage: str, root: Path = HERE) -> dict[str, str]:
    """The MD5 of each output of the recorded run of `stage`, by path; none if there is no such."""
    entry = recorded_stages(root).get(stage) or {}
    return {out["path"]: str(out["md5"]) for out in entry.get("outs", []) if "md5" in out}


def damaged(path: Path, expected: str, root: Path = HERE) -> str:
    """The files that differ, if DVC's cache still knows what the folder `path` should hold."""
    listing = cache() / expected[:2] / expected[2:]
    try:
        before = {item["relpath"]: item["md5"] for item in json.loads(listing.read_bytes())}
        now = {item["relpath"]: item["md5"] for item in json.loads(_listing(root / path))}
    except (OSError, ValueError, TypeError, KeyError):
        return str(path)
    names = sorted(name for name in before | now if before.get(name) != now.get(name))
    return ", ".join(str(path / name) for name in names) or str(path)


def cache() -> Path:
    """The folder of DVC's cache that holds objects by their MD5.

    Raises:
        UserError: a file of DVC's configuration cannot be read.
    """
    from dvc.dirs import global_config_dir, system_config_dir  # not above: DVC takes a while

    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read(
            [
                *(Path(folder) / "config" for folder in (system_config_dir(), global_config_dir())),
                *(".dvc/config", ".dvc/config.local"),
            ]
        )
    except configparser.Error as error:
        raise UserError(f"not a configuration of DVC: {reason(error)}") from None
    name = config.get("cache", "dir", fallback="cache")
    return Path(".dvc") / name / "files/md5"


def unchanged(stage: Stage, before: dict[str, str]) -> None:
    """Refuse a result if something that it was computed from has changed meanwhile.

    Args:
        before: what `digests` returned when the stage started.

    Raises:
        UserError: naming what changed.
    """
    after = digests(stage)
    changed = [name for name in before if after[name] != before[name]]
    if changed:
        raise UserError(
            f"{', '.join(changed)} changed while {stage.name} ran, so the result is not recorded; "
            "run the same again"
        )


def fingerprint(stage: Stage, found: dict[str, str]) -> str:
    """A name for the computation: the same for the same stage, code, parameters and data."""
    return _sha256([stage.name, found])[:32]


def is_recorded(stage: Stage, found: dict[str, str]) -> bool:
    """Whether `dvc.lock` holds a run of `stage` on just these inputs."""
    entry = recorded_stages().get(stage.name, {})
    recorded = {dep.get("path"): dep.get("md5") for dep in entry.get("deps", [])}
    for file, values in entry.get("params", {}).items():
        recorded |= {f"{file}: {name}": _sha256(value) for name, value in values.items()}
    return recorded == found
