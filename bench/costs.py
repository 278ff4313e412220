"""A model of what sweeps on many nodes and the preparation of many texts cost.

Its figures come from small ones that were measured, see `bench.scale`.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

from bench.growth import Growth
from bench.sweeps import BEAT, Parts
from harness.cluster.fleet import POLL

# Files that a job leaves in the store, and names in an answer to a question for them.
FILES, LISTED = 4, 1_000
# Requests of a job each time it tells of itself: that it lives, its log, a set of checkpoints with
# its list, the removal of the last set, and whether it is cancelled.
BEATS = 6


@dataclass(frozen=True)
class Sweeping:
    """What a sweep costs, in seconds and requests to the store.

    Attributes:
        start: until the jobs are submitted.
        job: of a job beside its training, from the end of another on its node to its own.
        home: to bring an experiment home; one after the other.
        end: from the last one to the table.
        requests: of a job, those of each minute aside.
    """

    start: float
    job: float
    home: float
    end: float
    requests: float

    @classmethod
    def of(cls, parts: Parts, poll: float) -> Sweeping:
        """As a small sweep shows it."""
        questions = parts.wall / poll
        requests = (sum(parts.requests.values()) - questions) / (parts.jobs + 1)
        return cls(parts.start, parts.launch + parts.job, parts.home, parts.end, requests)

    def wall(self, jobs: int, nodes: int, training: float, poll: float = POLL) -> float:
        """Seconds from the command to the table; the default setting has its result already."""
        free, ends = [self.start] * nodes, []
        for seconds in [self.job, *[self.job + training] * jobs]:
            end = heapq.heappop(free) + seconds
            heapq.heappush(free, end)
            ends.append(end)
        now = self.start
        for end in sorted(ends):
            now = max(now, end + poll / 2) + self.home
        return now + self.end

    def cost(self, jobs: int, nodes: int, training: float) -> dict[str, float]:
        """What a large sweep costs."""
        wall = self.wall(jobs, nodes, training)
        questions, pages = wall / POLL, math.ceil(jobs * FILES / LISTED)
        return {
            "wall": wall,
            "ideal": jobs * training / nodes,
            "driver": jobs * self.home,
            "store": jobs * (self.requests + BEATS * training / BEAT) + questions * pages,
            "scheduler": questions + 2 * math.ceil(jobs / LISTED),
        }


@dataclass(frozen=True)
class Preparing:
    """What preparing a text of a corpus costs, in seconds.

    Attributes:
        shared: of one worker, divided by their number.
        alone: of the process that puts the shards together.
    """

    shared: float
    alone: float
    bytes_written: float

    @classmethod
    def of(cls, one: Growth, two: Growth) -> Preparing:
        """As one and two workers show it on one corpus."""
        alone = max(2 * two.seconds - one.seconds, 0.0)
        texts = one.reviews
        return cls((one.seconds - alone) / texts, alone / texts, one.written * 1e6 / texts)

    def seconds(self, texts: int, workers: int) -> float:
        """From the first text to the prepared arrays."""
        return texts * (self.shared / workers + self.alone)
