"""The training loop, the same for every model: one epoch after another until it pays no more."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from unroll.files import write_csv
from unroll.model_files import PREDICTION_BATCH
from unroll.prepared import Part
from unroll.progress import bar

# Smaller improvements of the validation loss do not count for the plateau schedule (reference).
PLATEAU_DELTA = 1e-4


def fit(
    model: keras.Model,
    train: Part,
    validation: Part,
    settings: dict[str, Any],
    *,
    seed: int,
    curves: Path,
    prepare: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> None:
    """Train `model` with binary cross-entropy and leave it with its best weights.

    The rows of epoch n are shuffled, and its dropout masks drawn, by `seed` and n alone. The
    epoch of the lowest validation loss is the best one.

    Args:
        train, validation: what to learn from, and what decides when to stop; `y` is the target.
        settings: the model's section of `params.yaml`.
        curves: the table of losses, rewritten after every epoch.
        prepare: turns rows of `x` and `y` into what the model takes.
    """
    steps = -(-len(train.x) // settings["batch"])
    model.compile(optimizer=_optimizer(settings, steps), loss="binary_crossentropy")
    stop = keras.callbacks.EarlyStopping(
        patience=settings["patience"], restore_best_weights=True, monitor="val_loss"
    )
    watchers: list[keras.callbacks.Callback] = [stop]
    if settings["schedule"] == "plateau":
        watchers.append(
            keras.callbacks.ReduceLROnPlateau(
                factor=0.5,
                patience=settings["plateau"],
                min_delta=PLATEAU_DELTA,
                monitor="val_loss",
            )
        )
    for watcher in watchers:
        watcher.set_model(model)
        watcher.on_train_begin()

    x_validation, y_validation = prepare(validation.x), prepare(validation.y)
    console = _Console(model.name, settings["epochs"], steps)
    rows: list[tuple[object, ...]] = []
    for epoch in range(settings["epochs"]):
        order = np.random.default_rng([seed, epoch]).permutation(len(train.x))
        _reseed(model, seed, epoch)
        history = model.fit(
            prepare(train.x[order]),
            prepare(train.y[order]),
            batch_size=settings["batch"],
            shuffle=False,
            verbose=0,
            callbacks=[console],
        )
        loss = history.history["loss"][0]
        rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
        val_loss = model.evaluate(
            x_validation, y_validation, batch_size=PREDICTION_BATCH, verbose=0
        )
        rows.append((epoch + 1, f"{loss:.5f}", f"{val_loss:.5f}", f"{rate:.4g}"))
        write_csv(curves, ("epoch", "loss", "val_loss", "learning_rate"), rows)
        for watcher in watchers:
            watcher.on_epoch_end(epoch, {"loss": loss, "val_loss": val_loss})
        console.line(epoch, loss, val_loss)
        if model.stop_training:
            break
    model.stop_training = True
    stop.on_train_end()
    model.set_weights(stop.best_weights)
    print(
        f"{model.name}: best validation loss {stop.best:.4f} in epoch {stop.best_epoch + 1}",
        flush=True,
    )


def _optimizer(settings: dict[str, Any], steps: int) -> keras.optimizers.Optimizer:
    rate: float | keras.optimizers.schedules.LearningRateSchedule = settings["learning_rate"]
    if settings["schedule"] == "cosine":
        total = steps * settings["epochs"]
        warmup = int(total * settings["warmup"])
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else settings["learning_rate"],
            total - warmup,
            warmup_target=settings["learning_rate"] if warmup else None,
            warmup_steps=warmup,
        )
    if settings["optimizer"] == "muon":
        return keras.optimizers.Muon(
            rate,
            adam_lr_ratio=settings["adam_lr_ratio"],
            weight_decay=settings["weight_decay"],
            adam_weight_decay=settings["weight_decay"],
        )
    return keras.optimizers.Adam(rate, weight_decay=settings["weight_decay"] or None)


def _reseed(model: keras.Model, seed: int, epoch: int) -> None:
    """Let the dropout masks of an epoch depend on nothing but seed, layer and epoch."""
    states = [v for v in model.non_trainable_variables if v.path.endswith("seed_generator_state")]
    for layer, state in enumerate(states):
        entropy = np.random.SeedSequence([seed, epoch, layer]).generate_state(1)
        state.assign(np.array([entropy[0], 0], np.uint32))


class _Console(keras.callbacks.Callback):
    """A bar within the epoch on a terminal; a line after each epoch everywhere."""

    def __init__(self, name: str, epochs: int, steps: int) -> None:
        super().__init__()
        self._name, self._epochs, self._steps = name, epochs, steps
        self._begin = time.monotonic()
        self._bar = bar(0, name)
        self._shows = sys.stderr.isatty()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._bar = bar(self._steps, self._name, "step")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._shows:
            self._bar.update(batch + 1 - self._bar.n)
            if logs and batch % 20 == 0:
                self._bar.set_postfix(loss=f"{float(logs['loss']):.4f}", refresh=False)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._bar.close()

    def line(self, epoch: int, loss: float, val_loss: float) -> None:
        """Print the losses of an epoch, and the time left if no earlier stop comes."""
        spent = time.monotonic() - self._begin
        left = spent / (epoch + 1) * (self._epochs - epoch - 1)
        print(
            f"{self._name}: epoch {epoch + 1}/{self._epochs}  loss {loss:.4f}  "
            f"val_loss {val_loss:.4f}  {spent:.0f} s, at most {left:.0f} s left",
            flush=True,
        )
