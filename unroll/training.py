"""The training loop, the same for every model: one epoch after another until it pays no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from unroll.errors import UserError
from unroll.files import write_csv
from unroll.model_files import PREDICTION_BATCH
from unroll.prepared import Part
from unroll.progress import bar
from unroll.steps import PER_CALL, Prepare, Steps, steps_of

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
    prepare: Prepare,
) -> None:
    """Train `model` with binary cross-entropy and leave it with its best weights.

    The rows of epoch n are shuffled, and its dropout masks drawn, by `seed` and n alone. The
    epoch of the lowest validation loss is the best one.

    Args:
        train, validation: what to learn from, and what decides when to stop; `y` is the target.
        settings: the model's section of `params.yaml`.
        curves: the table of losses, rewritten after every epoch.
        prepare: turns stored rows of `x` and `y` into what the model takes, with `keras.ops`.

    Raises:
        UserError: the loss is no longer a finite number.
    """
    # The last rows of the order, too few for a whole batch, sit out this epoch; another order
    # leaves out others.
    batch = min(settings["batch"], len(train.x))
    steps = len(train.x) // batch
    model.compile(optimizer=_optimizer(settings, steps), loss="binary_crossentropy")
    runner = steps_of(model, train.x, train.y, batch, prepare)
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

    x_validation = keras.ops.convert_to_numpy(prepare(validation.x))
    y_validation = keras.ops.convert_to_numpy(prepare(validation.y))
    console = _Console(model.name, settings["epochs"], steps)
    rows: list[tuple[object, ...]] = []
    for epoch in range(settings["epochs"]):
        order = np.random.default_rng([seed, epoch]).permutation(len(train.x)).astype(np.int32)
        _reseed(model, seed, epoch)
        loss = _run_epoch(model, runner, order[: steps * batch], batch, epoch, console)
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


def _run_epoch(
    model: keras.Model, runner: Steps, order: np.ndarray, batch: int, epoch: int, console: _Console
) -> float:
    """Take all steps of one epoch; the mean loss over them."""
    model.reset_metrics()
    with console.epoch() as progress:
        for first in range(0, len(order), PER_CALL * batch):
            means = runner.run(order[first : first + PER_CALL * batch])
            if not np.isfinite(means).all():
                step = first // batch + int(np.argmin(np.isfinite(means))) + 1
                raise UserError(
                    f"{model.name}: the loss is {means[np.argmin(np.isfinite(means))]} in epoch "
                    f"{epoch + 1}, step {step}; a lower models.{model.name}.learning_rate in "
                    "params.yaml may help"
                )
            progress(len(means), means[-1])
    runner.finish()
    return float(means[-1])


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


class _Console:
    """A bar within the epoch on a terminal; a line after each epoch everywhere."""

    def __init__(self, name: str, epochs: int, steps: int) -> None:
        self._name, self._epochs, self._steps = name, epochs, steps
        self._begin = time.monotonic()

    @contextmanager
    def epoch(self) -> Iterator[Callable[[int, float], None]]:
        """Yield a function to call with the number of new steps and the mean loss so far."""
        with bar(self._steps, self._name, "step") as progress:

            def advance(steps: int, loss: float) -> None:
                progress.set_postfix(loss=f"{loss:.4f}", refresh=False)
                progress.update(steps)

            yield advance

    def line(self, epoch: int, loss: float, val_loss: float) -> None:
        """Print the losses of an epoch, and the time left if no earlier stop comes."""
        spent = time.monotonic() - self._begin
        left = spent / (epoch + 1) * (self._epochs - epoch - 1)
        print(
            f"{self._name}: epoch {epoch + 1}/{self._epochs}  loss {loss:.4f}  "
            f"val_loss {val_loss:.4f}  {spent:.0f} s, at most {left:.0f} s left",
            flush=True,
        )
