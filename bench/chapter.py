"""The chapter's recipe in plain Keras, as the yardstick: `python -m bench.chapter MODEL [EPOCHS]`.

It shares no code with the pipeline. It reads the prepared arrays, trains by the chapter's protocol
with the backend's defaults, and prints one JSON line an epoch and one at the end, with the seconds
since the process began and the processor seconds used. Measuring the metric after each epoch, which
the recipe does not do for the classifiers, is not counted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import yaml
from keras import layers
from sklearn import metrics

BEGIN = time.time() - time.process_time()
PREPARED = Path("data/prepared")


def classifier(recurrent: Any) -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(10_000, 64),
            layers.Dropout(0.3),
            recurrent(32),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def autoencoder() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Dropout(0.1),
            layers.LSTM(28),
            layers.BatchNormalization(),
            layers.Dropout(0.1),
            layers.Dense(2, activation="sigmoid"),
            layers.RepeatVector(28),
            layers.LSTM(28, return_sequences=True),
            layers.BatchNormalization(),
            layers.TimeDistributed(layers.Dense(28, activation="sigmoid")),
        ]
    )


def bidirectional_autoencoder() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Dropout(0.5),
            layers.Bidirectional(layers.LSTM(28)),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(100, activation="sigmoid"),
            layers.Dropout(0.1),
            layers.RepeatVector(28),
            layers.Bidirectional(layers.LSTM(28, return_sequences=True)),
            layers.BatchNormalization(),
            layers.TimeDistributed(layers.Dense(28, activation="sigmoid")),
        ]
    )


MODELS = {
    "rnn": lambda: classifier(layers.SimpleRNN),
    "lstm": lambda: classifier(layers.LSTM),
    "ae_lstm": autoencoder,
    "ae_bilstm": bidirectional_autoencoder,
}


def load(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    if name.startswith("ae_"):
        images = np.load(PREPARED / "mnist" / f"x_{split}.npy").astype("float32") / 255
        return images, images
    parts = (np.load(PREPARED / "imdb" / f"{part}_{split}.npy") for part in ("x", "ends", "y"))
    ids, ends, y = parts
    read = yaml.safe_load(Path("params.yaml").read_text())["models"][name]
    top, size, length = read["skip_top"], read["vocabulary"], read["length"]
    ids = np.where((ids < 4 + top) | (ids >= size), 2, ids)
    texts = [[1, *text[-length:]] for text in np.split(ids, ends[:-1])]
    return keras.utils.pad_sequences(texts, length), y


class Report(keras.callbacks.Callback):
    """Prints the metric of every epoch; the time that takes is not the recipe's."""

    def __init__(self, metric: Any) -> None:
        super().__init__()
        self._metric = metric
        self._outside: tuple[float, ...] = (0.0, 0.0)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        before = self._clocks()
        metric = self._metric(self.model, logs)
        self._outside = tuple(
            outside + now - then
            for outside, now, then in zip(self._outside, self._clocks(), before, strict=True)
        )
        self.say(epoch=epoch + 1, metric=metric)

    def say(self, **values: Any) -> None:
        seconds, cpu = (
            now - outside for now, outside in zip(self._clocks(), self._outside, strict=True)
        )
        print(json.dumps(values | {"seconds": seconds, "cpu": cpu}), flush=True)

    @staticmethod
    def _clocks() -> tuple[float, ...]:
        return time.time() - BEGIN, time.process_time()


def main(name: str, epochs: int) -> None:
    text = not name.startswith("ae_")
    x, y = load(name, "train")
    x_test, y_test = load(name, "test")

    def area(model: keras.Model, logs: Any) -> float:
        score = model.predict(x_test, batch_size=1000, verbose=0)[:, 0]
        return float(metrics.roc_auc_score(y_test, score))

    model = MODELS[name]()
    model.compile(optimizer="adam", loss="binary_crossentropy")
    # The chapter validates on the test set, so the validation loss is the autoencoders' metric.
    report = Report(area if text else lambda model, logs: logs["val_loss"])
    model.fit(
        x,
        y,
        epochs=epochs,
        batch_size=100,
        validation_data=(x_test, y_test),
        verbose=0,
        callbacks=[
            keras.callbacks.ReduceLROnPlateau(
                factor=0.5, patience=3 if text else 5, min_delta=1e-4, mode="min"
            ),
            keras.callbacks.EarlyStopping(patience=7 if text else 15, restore_best_weights=True),
            report,
        ],
    )
    report.say(
        metric=area(model, {})
        if text
        else model.evaluate(x_test, y_test, batch_size=1000, verbose=0)
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
