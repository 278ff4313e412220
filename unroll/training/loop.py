"""The training loop, the same for every model: epoch after epoch until validation stalls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from harness.core.errors import UserError
from unroll.core.progress import bar
from unroll.models.saving import PREDICTION_BATCH
from unroll.training.checkpoints import Checkpoints
from unroll.training.order import Order
from unroll.training.rows import Batches, Mapped, Rows
from unroll.training.schedule import Progress, optimizer_of
from unroll.training.steps import Prepare, Steps, steps_of


def fit(
    model: keras.Model,
    train: Rows,
    validation: Rows,
    settings: dict[str, Any],
    *,
    loss: Any,
    seed: int,
    curves: Path,
    prepare: Prepare,
    unfinished: Path | None = None,
) -> None:
    """Train `model` and restore its best weights.

    The order of the rows and the dropout masks of epoch n depend only on `seed` and n. The best
    epoch is the one with the lowest validation loss.

    Args:
        train, validation: what to learn from, and what decides when to stop.
        settings: the model's section of `params.yaml`, with all defaults.
        loss: as Keras takes it.
        curves: the table of losses, rewritten after every epoch.
        prepare: turns stored rows of `x` into what the model takes, with `keras.ops`.
        unfinished: a folder for this computation alone. Training resumes from what an interrupted
            run left there, with the same result to the last bit as without the interruption.

    Raises:
        UserError: the loss is no longer a finite number.
    """
    batch, steps = min(settings["batch"], len(train.x)), train.x.shape[1]
    lengths = np.full(len(train.x), steps) if train.lengths is None else train.lengths
    order = Order(lengths, steps, batch, seed)
    model.compile(optimizer=optimizer_of(settings, order.steps), loss=loss)
    runner = steps_of(model, train.x, train.y, batch, prepare)
    progress = Progress(model, settings)
    checkpoints = Checkpoints(unfinished) if unfinished else None
    if checkpoints and (state := checkpoints.newest()):
        progress.restore(*state)
        print(f"{model.name}: resumes after epoch {progress.epoch}", flush=True)
        progress.write(curves)

    evaluate = _evaluating(model, validation, prepare)
    console = _Console(model.name, progress.epoch, settings["epochs"], order.steps)
    while not progress.ended:
        epoch = progress.epoch
        _reseed(model, seed, epoch)
        mean = _run_epoch(model, runner, order, epoch, console)
        val_loss = evaluate()
        if not np.isfinite(val_loss):
            raise _not_finite(model, f"the validation loss is {val_loss} in epoch {epoch + 1}")
        progress.add(mean, val_loss)
        progress.write(curves)
        if checkpoints:
            checkpoints.save(progress.epoch, *progress.state())
        console.line(epoch, mean, val_loss)
    best_epoch, best = progress.keep_best()
    print(f"{model.name}: best validation loss {best:.4f} in epoch {best_epoch}", flush=True)


def _evaluating(model: keras.Model, rows: Rows, prepare: Prepare) -> Callable[[], float]:
    """What computes the loss of rows; those in memory are prepared once."""
    if isinstance(rows.x, Mapped):
        batches = Batches(rows, prepare)
        return lambda: model.evaluate(batches, verbose=0)
    x = keras.ops.convert_to_numpy(prepare(rows.x))
    y = x if rows.y is rows.x else rows.y
    return lambda: model.evaluate(x, y, batch_size=PREDICTION_BATCH, verbose=0)


def _run_epoch(
    model: keras.Model, runner: Steps, order: Order, epoch: int, console: _Console
) -> float:
    """Take all steps of one epoch; return their mean loss."""
    model.reset_metrics()
    taken = 0
    with console.epoch() as progress:
        for rows, width in order.calls(epoch):
            means = runner.run(rows, width)
            bad = np.flatnonzero(~np.isfinite(means))
            if len(bad):
                place = f"epoch {epoch + 1}, step {taken + bad[0] + 1}"
                raise _not_finite(model, f"the loss is {means[bad[0]]} in {place}")
            taken += len(means)
            progress(len(means), means[-1])
    runner.finish()
    return float(means[-1])


def _not_finite(model: keras.Model, what: str) -> UserError:
    return UserError(
        f"{model.name}: {what}; a lower models.{model.name}.optimizer.learning_rate in params.yaml "
        "may help"
    )


def _reseed(model: keras.Model, seed: int, epoch: int) -> None:
    """Make the dropout masks of an epoch depend only on seed, layer and epoch."""
    states = [v for v in model.non_trainable_variables if v.path.endswith("seed_generator_state")]
    for layer, state in enumerate(states):
        entropy = np.random.SeedSequence([seed, epoch, layer]).generate_state(1)
        state.assign(np.array([entropy[0], 0], np.uint32))


class _Console:
    """On a terminal a progress bar within each epoch; everywhere a line after each epoch."""

    def __init__(self, name: str, first: int, epochs: int, steps: int) -> None:
        self._name, self._first, self._epochs, self._steps = name, first, epochs, steps
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
        """Print the losses of an epoch, and the time left unless training stops early."""
        spent = time.monotonic() - self._begin
        left = spent / (epoch + 1 - self._first) * (self._epochs - epoch - 1)
        print(
            f"{self._name}: epoch {epoch + 1}/{self._epochs}  loss {loss:.4f}  "
            f"val_loss {val_loss:.4f}  {spent:.0f} s, at most {left:.0f} s left",
            flush=True,
        )
