from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from harness.core.errors import UserError
from unroll.training import checkpoints, order
from unroll.training.loop import _reseed, fit
from unroll.training.order import PER_CALL, Order
from unroll.training.rows import Rows
from unroll.training.steps import steps_of

COSINE = {"name": "cosine", "warmup": 0.25}


def adam(rate: float) -> dict:
    return {"name": "adam", "learning_rate": rate, "weight_decay": 0.0}


def muon(rate: float) -> dict:
    return {"name": "muon", "learning_rate": rate, "adam_lr_ratio": 1.0, "weight_decay": 0.0}


def plateau(patience: int) -> dict:
    return {"name": "plateau", "patience": patience}


SETTINGS = {"batch": 16, "epochs": 6, "optimizer": adam(0.05), "schedule": COSINE, "patience": 9}


def data(rows: int, seed: int) -> Rows:
    x = np.random.default_rng(seed).normal(size=(rows, 5)).astype(np.float32)
    return Rows(x, (x[:, :1] > 0).astype(np.float32))


def train(
    folder, seed: int = 1, unfinished: Path | None = None, **changes
) -> tuple[keras.Model, pd.DataFrame]:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            layers.Input((5,)),
            layers.Dropout(0.3, name="dropout"),
            layers.Dense(1, activation="sigmoid", name="score"),
        ],
        name="small",
    )
    curves = folder / "curves.csv"
    fit(
        model,
        data(200, 1),
        data(100, 2),
        SETTINGS | changes,
        loss="binary_crossentropy",
        seed=seed,
        curves=curves,
        prepare=keras.ops.array,
        unfinished=unfinished,
    )
    return model, pd.read_csv(curves)


def loss_of(model: keras.Model) -> float:
    validation = data(100, 2)
    p = np.clip(model.predict(validation.x, verbose=0).astype(np.float64), 1e-7, 1 - 1e-7)
    return -np.where(np.asarray(validation.y), np.log(p), np.log(1 - p)).mean()


@pytest.mark.parametrize("optimizer", [adam(0.05), muon(0.5)], ids=["adam", "muon"])
def test_training_learns_and_writes_a_row_per_epoch(folder, optimizer):
    _, curves = train(folder, optimizer=optimizer)
    assert curves["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert curves["loss"].iloc[-1] < curves["loss"].iloc[0]
    assert curves["val_loss"].iloc[-1] < 0.5


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(folder):
    first, again, other = (train(folder, seed)[0].get_weights() for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any((one != two).any() for one, two in zip(first, other, strict=True))


def test_training_stops_when_validation_stalls_and_keeps_the_best_weights(folder):
    # A rate at which the loss jumps about, so that the best epoch is not the last.
    model, curves = train(folder, epochs=60, patience=3, schedule=plateau(50), optimizer=adam(5.0))
    best = int(curves["val_loss"].to_numpy().argmin())
    assert len(curves) == best + 1 + 3 < 60
    assert loss_of(model) == pytest.approx(curves["val_loss"][best], abs=1e-4)


def test_the_cosine_schedule_warms_up_and_decays_to_nothing(folder):
    _, curves = train(folder, epochs=8)
    rates = curves["learning_rate"]
    assert rates.idxmax() in (1, 2)  # a quarter of 8 epochs warms up
    assert rates.max() == pytest.approx(0.05, rel=0.1)
    assert rates.iloc[-1] == pytest.approx(0, abs=1e-4)


def test_the_plateau_schedule_halves_the_rate_when_validation_stalls(folder):
    _, curves = train(folder, schedule=plateau(2), optimizer=adam(1e-9))
    assert curves["learning_rate"].tolist() == pytest.approx(
        [1e-9, 1e-9, 1e-9, 5e-10, 5e-10, 2.5e-10]
    )


def test_a_loss_that_is_not_a_number_stops_training_with_epoch_and_step(folder):
    with pytest.raises(UserError, match=r"small: the loss is nan in epoch 1, step \d+; a lower"):
        train(folder, optimizer=adam(float("nan")), schedule=plateau(1))


def test_dropout_masks_differ_from_step_to_step_and_from_epoch_to_epoch():
    # The loss of a model that only drops shows which inputs were dropped.
    model = keras.Sequential([layers.Input((50,)), layers.Dropout(0.2)])
    model.compile(optimizer="adam", loss="mse")
    ones = np.ones((3, 50), np.float32)
    runner = steps_of(model, ones, ones, 1, keras.ops.array)
    sums = []
    for epoch in range(2):
        _reseed(model, 1, epoch)
        model.reset_metrics()
        means = runner.run(np.arange(3, dtype=np.int32), 50)
        runner.finish()
        sums += np.diff(means * [1, 2, 3], prepend=0).round(4).tolist()
    assert len(set(sums)) > 3


@pytest.mark.parametrize("lengths", [np.full(95, 8), np.arange(95) % 8 + 1], ids=["one", "many"])
def test_an_epoch_reads_every_row_at_most_once_and_all_of_it(monkeypatch, lengths):
    monkeypatch.setattr(order, "WORTH", 0)
    plan = Order(lengths, 8, 4, seed=1)
    first, second = (list(plan.calls(epoch)) for epoch in (0, 1))
    rows = np.concatenate([rows for rows, _ in first])
    assert len(rows) == len(set(rows.tolist())) == 92
    assert rows.tolist() != np.concatenate([rows for rows, _ in second]).tolist()
    for found, width in first:
        assert lengths[found].max() <= width <= 8
        assert len(found) <= PER_CALL * 4
    assert {width for _, width in first} == ({8} if (lengths == 8).all() else {2, 4, 6, 8})
    again = list(Order(lengths, 8, 4, seed=1).calls(0))
    assert all((one == two).all() for (one, _), (two, _) in zip(first, again, strict=True))


class Killed(Exception):
    pass


def killed_after(monkeypatch, epoch: int) -> None:
    """Let training end without a chance to tidy up once the state after `epoch` is kept."""
    save = checkpoints.Checkpoints.save

    def kill(self, done, *state):
        save(self, done, *state)
        if done == epoch:
            raise Killed

    monkeypatch.setattr(checkpoints.Checkpoints, "save", kill)


# Momenta, dropout, a schedule by steps or by plateaus, an early stop: all must be resumed.
WAYS = [
    {"optimizer": muon(0.5), "schedule": COSINE},
    {"optimizer": adam(0.9), "schedule": plateau(1), "patience": 3, "epochs": 30},
]


@pytest.mark.parametrize("way", WAYS, ids=["muon", "plateau"])
def test_a_training_killed_after_each_epoch_ends_as_if_it_had_not_been(folder, monkeypatch, way):
    whole, curves = train(folder, **way)
    expected = (folder / "curves.csv").read_bytes()
    (folder / "curves.csv").unlink()
    # Each goes on where the one before was killed, so that one wrong state spoils all that follow.
    for epoch in range(1, len(curves)):
        with monkeypatch.context() as patch:
            killed_after(patch, epoch)
            with pytest.raises(Killed):
                train(folder, unfinished=folder / "kept", **way)
    model, _ = train(folder, unfinished=folder / "kept", **way)
    assert (folder / "curves.csv").read_bytes() == expected
    for one, two in zip(whole.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_what_was_done_before_a_kill_is_not_done_again(folder, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        killed_after(patch, 4)
        with pytest.raises(Killed):
            train(folder, unfinished=folder / "kept")
    capsys.readouterr()
    train(folder, unfinished=folder / "kept")
    lines = capsys.readouterr().out
    assert "small: resumes after epoch 4" in lines
    assert "epoch 4/6" not in lines
    assert "epoch 5/6" in lines


@pytest.mark.parametrize("harm", [b"", b"no archive", None])
def test_a_damaged_state_is_skipped_for_the_one_before(folder, monkeypatch, capsys, harm):
    train(folder)
    expected = (folder / "curves.csv").read_bytes()
    with monkeypatch.context() as patch:
        killed_after(patch, 4)
        with pytest.raises(Killed):
            train(folder, unfinished=folder / "kept")
    newest = max((folder / "kept").iterdir())
    body = bytearray(newest.read_bytes())
    body[len(body) // 2] ^= 1
    newest.write_bytes(bytes(body) if harm is None else harm)
    capsys.readouterr()
    train(folder, unfinished=folder / "kept")
    assert "resumes after epoch 3" in capsys.readouterr().out
    assert (folder / "curves.csv").read_bytes() == expected


def test_a_validation_loss_that_is_not_a_number_stops_training_too(folder, monkeypatch):
    monkeypatch.setattr(keras.Model, "evaluate", lambda *_, **__: float("inf"))
    with pytest.raises(UserError, match="small: the validation loss is inf in epoch 1; a lower"):
        train(folder)
