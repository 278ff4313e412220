"""Time to quality: the chapter's recipe against the pipeline, both from prepared data."""

from __future__ import annotations

import json
import re
import statistics
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.measure import ROOT, cost, project, python
from harness.reporting.markdown import table
from unroll.reporting import standings

# The chapter's own runs (P. Rivas, 2020): epochs until its early stop, metrics on the test set.
EPOCHS = {"rnn": 9, "lstm": 9, "ae_lstm": 131, "ae_bilstm": 88}
# Of each model the first of the chapter's metrics.
METRIC = {model: next(iter(metrics)) for model, metrics in standings.CHAPTER.items()}
CHAPTER = {model: float(standings.CHAPTER[model][metric]) for model, metric in METRIC.items()}
STAGES = ("train-rnn@rnn", "train-lstm@lstm", "train-ae@ae_lstm", "train-ae@ae_bilstm")


@dataclass(frozen=True)
class Recipe:
    """The chapter's recipe for one model: seconds, processor seconds, epochs, test metric.

    `reached` is the second at which the chapter's metric was first met; None where it never was.
    `metric` is None, and the rest extrapolated, where only a few epochs were run.
    """

    seconds: float
    cpu: float
    epochs: int
    metric: float | None
    reached: float | None


@dataclass(frozen=True)
class Pipeline:
    """All training and evaluation stages on one backend, two at once."""

    backend: str
    seconds: float
    cpu: float
    metrics: dict[str, float]
    reached: dict[str, float | None]
    stages: dict[str, tuple[float, float]]


def met(model: str, metric: float) -> bool:
    """Whether a metric is at least as good as the chapter's."""
    return metric >= CHAPTER[model] if METRIC[model] == "auc" else metric <= CHAPTER[model]


def recipe(model: str, full: bool, short_epochs: int) -> Recipe:
    """Run the chapter's recipe for one model: to its early stop, or a few epochs, extrapolated."""
    command = python("-m", "bench.chapter", model, *([] if full else [str(short_epochs)]))
    lines = [json.loads(line) for _, line in cost(command, ROOT).lines if line.startswith("{")]
    epochs, end = lines[:-1], lines[-1]
    if full:
        reached = next((line["seconds"] for line in epochs if met(model, line["metric"])), None)
        return Recipe(end["seconds"], end["cpu"], len(epochs), end["metric"], reached)

    def extrapolated(clock: str) -> float:
        # The first epoch also compiles; the others tell what an epoch costs.
        steps = [b[clock] - a[clock] for a, b in pairwise(epochs)]
        return epochs[0][clock] + statistics.median(steps) * (EPOCHS[model] - 1)

    return Recipe(extrapolated("seconds"), extrapolated("cpu"), EPOCHS[model], None, None)


def pipeline(backend: str, jobs: int = 2) -> Pipeline:
    """All training and evaluation stages from prepared data, in a clone with an empty cache."""
    with tempfile.TemporaryDirectory() as name:
        clone = project(Path(name) / "clone", train__backend=backend)
        spent = cost(python("-m", "harness", "repro", "--jobs", str(jobs)), clone)
        metrics = {
            model: json.loads((clone / f"metrics/{model}.json").read_text())[METRIC[model]]
            for model in EPOCHS
        }
    clocks: dict[str, list[float]] = {}
    for second, line in spent.lines:
        clocks.setdefault(line.partition(" ")[0], []).append(second)
    return Pipeline(
        backend,
        spent.seconds,
        spent.cpu,
        metrics,
        {model: _reached(model, spent.lines, clocks, metrics[model]) for model in EPOCHS},
        {stage: (min(clocks[stage]), max(clocks[stage])) for stage in STAGES},
    )


def _reached(
    model: str, lines: list[tuple[float, str]], clocks: dict[str, list[float]], metric: float
) -> float | None:
    """The second at which the chapter's metric was met, None if the test metric does not meet it.

    The pipeline reads the test set once, so that is when it was measured; the validation loss of
    the autoencoders tells sooner.
    """
    if not met(model, metric):
        return None
    if METRIC[model] == "loss":
        for second, line in lines:
            found = re.search(rf"{model}: epoch .* val_loss (\S+)", line)
            if found and met(model, float(found[1])):
                return second
    return max(clocks[f"evaluate@{model}"])


def report(full: bool, short_epochs: int = 3) -> str:
    """The comparison as Markdown.

    Args:
        full: train by the recipe to its own early stops, instead of extrapolating from
            `short_epochs` epochs to the chapter's numbers of them.
    """
    recipes: dict[str, Recipe] = {}
    pipelines = []
    # Alternating, so that a slow spell of the machine does not hit one side alone.
    for backend, models in (("tensorflow", ("rnn", "ae_lstm")), ("jax", ("lstm", "ae_bilstm"))):
        for model in models:
            recipes[model] = recipe(model, full, short_epochs)
            print(model, recipes[model], flush=True)
        pipelines.append(pipeline(backend))
        print(pipelines[-1], flush=True)
    return "\n\n".join(
        [_totals(recipes, pipelines), _models(recipes, pipelines), _stages(pipelines)]
    )


def _totals(recipes: dict[str, Recipe], pipelines: list[Pipeline]) -> str:
    seconds = sum(recipe.seconds for recipe in recipes.values())
    cpu = sum(recipe.cpu for recipe in recipes.values())
    run = all(recipe.metric is not None for recipe in recipes.values())
    rows = [
        [f"chapter's recipe{'' if run else ' (extrapolated)'}", f"{seconds:.0f}", f"{cpu:.0f}", "1"]
    ]
    for found in pipelines:
        numbers = [f"{found.seconds:.0f}", f"{found.cpu:.0f}", f"**{seconds / found.seconds:.1f}**"]
        rows.append([f"Unroll, {found.backend}", *numbers])
    return table(["all four models", "seconds", "processor seconds", "times faster"], rows)


def _models(recipes: dict[str, Recipe], pipelines: list[Pipeline]) -> str:
    head = ["model", "who", "epochs", "seconds", "chapter's metric met at second", "test metric"]
    head.append("chapter's metric")
    rows = []
    for model, found in recipes.items():
        name, aim = f"`{model}`, {METRIC[model]}", str(CHAPTER[model])
        if found.metric is None:
            metrics = ["not run", "not run"]
        else:
            metrics = [_second(found.reached), f"{found.metric:.4f}"]
        rows.append([name, "recipe", str(found.epochs), f"{found.seconds:.0f}", *metrics, aim])
        for run in pipelines:
            metrics = [_second(run.reached[model]), f"{run.metrics[model]:.4f}"]
            rows.append([name, f"Unroll, {run.backend}", "", "", *metrics, aim])
    return table(head, rows)


def _second(reached: float | None) -> str:
    return "not met" if reached is None else f"{reached:.0f}"


def _stages(pipelines: list[Pipeline]) -> str:
    rows = [
        [f"`{stage}`, {run.backend}", f"{begin:.0f}", f"{end - begin:.0f}"]
        for run in pipelines
        for stage, (begin, end) in run.stages.items()
    ]
    return table(["stage", "begins at second", "seconds"], rows)
