"""The stages of a `dvc.yaml` and the parameters that they read, by DVC's resolver and readers."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import IO, Any

from harness.core.errors import UserError, reason
from harness.core.yaml import read_yaml

# A template such as `models.rnn`, of which DVC's grammar makes the same text.
_PLAIN = re.compile(r"\w+(\.\w+)*")


class _Files:
    """What the resolver of templates needs of a file system, with names relative to a folder.

    Attributes:
        asked: the files that were asked for, whether they exist or not.
    """

    join, normpath = staticmethod(os.path.join), staticmethod(os.path.normpath)

    def __init__(self, root: Path) -> None:
        self._root = root
        self.asked: set[Path] = set()

    def exists(self, path: str) -> bool:
        self.asked.add(self._root / path)
        return (self._root / path).exists()

    def isdir(self, path: str) -> bool:
        return (self._root / path).is_dir()

    def suffix(self, path: str) -> str:
        return Path(path).suffix

    def open(self, path: str, mode: str = "r", encoding: str = "utf-8") -> IO[Any]:
        return (self._root / path).open(mode, encoding=encoding)


class _Repo:
    """What the resolver needs of a repository. A real one takes half a second to import."""

    def __init__(self, root: Path) -> None:
        self.fs, self.config = _Files(root), dict[str, Any]()


def resolved_stages(pipeline: dict[str, Any], root: Path) -> tuple[dict[str, Any], set[Path]]:
    """The definition of each stage of a `dvc.yaml` by name, all templates filled in.

    That is one for each combination of a `matrix` and for each item of a `foreach`.

    Args:
        pipeline: the content of the file.
        root: the folder of the file, in which `params.yaml` and the files of `vars` are looked up.

    Returns:
        The definitions, and the files beside `dvc.yaml` that they depend on, which may not exist.

    Raises:
        UserError: naming the stage, or the part of the file, that DVC cannot resolve.
    """
    from dvc.exceptions import DvcException
    from dvc.parsing import DataResolver, EntryDefinition, interpolate, make_definition

    place, found, repo = "dvc.yaml", dict[str, Any](), _Repo(root)
    parse = interpolate.parse_expr
    # A plain name needs no parser, whose import takes as long as all the rest.
    interpolate.parse_expr = lambda text: text if _PLAIN.fullmatch(text) else parse(text)
    try:
        resolver: Any = DataResolver(repo, "", pipeline | {"stages": {}})
        for group, body in pipeline.get("stages", {}).items():
            place = f"dvc.yaml: stage {group}"
            definition = resolver.definitions[group] = make_definition(resolver, group, body)
            if isinstance(definition, EntryDefinition):
                found |= definition.resolve()
            else:
                for name in definition.get_generated_names():
                    found |= resolver.resolve_one(name)
    except DvcException as error:
        cause = reason(error)
        raise UserError(cause if "dvc.yaml" in cause else f"{place}: {cause}") from None
    except AssertionError:
        raise UserError(f"{place}: its keys do not belong together, or one is missing") from None
    # The resolver expects what DVC's schema has let through, and says anything of what it has not.
    except (AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        raise UserError(f"{place}: not a definition that DVC can read ({reason(error)})") from None
    finally:
        interpolate.parse_expr = parse
    return found, repo.fs.asked


def read_params(path: Path) -> Any:
    """The content of a file of parameters, in any of the formats that DVC reads.

    Raises:
        UserError: the file is missing or not of the format that its name says.
    """
    if path.suffix.lower() not in (".toml", ".json", ".py"):
        return read_yaml(path)
    from dvc.exceptions import DvcException
    from dvc.utils.serialize import load_path

    try:
        return load_path(str(path), _Files(Path()))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (DvcException, ValueError) as error:
        raise UserError(f"{path}: not a file of parameters ({reason(error)})") from None
