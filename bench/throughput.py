"""Samples a second: `python -m bench.throughput STAGE` on the backend of `params.yaml`."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import Any

import numpy as np

from bench.measure import ROOT, cost, python
from harness.reporting.markdown import table

BACKENDS = ("tensorflow", "jax", "torch")
STAGES = ("train-rnn@rnn", "train-lstm@lstm", "train-ae@ae_lstm", "train-ae@ae_bilstm")


def name_of(stage: str) -> str:
    """The model that a stage trains."""
    return stage.partition("@")[2]


def model_of(stage: str, backend: str) -> tuple[Any, np.ndarray, np.ndarray, int, float]:
    """The compiled model of a stage, its inputs and targets, batch, divisor of the inputs."""
    from harness.stages.run import declared
    from unroll.models import backend as backends

    params = declared(stage)
    params.train["backend"] = backend
    backends.start(params)

    from unroll.core.datasets import read
    from unroll.models import architectures
    from unroll.models.inputs import inputs_of

    name = name_of(stage)
    architecture = architectures.find(params.models[name]["architecture"])
    parameters = architectures.parameters_of(params.models[name])
    corpus = "mnist" if "ae" in stage else "imdb"
    inputs = inputs_of(name, corpus, parameters)
    part = inputs.read(read(corpus, "train"))
    model = architecture.build(parameters, inputs.data, name)
    x = inputs.rows(part)
    y = x if corpus == "mnist" else part.y[:, np.newaxis].astype(np.float32)
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return model, x, y, parameters.batch, 255 if corpus == "mnist" else 1


def operations(model: Any, steps: int) -> int:
    """Multiplications and additions of a forward pass for one sequence; training costs three times.

    The kernels of a recurrent cell, and those of the layer that writes rows, serve at each of the
    `steps`; an embedding is looked up.
    """
    return 2 * sum(
        math.prod(weight.shape)
        * (steps if "_cell/" in weight.path or "/rows/" in weight.path else 1)
        for weight in model.trainable_weights
        if len(weight.shape) == 2 and "embedding" not in weight.path
    )


def of_backend(stage: str, backend: str) -> dict[str, float]:
    """Training, by our steps and by Keras's `fit`, and prediction, in samples a second."""
    model, x, y, batch, scale = model_of(stage, backend)
    import keras

    from unroll.training.steps import PER_CALL, steps_of

    steps = steps_of(model, x, y, batch, lambda rows: keras.ops.cast(rows, "float32") / scale)
    order = np.arange(PER_CALL * batch, dtype=np.int32)
    steps.run(order, x.shape[1])
    training = _rate(lambda: steps.run(order, x.shape[1]), len(order))
    steps.finish()
    model.compile(optimizer="adam", loss="binary_crossentropy", steps_per_execution=PER_CALL)
    prepared = x.astype(np.float32) / scale
    targets = prepared if y is x else y
    fit = lambda: model.fit(prepared, targets, batch_size=batch, verbose=0)  # noqa: E731
    fit()
    fitting = _rate(fit, len(x))
    some = x[:5000].astype(np.float32) / scale
    model.predict(some, batch_size=1000, verbose=0)
    prediction = _rate(lambda: model.predict(some, batch_size=1000, verbose=0), len(some))
    return {
        "training": training,
        "fit": fitting,
        "prediction": prediction,
        "operations": operations(model, x.shape[1]),
    }


def of_torch(stage: str) -> dict[str, float]:
    """A plain PyTorch loop with the model that its user would write."""
    import torch
    from torch import nn

    from harness.stages.run import declared

    batch = declared(stage).models[name_of(stage)]["batch"]
    torch.set_num_threads(1)

    class Classifier(nn.Module):
        def __init__(self, recurrent: Any) -> None:
            super().__init__()
            self.embedding = nn.Embedding(10_000, 64)
            self.recurrent = recurrent(64, 32, batch_first=True)
            self.rest = nn.Sequential(nn.BatchNorm1d(32), nn.Dropout(0.2), nn.Linear(32, 1))

        def forward(self, x: Any) -> Any:
            embedded = nn.functional.dropout(self.embedding(x), 0.3, self.training)
            return self.rest(self.recurrent(embedded)[0][:, -1])

    class Autoencoder(nn.Module):
        def __init__(self, latent: int, two: bool) -> None:
            super().__init__()
            width = 56 if two else 28
            self.read = nn.LSTM(28, 28, batch_first=True, bidirectional=two)
            self.code = nn.Sequential(
                nn.BatchNorm1d(width), nn.Dropout(0.1), nn.Linear(width, latent), nn.Sigmoid()
            )
            self.write = nn.LSTM(latent, 28, batch_first=True, bidirectional=two)
            self.row = nn.Linear(width, 28)

        def forward(self, x: Any) -> Any:
            code = self.code(self.read(x)[0][:, -1])
            return self.row(self.write(code[:, None].expand(-1, 28, -1))[0])

    if "ae" in stage:
        model: nn.Module = Autoencoder(100 if "bi" in stage else 2, "bi" in stage)
        x = torch.rand(batch, 28, 28)
        y = x
    else:
        model = Classifier(nn.LSTM if "lstm" in stage else nn.RNN)
        x = torch.randint(0, 10_000, (batch, 128))
        y = torch.randint(0, 2, (batch, 1)).float()
    optimizer = torch.optim.Adam(model.parameters())
    loss = nn.BCEWithLogitsLoss()

    def train() -> None:
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    def predict() -> None:
        with torch.no_grad():
            model(x)

    train()
    training = _rate(train, batch)
    model.eval()
    return {"training": training, "prediction": _rate(predict, batch)}


def _rate(action: Any, samples: int, seconds: float = 4.0) -> float:
    begin, done = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        action()
        done += samples
    return done / (time.perf_counter() - begin)


def matrix_rate() -> float:
    """Operations a second of one core in a large product of float32 matrices."""
    a = np.random.default_rng(0).random((1024, 1024), np.float32)
    a @ a
    return _rate(lambda: a @ a, 2 * 1024**3, 2.0)


def report() -> str:
    """The rates of every model and backend as Markdown."""
    one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    [(_, line)] = cost(python("-m", "bench.throughput", "matrix"), ROOT, one).lines
    rate = float(line)
    rows = []
    for stage in STAGES:
        work = 0.0
        for backend in BACKENDS:
            command = python("-m", "bench.throughput", stage, backend)
            try:
                found = json.loads(cost(command, ROOT, one).lines[-1][1])
            except RuntimeError:
                rows.append([f"`{stage}`", backend, "not installed", "", "", ""])
                continue
            # PyTorch's models are the same ones.
            work = found.get("operations", work)
            share = 3 * work * found["training"] / rate
            numbers = [f"{found[k]:,.0f}" if k in found else "" for k in ("training", "fit")]
            numbers += [f"{found['prediction']:,.0f}", f"{share:.0%}"]
            rows.append([f"`{stage}`", backend, *numbers])
    head = [
        "stage",
        "backend",
        "training, samples/s",
        "the same by `fit`",
        "prediction, samples/s",
        "of the core's rate",
    ]
    return (
        f"One core multiplies matrices at {rate / 1e9:.0f} GFLOP/s. Operations are those that the "
        "model names: products of a repeated input, which are computed once, count at every step. "
        "`fit` is Keras's, with 20 steps an execution.\n\n" + table(head, rows)
    )


if __name__ == "__main__":
    if sys.argv[1] == "matrix":
        print(matrix_rate())
    elif sys.argv[2] == "torch":
        print(json.dumps(of_torch(sys.argv[1])))
    else:
        print(json.dumps(of_backend(sys.argv[1], sys.argv[2])))
