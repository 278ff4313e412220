"""Successive halving: which trainings are cut short by their validation curve.

K. Jamieson and A. Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization
(AISTATS 2016), in the asynchronous form of L. Li et al., A System for Massively Parallel
Hyperparameter Tuning (MLSys 2020). Optuna's own pruner leaves a note in a trial when it decides, so
that it decides otherwise when it is asked again after a kill; this rule depends on curves alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Halving(NamedTuple):
    """At each rung, a training goes on if it is among the best of those that have got there.

    Attributes:
        min_epochs: the first rung, in epochs; each of the others is `reduction_factor` times the
            one before.
        reduction_factor: one in so many goes on.
        startup_trials: the number of trials at the beginning that are never cut short.
    """

    min_epochs: int = 1
    reduction_factor: int = 2
    startup_trials: int = 8

    def is_rung(self, epoch: int) -> bool:
        """Whether a decision is made after this epoch, from 1."""
        rung = self.min_epochs
        while rung < epoch:
            rung *= self.reduction_factor
        return rung == epoch

    def limit(self, trial: int, epoch: int, loss: float, others: Iterable[float]) -> float | None:
        """The loss that a trial would have needed; None if it goes on.

        Args:
            trial: its number, from 0.
            loss: its own after this epoch.
            others: those of all other trials after the same epoch.
        """
        if trial < self.startup_trials or not self.is_rung(epoch):
            return None
        ranked = sorted([*others, loss])
        limit = ranked[max(1, len(ranked) // self.reduction_factor) - 1]
        return limit if loss > limit else None
