"""The path of every artifact, relative to the project's root, where every stage runs."""

from __future__ import annotations

from pathlib import Path

CORPORA = Path("corpora.yaml")

# A trained model: Keras's configuration, the weights, and what the model is for.
CONFIGURATION = "model.json"
WEIGHTS = "model.weights.h5"
TASK = "task.json"
# The vocabulary, beside the prepared texts and beside the models that read them.
VOCABULARY = "vocabulary.json"
# What a baseline of texts is, instead of a configuration.
METHOD = "method.json"
# The keys of the n-grams that a model knows, beside its vocabulary.
NGRAMS = "ngrams.npy"
# What `preprocess` found in a corpus.
ABOUT = "corpus.json"
# The rows of the prepared training split that validate.
VALIDATION = "validation.npy"


def raw(source: str) -> Path:
    """The verified files of a source as `fetch` wrote them."""
    return Path("data/raw") / source


def prepared(corpus: str) -> Path:
    """The arrays that `preprocess` wrote."""
    return Path("data/prepared") / corpus


def evaluated(model: str) -> Path:
    """What `evaluate` computed on the test set: scores, and images that `plot` draws."""
    return Path("data/evaluated") / model


def model(name: str) -> Path:
    """A trained model: weights, configuration and, for text, the vocabulary."""
    return Path("models") / name


def curves(model: str) -> Path:
    """The table of losses per epoch, written while training runs."""
    return Path("plots/curves") / f"{model}.csv"


def metrics(model: str) -> Path:
    """The metrics of a model on the test set."""
    return Path("metrics") / f"{model}.json"


def baselines(corpus: str) -> Path:
    """What the baselines of a corpus say of its rows, a folder a method."""
    return Path("data/baselines") / corpus


def baseline_metrics(corpus: str) -> Path:
    """The metrics of the baselines of a corpus, by method."""
    return Path("metrics/baselines") / f"{corpus}.json"


def validated(model: str) -> Path:
    """What a model says of each row that validated its training."""
    return Path("data/validated") / model


def validation_metrics(model: str) -> Path:
    """The metrics of a model on those rows."""
    return Path("metrics/validation") / f"{model}.json"


def points(model: str) -> Path:
    """The folder of plot data, tables that `dvc plots` draws."""
    return Path("plots/points") / model


def pictures(model: str) -> Path:
    """The folder of pictures."""
    return Path("plots/figures") / model


def behavior(model: str) -> Path:
    """The share of failures of a model, by capability."""
    return Path("metrics/behavior") / f"{model}.json"


def bias(model: str) -> Path:
    """What differs between groups of people, and the errors by groups of rows."""
    return Path("metrics/bias") / f"{model}.json"
