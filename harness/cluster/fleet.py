"""The jobs of one commit, as engine and remote tell of them; what is lost is submitted again.

Nothing is kept here that a new process could not learn from these two, but how often a job was
lost, so that one that never gets anywhere is not submitted for ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from harness.cluster.checkpoints import progress
from harness.cluster.engine import Engine, Group, Live
from harness.cluster.patience import is_our_mistake
from harness.cluster.records import CANCELLED, DONE, FAILED, LOG, RUNNING, Records
from harness.cluster.task import Task
from harness.core.errors import reason

POLL = 15.0  # seconds between two questions to the engine, however many jobs there are
LOSSES = 3  # in turn, without getting any further
FINISHED, FAILING, STOPPED, MISSING = "done", "failed", "cancelled", "missing"


@dataclass(frozen=True)
class State:
    """What is known of a job.

    Attributes:
        word: `FINISHED`, `FAILING`, `STOPPED`, `MISSING`, or that of the engine.
        live: what the engine says, None if it does not know the job.
        files: that the job has in the remote.
    """

    word: str
    live: Live | None
    files: set[str]


class Fleet:
    """Watches and submits; for several threads at once."""

    def __init__(self, engine: Engine, group: Group, records: Records, poll: float = POLL) -> None:
        self.engine, self.group, self.records = engine, group, records
        self._poll, self._guard = poll, threading.Lock()
        self._seen: tuple[float, dict[str, State]] | None = None
        self._wanted: dict[str, Task] = {}
        self._lost: dict[str, int] = {}
        self._nodes: dict[str, set[str]] = {}
        self._progress: dict[str, frozenset[str]] = {}
        self._said: dict[str, str] = {}

    def look(self) -> dict[str, State]:
        """All jobs that the engine or the remote knows."""
        # The engine first: what ends in between has its result when the remote is asked.
        live = self.engine.live(self.group)
        files = self.records.files()
        return {
            name: _state(live.get(name), files.get(name, set())) for name in sorted({*live, *files})
        }

    def step(self, tasks: Iterable[Task]) -> dict[str, State] | None:
        """Submit those of `tasks` that are missing; what was seen of all jobs before.

        At most one question each `POLL` seconds reaches the engine, from whichever thread.

        Returns:
            None where the engine or the remote does not answer; the next step asks again.
        """
        with self._guard:
            self._wanted |= {task.name: task for task in tasks}
            if self._seen and time.monotonic() < self._seen[0] + self._poll:
                return self._seen[1]
            try:
                states = self.look()
                self._submit(states)
                self._seen = time.monotonic(), states
            except Exception as error:  # each client of a store has its own
                if is_our_mistake(error):
                    raise
                self._say("", f"{reason(error)}; asking again, the jobs go on meanwhile")
                return None
            return states

    def given_up(self, name: str) -> str:
        """Why a job is not submitted again although it has no result; empty if it is."""
        if self._lost.get(name, 0) <= LOSSES:
            return ""
        where = ", ".join(sorted(self._nodes.get(name, set()))) or "unknown nodes"
        return f"lost {LOSSES} times in turn, on {where}; see `work`/logs on such a node"

    def forget(self, names: Collection[str]) -> None:
        """Forget that jobs failed or were cancelled, as if they had never run.

        Their checkpoints stay.
        """
        for name, files in self.records.files().items():
            if name in names and files & {FAILED, CANCELLED}:
                # In this order, so that none counts as lost when this is interrupted.
                self.records.remove(name, RUNNING, FAILED, CANCELLED)

    def drop(self, name: str) -> None:
        """Submit a job no more."""
        with self._guard:
            self._wanted.pop(name, None)

    def _submit(self, states: dict[str, State]) -> None:
        groups: dict[frozenset[str], list[Task]] = {}
        room = self.engine.at_most
        if room is not None:
            room -= sum(state.live is not None for state in states.values())
        for name, task in self._wanted.items():
            state = states.get(name)
            self._remember(name, state)
            if state and state.word != MISSING:
                continue
            if room is not None and room <= 0:
                break
            self._lose(name, state)
            if not self.given_up(name):
                room = None if room is None else room - 1
                groups.setdefault(frozenset(self._nodes.get(name, ())), []).append(task)
        for avoid, tasks in groups.items():
            self.engine.submit(self.group, tasks, avoid)
            for task in tasks:
                self._lost[task.name] = self._lost.get(task.name, 0) + 1
            count = f"{len(tasks)} jobs" if tasks[1:] else tasks[0].name
            print(f"{count}: submitted to {self.engine.title}", flush=True)

    def _remember(self, name: str, state: State | None) -> None:
        """Where a job runs, as far as a loss is its node's fault; and whether it gets further."""
        if state and (now := progress(state.files)) != self._progress.get(name, frozenset()):
            self._progress[name] = now
            self._lost[name] = min(self._lost.get(name, 0), 1)
        if state and state.live and state.live.node:
            self._nodes.setdefault(name, set()).add(state.live.node)

    def _lose(self, name: str, state: State | None) -> None:
        known = self.records.read_json(name, RUNNING) if state and RUNNING in state.files else {}
        if node := known.get("node"):
            self._nodes.setdefault(name, set()).add(node)
        if known or self._lost.get(name):
            why = known.get("error") or "no longer known to the engine, and without a result"
            self._say(name, f"lost: {why}")

    def _say(self, name: str, line: str) -> None:
        """Say a line, but not the same one twice in turn."""
        if self._said.get(name) != line:
            self._said[name] = line
            print(f"{name:18} {line}" if name else line, flush=True)


def _state(live: Live | None, files: set[str]) -> State:
    ends = {DONE: FINISHED, FAILED: FAILING, CANCELLED: STOPPED}
    word = next((word for file, word in ends.items() if file in files), "")
    return State(word or (live.state if live else MISSING), live, files)


def last_line(records: Records, name: str, files: set[str]) -> str:
    """The last line of a job's log in the remote."""
    content = (records.read(name, LOG) if LOG in files else None) or b""
    lines = content.decode("utf-8", "replace").replace("\r", "\n").split("\n")
    found = next((line for line in reversed(lines) if line.strip()), "")
    return "".join(filter(str.isprintable, found)).strip()
