"""What a training needs to resume after its last whole epoch, in one file per epoch."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from harness.core.files import replacing

# The one before the newest serves when the newest turns out to be damaged.
KEPT = 2
_FACTS = "facts"


class Checkpoints:
    """The states of one training, the newest two, in a folder of its own.

    The folder must belong to one computation: the same code, parameters and data.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, epoch: int, arrays: list[np.ndarray], facts: dict[str, Any]) -> None:
        """Save the state after `epoch`, complete or not at all.

        Args:
            facts: what JSON can hold; numbers are restored to the last bit.
        """
        named = {f"{i:04d}": array for i, array in enumerate(arrays)}
        text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        with replacing(self._path(epoch)) as partial:
            np.savez(partial, allow_pickle=False, **named, **{_FACTS: text})
        for path in self._paths()[KEPT:]:
            path.unlink()

    def newest(self) -> tuple[list[np.ndarray], dict[str, Any]] | None:
        """Arrays and facts of the newest undamaged state, if there is one."""
        for path in self._paths():
            try:
                # The archive's own checksums detect damage.
                with np.load(path, allow_pickle=False) as archive:
                    facts = json.loads(archive[_FACTS].tobytes())
                    names = sorted(name for name in archive.files if name != _FACTS)
                    return [archive[name] for name in names], facts
            except (BadZipFile, EOFError, KeyError, ValueError, zlib.error):
                path.unlink()
        return None

    def _path(self, epoch: int) -> Path:
        return self._folder / f"epoch-{epoch:06d}.npz"

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("epoch-*.npz"), reverse=True)
