"""The model that a command names, and what it says about itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from harness.core.errors import UserError
from harness.core.files import HOW_TO_FIX, read_json
from harness.core.paths import PARAMS
from unroll.core import paths
from unroll.core.tasks import MANY, REBUILD, TWO

_TYPES = {"corpus": str, "classes": list, "length": int, "mask": bool, "reads": dict}


class Batch(NamedTuple):
    """Inputs of a model that have arrived together."""

    names: list[str]  # how an answer shows each: a file, or the beginning of a text
    fields: list[dict[str, Any]]  # what an answer in JSON says of each
    x: np.ndarray  # as the model reads them, (n, steps) or (n, steps, features)
    texts: Sequence[str] = ()  # whole, of a model of texts


@dataclass(frozen=True)
class Model:
    """A trained model's own description, `task.json`.

    A baseline of texts has one as well.

    Attributes:
        name: as the command has it.
        length: steps that it reads; of more the last ones, fewer are padded in front.
        mask: it passes over that padding.
        channels: of a pixel, none if gray; or the names of those of a series.
        columns: the steps of an image are its columns.
        scale: `mean` and `deviation` of each channel of a series.
        threshold: of two classes, the least probability of the second one that decides for it.
        reads: how files are read, as `unroll.corpora.blocks.Corpus.reads` has it.
    """

    name: str
    folder: Path
    task: str
    kind: str
    corpus: str
    classes: list[str]
    length: int
    mask: bool = False
    channels: Sequence[str] = ()
    columns: bool = False
    scale: dict[str, list[float]] | None = None
    threshold: float = 0.5
    reads: dict[str, Any] = field(default_factory=dict)

    def scaled(self, series: np.ndarray, back: bool = False) -> np.ndarray:
        """Values of series (..., channels) as the model reads them, or back, float32."""
        if not self.scale:
            return np.asarray(series, np.float32)
        mean, deviation = (np.array(self.scale[key]) for key in ("mean", "deviation"))
        found = series * deviation + mean if back else (series - mean) / deviation
        return found.astype(np.float32)

    def rows(self, path: str) -> Iterator[list[Any]]:
        """The rows of a file or folder in chunks, in every format that the corpus may have.

        Raises:
            UserError: it cannot be read, or the model does not say how.
        """
        from pydantic import TypeAdapter, ValidationError  # with what reads tables, half a second

        from unroll.corpora.blocks import Block
        from unroll.corpora.reading import find_tables, read
        from unroll.corpora.tables import open_table

        said = {**self.reads, "kind": self.kind, "path": path, "label": None}
        others = {*said.pop("others", []), said.get("series"), said.get("step")}
        if self.kind == "series" and Path(path).is_file() and find_tables(Path(path)):
            columns = open_table(Path(path), said.get("encoding")).columns
            said.setdefault("values", [name for name in columns if name not in others])
        try:
            block: Any = TypeAdapter(Block).validate_python(said)
        except ValidationError as error:
            raise UserError(
                f"{self.folder / paths.TASK}: `reads` does not say how files are read "
                f"({error.errors()[0]['msg']}); {HOW_TO_FIX}"
            ) from None
        yield from (chunk.x for chunk in read(block))

    def pictures(self, x: np.ndarray) -> np.ndarray:
        """Images as the model has them, (n, steps, features), as (n, height, width[, 3])."""
        colors = (len(self.channels),) if self.channels else ()
        found = x.reshape(*x.shape[:2], -1, *colors)
        return np.swapaxes(found, 1, 2) if self.columns else found

    def steps(self, pictures: np.ndarray) -> np.ndarray:
        """The way back: (n, height, width[, 3]) to (n, steps, features)."""
        found = np.swapaxes(pictures, 1, 2) if self.columns else pictures
        return found.reshape(*found.shape[:2], -1)


def folder(name: str) -> Path:
    """The folder of a model of `params.yaml`, of a baseline of texts, or of one from elsewhere.

    Raises:
        UserError: there is no such model, or it is not here.
    """
    path = Path(name) if "/" in name else paths.model(name)
    if path.is_dir():
        return path
    corpus, _, method = name.rpartition("_")
    if corpus and "/" not in name and (paths.baselines(corpus) / method / paths.METHOD).is_file():
        return paths.baselines(corpus) / method
    if "/" in name:
        raise UserError(f"{name}: there is no such folder")
    from harness.core.yaml import read_yaml  # takes 10 ms, and only a mistake needs it

    known = list(read_yaml(PARAMS)["models"])
    if name not in known:
        raise UserError(
            f"MODEL is {name}, expected one of {', '.join(known)}, a baseline of texts such as "
            "imdb_nb-trigrams, or a folder"
        )
    raise UserError(
        f"{path}: this model is not here; `unroll repro` trains the models, "
        "`unroll pull` fetches trained ones"
    )


def find(name: str) -> Model:
    """The model that a command names.

    Raises:
        UserError: there is no such model, or its description is missing or damaged.
    """
    path = folder(name) / paths.TASK
    body = read_json(path)
    try:
        said = {each.name: body[each.name] for each in fields(Model) if each.name in body}
        model = Model(**said | {"name": name, "folder": path.parent})
        wrong = [key for key, kind in _TYPES.items() if not isinstance(getattr(model, key), kind)]
        wrong += [] if model.task in (TWO, MANY, REBUILD) else ["task"]
        wrong += [] if model.kind in ("text", "series", "images") else ["kind"]
        wrong += [] if 0 <= model.threshold <= 1 else ["threshold"]
    except TypeError:
        wrong = ["keys"]
    if wrong:
        raise UserError(f"{path}: not what a model is for, by its {wrong[0]}; {HOW_TO_FIX}")
    return model
