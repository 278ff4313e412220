"""Models and baselines side by side, a table for each corpus and task, the best first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.files import read_json
from harness.reporting import labels, markdown
from unroll.core import paths
from unroll.core.tasks import MANY, REBUILD, TWO
from unroll.reporting import seeds, trained

# What the chapter prints for its own runs: P. Rivas, Deep Learning for Beginners (Packt, 2020),
# chapter 13. AUC and balanced accuracy on the test reviews; loss on the test images.
CHAPTER = {
    "rnn": {"auc": "0.92", "balanced_accuracy": "0.8382"},
    "lstm": {"auc": "0.93", "balanced_accuracy": "0.8544"},
    "ae_lstm": {"loss": "0.1782"},
    "ae_bilstm": {"loss": "0.1161"},
}
# What others report of a corpus's own test split, by accuracy, and what they learned from.
OTHERS = {
    "imdb": [
        ("ULMFiT (Howard and Ruder 2018)", "0.954", "a language model of other texts"),
        ("virtual adversarial LSTM (Miyato et al. 2017)", "0.941", "labels, 50,000 reviews more"),
        ("SA-LSTM (Dai and Le 2015)", "0.928", "labels, 50,000 reviews more"),
        ("seq2-bown-CNN (Johnson and Zhang 2015)", "0.9233", "labels"),
        ("oh-2LSTMp (Johnson and Zhang 2016)", "0.9186", "labels"),
        ("naive-Bayes trigrams (Wang and Manning 2012)", "0.9182", "labels"),
        ("QRNN (Bradbury et al. 2017)", "0.914", "labels, GloVe vectors"),
        ("LSTM from random weights (Dai and Le 2015)", "0.865", "labels"),
    ]
}
# Processor seconds of trainings, measured by `python -m bench.trainings`.
SECONDS = Path("bench/trainings.json")
# The metrics of a task; the first one orders the table and is compared with the baseline's.
SHOWN = {TWO: ("auc", "balanced_accuracy"), MANY: ("auc", "accuracy"), REBUILD: ("loss", "mse")}


def tables() -> str:
    """A table for each corpus and task, as Markdown.

    Raises:
        UserError: the metrics of a model or of the baselines are missing.
    """
    groups: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for model, corpus in trained.corpora().items():
        metrics = read_json(paths.metrics(model))
        groups.setdefault((corpus, trained.task_of(metrics)), {})[model] = metrics
    return "\n\n".join(_table(corpus, task, models) for (corpus, task), models in groups.items())


def _table(corpus: str, task: str, models: dict[str, dict[str, Any]]) -> str:
    times = read_json(SECONDS) if SECONDS.exists() else {}
    known, over, shown = labels.read()["metrics"], seeds.current(), SHOWN[task]
    first, sign = shown[0], -1 if known[shown[0]]["better"] == "higher" else 1
    baselines = {
        name: metrics
        for name, metrics in read_json(paths.baseline_metrics(corpus)).items()
        if trained.task_of(metrics) == task
    }
    rows = []

    def shown_first(item: tuple[str, dict[str, Any]]) -> float:
        name, metrics = item
        return sign * over.get(name, {}).get("test", {}).get(first, {}).get("mean", metrics[first])

    for name, metrics in sorted((baselines | models).items(), key=shown_first):
        is_model = name in models
        figures = [_figure(name, metrics, metric, over if is_model else {}) for metric in shown]
        theirs = [CHAPTER.get(name, {}).get(metric, "") for metric in shown] if is_model else []
        rows.append(
            (
                f"**`{name}`**" if is_model else f"`{name}`",
                *figures,
                _beside(name, metrics, first, sign, baselines, over) if is_model else "",
                str(times.get(name, {}).get("seconds", "")) if is_model else "",
                " / ".join(filter(None, theirs)),
            )
        )
    label = known[first]["label"]
    columns = (known[metric]["label"] for metric in shown)
    beside = (f"{label}, to the best baseline", "seconds of a core", "chapter")
    head = (f"on `{corpus}`", *columns, *beside)
    kept = [i for i in range(len(head)) if any(row[i] for row in rows)]
    found = markdown.table([head[i] for i in kept], [[row[i] for i in kept] for row in rows])
    if others := OTHERS.get(corpus):
        found += "\n\n" + markdown.table(
            (f"others on `{corpus}`", "accuracy", "learned from"), others
        )
    return found


def _figure(name: str, metrics: dict[str, Any], metric: str, over: dict[str, Any]) -> str:
    """A metric: mean and deviation over seeds, or else the one value."""
    return seeds.shown(over, name, metric) or f"{metrics[metric]:.4f}"


def _beside(
    name: str,
    metrics: dict[str, Any],
    metric: str,
    sign: int,
    baselines: dict[str, Any],
    over: dict[str, Any],
) -> str:
    """How far a model is from a baseline on the same rows, and whether that one wins.

    It does if that is beyond the chance of the rows and, where they are known, of the seeds.
    """
    [(baseline, difference)] = metrics["beside"].items()
    low, high = (difference[f"{metric}_interval"][end] for end in ("low", "high"))
    held = seeds.held(over, name, baselines[baseline][metric], metric)
    loses = min(sign * low, sign * high) > 0 and (held is None or held.counts)
    wins = f"; `{baseline}` wins" if loses else ""
    return f"{difference[metric]:+.4f} ({low:+.4f} to {high:+.4f}){wins}"
