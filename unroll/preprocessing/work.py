"""What preparing a corpus works with: a scratch folder, a store of rows, workers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.core.files import partial_prefix
from harness.core.paths import SCRATCH
from unroll.preprocessing.store import Store
from unroll.preprocessing.workers import Workers, workers_for


@dataclass(frozen=True)
class Work:
    """What is there while a corpus is prepared."""

    folder: Path
    store: Store
    workers: Workers


@contextmanager
def work_for(corpus: Path) -> Iterator[Work]:
    """Make room for a corpus, and start workers if it is worth it; all are gone at the end.

    What a killed process leaves of the folder, the next stage removes.

    Raises:
        UserError: as `workers_for`.
    """
    SCRATCH.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=partial_prefix(), dir=SCRATCH) as folder,
        Store(Path(folder)) as store,
        workers_for(corpus) as workers,
    ):
        yield Work(Path(folder), store, workers)
