"""The trials of a search, in Optuna's journal: one file for all searches, a line for each event.

Each trial is drawn by a sampler of its own whose seed is that of the search and the trial's number,
so what is drawn depends on the trials before it and not on the process that draws it. A trial is
written with all of its parameters at once: a kill leaves it either running or not drawn.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from harness import git
from harness.core.paths import SCRATCH
from harness.experiments.sweep_file import Sweep
from harness.searching.search_file import Search

FOLDER = SCRATCH / "search"
JOURNAL = FOLDER / "optuna.journal"
RUNNING, COMPLETE, PRUNED, FAILED = "running", "complete", "pruned", "failed"
_WORDS = {
    TrialState.RUNNING: RUNNING,
    TrialState.COMPLETE: COMPLETE,
    TrialState.PRUNED: PRUNED,
    TrialState.FAIL: FAILED,
}
ENOUGH = 8  # complete trials, to say what matters
_ATTEMPTS = 20  # to draw what was not drawn before, until what is left is listed
_SPENT, _SECONDS, _WHY, _COST = "spent", "seconds", "why", "cost"


@dataclass(frozen=True)
class Trial:
    """A trial as it stands.

    Attributes:
        changes: values by dotted parameter.
        state: `RUNNING`, `COMPLETE`, `PRUNED` or `FAILED`.
        value: the compared metric of a complete one.
        losses: on validation rows, by epoch from 1.
        why: it was cut short, or failed.
        cost: exact costs by name, of a complete one.
        seconds: that its last run took.
    """

    number: int
    changes: dict[str, Any] = field(hash=False)
    state: str
    value: float | None
    losses: dict[int, float] = field(hash=False)
    why: str
    cost: dict[str, int] = field(hash=False)
    seconds: float


class Study:
    """For several threads at once, in one process at a time, which holds the lock of sweeps."""

    def __init__(self, search: Search, sweep: Sweep, commit: str) -> None:
        """Open the study of a search from a commit, or begin it."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._search, self.guard = search, threading.RLock()
        self._sign = -1 if sweep.higher else 1
        self._direction = StudyDirection.MAXIMIZE if sweep.higher else StudyDirection.MINIMIZE
        storage = _storage(JOURNAL)
        name = f"{search.name}-{_digest(search, sweep, commit)}"
        self._study = optuna.create_study(
            storage=storage, study_name=name, direction=self._direction, load_if_exists=True
        )
        self._storage, self._id = storage, storage.get_study_id_from_name(name)

    def trials(self) -> list[Trial]:
        """All that were drawn, by number."""
        return [self._seen(trial) for trial in self._frozen()]

    def draw(self) -> Trial | None:
        """Draw the next trial; None where the space has no other point."""
        with self.guard:
            frozen, space = self._frozen(), self._search.space
            taken = {_key(trial.params) for trial in frozen}
            if space.size is not None and len(taken) >= space.size:
                return None
            for attempt in range(_ATTEMPTS):
                point = self._sampled(frozen, attempt)
                if _key(point) not in taken:
                    break
            else:
                left = [point for point in space.points() if _key(point) not in taken]
                point = random.Random(self._seed(len(frozen), 0)).choice(left)  # noqa: S311
            self._study.add_trial(
                create_trial(
                    state=TrialState.RUNNING, params=point, distributions=space.distributions
                )
            )
            return self.trials()[-1]

    def limit(self, number: int, epoch: int, loss: float) -> float | None:
        """Record a loss of a trial; what it would have needed, or None if it goes on."""
        with self.guard:
            trials = self.trials()
            if epoch not in trials[number].losses:
                self._storage.set_trial_intermediate_value(
                    self._trial_id(number), epoch, self._sign * loss
                )
            if not self._search.halving:
                return None
            others = [
                trial.losses[epoch]
                for trial in trials
                if epoch in trial.losses and trial.number != number
            ]
            return self._search.halving.limit(number, epoch, loss, others)

    def complete(self, number: int, value: float, cost: dict[str, int], seconds: float) -> None:
        """Record what a trial measured."""
        facts = {_COST: cost, _SECONDS: seconds}
        self._end(number, TrialState.COMPLETE, value, facts)

    def prune(self, number: int, why: str, seconds: float) -> None:
        """Record that a trial was cut short."""
        self._end(number, TrialState.PRUNED, None, {_WHY: why, _SECONDS: seconds})

    def fail(self, number: int, why: str, seconds: float) -> None:
        """Record that a trial failed."""
        self._end(number, TrialState.FAIL, None, {_WHY: why, _SECONDS: seconds})

    def forget(self) -> None:
        """Remove all that is known of the search."""
        self._storage.delete_study(self._id)

    def spent(self) -> float:
        """Seconds that the search has taken so far, in all processes."""
        return self._study.user_attrs.get(_SPENT, 0.0)

    def spend(self, seconds: float) -> None:
        """Record what `spent` returns."""
        self._study.set_user_attr(_SPENT, seconds)

    def importances(self) -> dict[str, float]:
        """The share of the variance that each parameter explains alone, the largest first.

        By fANOVA (F. Hutter et al., An Efficient Approach for Assessing Hyperparameter Importance,
        ICML 2014), whose forest is fitted to the complete trials.

        Returns:
            None of them where too few trials are complete to tell.
        """
        if len(self._study.get_trials(states=(TrialState.COMPLETE,))) < ENOUGH:
            return {}
        evaluator = FanovaImportanceEvaluator(seed=self._search.seed)
        return get_param_importances(self._study, evaluator=evaluator)

    def _end(
        self, number: int, state: TrialState, value: float | None, facts: dict[str, Any]
    ) -> None:
        trial = self._trial_id(number)
        for name, fact in facts.items():
            self._storage.set_trial_user_attr(trial, name, fact)
        values = None if value is None else [value]
        self._storage.set_trial_state_values(trial, state, values)

    def _frozen(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _seen(self, trial: FrozenTrial) -> Trial:
        return Trial(
            trial.number,
            self._search.space.changes(trial.params),
            _WORDS[trial.state],
            trial.value if trial.state == TrialState.COMPLETE else None,
            {epoch: self._sign * value for epoch, value in trial.intermediate_values.items()},
            trial.user_attrs.get(_WHY, ""),
            trial.user_attrs.get(_COST, {}),
            trial.user_attrs.get(_SECONDS, 0.0),
        )

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._id, number)

    def _sampled(self, frozen: list[FrozenTrial], attempt: int) -> dict[str, Any]:
        seed = self._seed(len(frozen), attempt)
        sampler: BaseSampler = RandomSampler(seed)
        if self._search.sampler == "tpe":
            # Running trials count as bad ones: others look elsewhere.
            sampler = TPESampler(seed=seed, constant_liar=True)
        study = optuna.create_study(direction=self._direction, sampler=sampler)
        study.add_trials(frozen)
        space = self._search.space
        return space.rounded(study.ask(space.distributions).params)

    def _seed(self, number: int, attempt: int) -> int:
        sequence = np.random.SeedSequence([self._search.seed, number, attempt])
        return int(sequence.generate_state(1)[0])


def _key(point: dict[str, Any]) -> str:
    return json.dumps(point, sort_keys=True)


def _storage(path: Path) -> JournalStorage:
    """Open the journal, and clear away what a killed process may have left.

    Nobody else has it open: this process holds the lock of sweeps.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = JournalFileOpenLock(str(path))
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    if path.exists():
        with path.open("rb+") as file:
            whole = file.read().rfind(b"\n") + 1
            file.truncate(whole)
    return JournalStorage(JournalFileBackend(str(path), lock))


def _digest(search: Search, sweep: Sweep, commit: str) -> str:
    """What tells a search from another of the same name: all that its trials depend on."""
    parts = [
        search.stage,
        list(search.space.entries.items()),
        search.sampler,
        search.seed,
        search.halving,
        search.params,
        sweep.metric,
        git.git("ls-tree", "-r", commit, "--", *sweep.files),
    ]
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
