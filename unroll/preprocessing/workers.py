"""Runs the shards of a corpus one after the other, on the cores of this machine, or on Ray.

Whoever runs them, results come back in the order of the shards, and so does the first mistake.
Not here: what is done with a shard.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Protocol, TypeVar

from harness import ending
from harness.core.environment import JOBS
from harness.core.errors import UserError

VARIABLE = "UNROLL_WORKERS"
# Bytes of a corpus on the disk below which processes cost more than they give.
WORTH = 2**26

T = TypeVar("T")


class Workers(Protocol):
    """What runs functions elsewhere."""

    count: int  # that run at once

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """Begin a call; the returned function waits for its result, or raises its mistake."""
        ...

    def close(self) -> None:
        """End what was begun."""
        ...


def in_order(
    workers: Workers, function: Callable[..., T], calls: Iterable[tuple[Any, ...]]
) -> Iterator[T]:
    """The results of calls in their order; only a few more than there are workers wait at a time.

    Raises:
        UserError: of the first call that raises one, or of `calls` after all calls before it.
    """
    waiting: deque[Callable[[], T]] = deque()
    source, mistake = iter(calls), None
    while True:
        try:
            waiting.append(workers.submit(function, *next(source)))
        except StopIteration:
            break
        except UserError as error:
            mistake = error
            break
        if len(waiting) > workers.count:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()
    if mistake:
        raise mistake


@contextmanager
def workers_for(path: Path) -> Iterator[Workers]:
    """What runs the shards of a corpus; how many workers there are changes no result.

    `UNROLL_WORKERS` says their number, or `ray`. Without it, a small corpus has one, this process,
    and a larger one as many as there are processors for it.

    Args:
        path: of the corpus.

    Raises:
        UserError: the variable says something else, or Ray does not answer.
    """
    said = os.environ.get(VARIABLE, "")
    if said and said != "ray" and not (said.isascii() and said.isdecimal() and int(said)):
        raise UserError(f"{VARIABLE}={said[:40]}: expected a number of workers from 1 on, or ray")
    if said == "ray":
        from unroll.preprocessing.ray_tasks import RayTasks

        workers: Workers = RayTasks()
    else:
        count = int(said) if said else (_cores() if _size(path) >= WORTH else 1)
        workers = Processes(count) if count > 1 else Here()
    try:
        yield workers
    finally:
        workers.close()


def _cores() -> int:
    """The processors that this process may use, divided by the stages that run at once."""
    able = getattr(os, "sched_getaffinity", None)
    cores = len(able(0)) if able else os.cpu_count() or 1
    jobs = os.environ.get(JOBS, "1")
    return max(1, cores // max(1, int(jobs) if jobs.isdecimal() else 1))


def _size(path: Path) -> int:
    """Bytes of a file, or of the files of a folder; enough of them to know that it is large."""
    found = 0
    for file in path.rglob("*") if path.is_dir() else [path]:
        found += file.stat().st_size if file.is_file() else 0
        if found >= WORTH:
            break
    return found


class Here:
    """This process, which does at once what it is asked to."""

    count = 0

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """Do it; a mistake comes at once."""
        found = function(*arguments)
        return lambda: found

    def close(self) -> None:
        """Nothing was begun."""


class Processes:
    """Processes of this machine, which end with this one."""

    def __init__(self, count: int) -> None:
        self.count = count
        # New processes: a copy of this one would share what its threads hold.
        context = multiprocessing.get_context("spawn")
        _start_silent_tracker()
        self._pool = ProcessPoolExecutor(count, context, ending.end_with_parent)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """Begin a call in the next process that has nothing to do."""
        # Ctrl-C reaches all processes of a terminal; this one ends the others, in silence.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            future = self._pool.submit(function, *arguments)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

        def result() -> Any:
            try:
                return future.result()
            except BrokenProcessPool:
                raise UserError(
                    f"a worker was killed, most likely for want of memory; set {VARIABLE} to fewer "
                    f"than {self.count}, and run it again"
                ) from None

        return result

    def close(self) -> None:
        """Drop what has not begun, and wait for the rest."""
        self._pool.shutdown(cancel_futures=True)


def _start_silent_tracker() -> None:
    """Start Python's tracker of semaphores without its warnings.

    It removes those of this process, however that ends, and would warn of them after Ctrl-C.
    """
    before = dict(os.environ)
    os.environ["PYTHONWARNINGS"] = "ignore:resource_tracker:UserWarning"
    try:
        resource_tracker.ensure_running()
    finally:
        del os.environ["PYTHONWARNINGS"]
        os.environ.update(before)
