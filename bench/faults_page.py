"""The page of faults on clusters, docs/cluster-faults.md: a row for each fault and what it gave."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from bench.measure import ROOT
from harness import processor
from harness.core.files import write_text
from harness.reporting.markdown import table

sys.path.insert(0, str(ROOT / "tests"))  # where the clusters are, which the tests start, too

import cluster_faults
import clusters
from cluster_faults import Scene

REPORT = ROOT / "docs/cluster-faults.md"
SAME = "same bytes"


@dataclass
class Row:
    """One fault and what it gave.

    Attributes:
        hit: what was broken.
        seconds: that it lasted.
        running: jobs that worked when it came.
        epochs, said: trained epochs, and bytes of the driver's log, by then.
        again: jobs that the driver submitted again before the next fault.
        repeated: epochs trained again before the next fault.
        outcome: of the whole sweep.
    """

    engine: str
    fault: str
    hit: str
    seconds: float
    running: int
    epochs: int
    said: int
    again: str = ""
    repeated: int = 0
    outcome: str = ""

    def finished(self, scene: Scene) -> Row:
        """With what has happened since."""
        trained = [entry[:2] for entry in scene.project.trained()]
        places = range(self.epochs, len(trained))
        self.repeated = sum(trained[place] in trained[:place] for place in places)
        lines = scene.project.log.read_text()[self.said :].splitlines()
        self.again = ", ".join(line.partition(":")[0] for line in lines if ": submitted to" in line)
        return self

    def cells(self, number: int) -> list[str]:
        """Of the table."""
        return [
            *(str(number), self.engine, self.fault, self.hit, f"{self.seconds:.0f}"),
            *(str(self.running), self.again or "none", str(self.repeated), self.outcome),
        ]


def report(rows: list[Row], command: str) -> str:
    """The page."""
    kinds = []
    for fault in cluster_faults.FAULTS:
        for engine in clusters.ENGINES:
            of = [row for row in rows if (row.fault, row.engine) == (fault.__name__, engine)]
            what = (fault.__doc__ or "").strip().rstrip(".")
            well = sum(row.outcome == SAME for row in of)
            repeated = sum(row.repeated for row in of)
            numbers = map(str, (len(of), well, repeated))
            kinds.append([f"`{fault.__name__}`", what, engine, *numbers])
    head = ["", "engine", "fault", "what it hit", "for seconds", "jobs running"]
    head += ["submitted again", "epochs trained again", "sweep"]
    return "\n\n".join(
        [
            "# Faults on clusters",
            f"`{command}`, on {processor.kind()}, wrote this page; the seed draws the faults, and "
            "how far the jobs are when one comes differs from run to run.",
            "Each sweep has a default and three trainings of six epochs, on two nodes of real "
            "Slurm and Ray clusters on one machine, with an S3 server as remote. Checkpoints go "
            "to it every second. Faults come one after another while jobs run, each is mended "
            "after the seconds shown (the node starts again, the store comes back), and nothing "
            "else is repaired, but that nodes that Slurm took out, or that ended by themselves, "
            "are brought back; whose command ended types it again. "
            '"Same bytes" says that at the end of the sweep '
            "parameters, metrics, `dvc.lock` and the table of the sweep are those of a run "
            "without a cluster, and that each setting is there once.",
            table(
                ["fault", "what", "engine", "times", "same bytes", "epochs trained again"], kinds
            ),
            "## One by one",
            table(head, [row.cells(i) for i, row in enumerate(rows, 1)], numbers=(0, 4, 5, 7)),
        ]
    )


def write(rows: list[Row], command: str) -> None:
    """Put the page in place."""
    write_text(REPORT, report(rows, command) + "\n")
    print(f"written: {REPORT.relative_to(ROOT)}", flush=True)
