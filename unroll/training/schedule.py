"""How far a training has come, and what follows: learning rate, early stop, best weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from harness.core.files import write_csv
from unroll.training.adagrad import RowAdagrad

# Smaller improvements of the validation loss do not count for the plateau schedule (reference).
PLATEAU_DELTA = 1e-4
# The state of the callbacks from epoch to epoch, apart from the best weights.
MEMORY = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter")


def optimizer_of(settings: dict[str, Any], steps: int) -> keras.optimizers.Optimizer:
    """The optimizer of a model's section of `params.yaml`, for `steps` steps per epoch."""
    optimizer, schedule = settings["optimizer"], settings["schedule"]
    peak = optimizer["learning_rate"]
    rate: float | keras.optimizers.schedules.LearningRateSchedule = peak
    if schedule["name"] == "cosine":
        total = steps * settings["epochs"]
        warmup = int(total * schedule["warmup"])
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else peak,
            total - warmup,
            warmup_target=peak if warmup else None,
            warmup_steps=warmup,
        )
    if optimizer["name"] == "adagrad":
        tables = {"vectors": 1.0, "looks": optimizer["gates_lr_ratio"]}
        return RowAdagrad(rate, tables, optimizer["adam_lr_ratio"])
    decay = optimizer["weight_decay"]
    if optimizer["name"] == "muon":
        return keras.optimizers.Muon(
            rate,
            adam_lr_ratio=optimizer["adam_lr_ratio"],
            weight_decay=decay,
            adam_weight_decay=decay,
        )
    return keras.optimizers.Adam(rate, weight_decay=decay or None)


class Progress:
    """The state of a training between two epochs: all that the epochs to come depend on.

    Attributes:
        epoch: the number of whole epochs.
    """

    def __init__(self, model: keras.Model, settings: dict[str, Any]) -> None:
        """Begin: `model` is compiled and its optimizer is built."""
        self._model, self._epochs = model, settings["epochs"]
        self._stop = keras.callbacks.EarlyStopping(
            patience=settings["patience"], restore_best_weights=True, monitor="val_loss"
        )
        self._watchers: list[keras.callbacks.Callback] = [self._stop]
        if settings["schedule"]["name"] == "plateau":
            self._watchers.append(
                keras.callbacks.ReduceLROnPlateau(
                    factor=0.5,
                    patience=settings["schedule"]["patience"],
                    min_delta=PLATEAU_DELTA,
                    monitor="val_loss",
                )
            )
        self._rows: list[list[Any]] = []
        model.stop_training = False
        for watcher in self._watchers:
            watcher.set_model(model)
            watcher.on_train_begin()

    @property
    def epoch(self) -> int:
        return len(self._rows)

    @property
    def ended(self) -> bool:
        """Whether all epochs are done or training has stopped early."""
        return self._model.stop_training or self.epoch >= self._epochs

    def add(self, loss: float, val_loss: float) -> None:
        """Record the losses of one more epoch."""
        rate = float(keras.ops.convert_to_numpy(self._model.optimizer.learning_rate))
        self._rows.append([self.epoch + 1, f"{loss:.5f}", f"{val_loss:.5f}", f"{rate:.4g}"])
        for watcher in self._watchers:
            watcher.on_epoch_end(self.epoch - 1, {"loss": loss, "val_loss": val_loss})

    def write(self, curves: Path) -> None:
        """Write the table of losses so far."""
        write_csv(curves, ("epoch", "loss", "val_loss", "learning_rate"), self._rows)

    def keep_best(self) -> tuple[int, float]:
        """Restore the best weights; return their epoch, from 1, and their validation loss."""
        self._stop.on_train_end()
        return self._stop.best_epoch + 1, self._stop.best

    def state(self) -> tuple[list[np.ndarray], dict[str, Any]]:
        """Arrays and facts from which `restore` resumes a new training at the same point."""
        facts = {
            "rows": self._rows,
            "stopped": self._model.stop_training,
            "memory": [
                {name: getattr(watcher, name) for name in MEMORY if hasattr(watcher, name)}
                for watcher in self._watchers
            ],
        }
        variables = [keras.ops.convert_to_numpy(variable) for variable in self._variables()]
        return [*variables, *self._stop.best_weights], facts

    def restore(self, arrays: list[np.ndarray], facts: dict[str, Any]) -> None:
        """Resume from what `state` returned."""
        variables = self._variables()
        for variable, value in zip(variables, arrays[: len(variables)], strict=True):
            variable.assign(value)
        self._rows = facts["rows"]
        self._model.stop_training = facts["stopped"]
        for watcher, memory in zip(self._watchers, facts["memory"], strict=True):
            for name, value in memory.items():
                setattr(watcher, name, value)
        self._stop.best_weights = arrays[len(variables) :]

    def _variables(self) -> list[Any]:
        return [*self._model.variables, *self._model.optimizer.variables]
