"""All that the harness uses of DVC's private parts, which may change with a minor version of DVC.

`pyproject.toml` therefore pins DVC to the minor version. Whoever raises it starts here.
"""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import UserError, reason

HERE = Path()


def cache_folder(root: Path = HERE) -> Path:
    """The folder of the cache of the project in `root`, as DVC itself reads its configuration.

    Its subfolder `files/md5` holds objects by their MD5, `runs` the run-cache. DVC's dialect of the
    configuration has quotes, commas, comments and `~`, so no other reader will do.

    Raises:
        UserError: a file of the configuration cannot be read.
    """
    from dvc.config import Config, ConfigError  # not above: DVC takes a while to import

    folder = root / ".dvc"
    try:
        config = Config(dvc_dir=str(folder.absolute()), validate=True)
    except ConfigError as error:
        raise UserError(f"{folder}/config: not a configuration of DVC ({reason(error)})") from None
    # DVC resolves a relative name against the folder of the file that holds it.
    return Path(config["cache"].get("dir") or folder / "cache")


def objects_folder(root: Path = HERE) -> Path:
    """The folder of the cache that holds objects by their MD5, `ab/cdef...`."""
    return cache_folder(root) / "files/md5"
