"""What the head of a Ray cluster is asked, each time by a process of its own.

The token of a cluster stands in the environment, and Ray reads it once in the life of a process.
"""

from __future__ import annotations

import os
import subprocess
import sys

# Prints the nodes that the head says are alive; waits some seconds for those that are named.
ALIVE = """
import os, sys, time
from ray._raylet import GcsClient

client = GcsClient(address=os.environ["RAY_ADDRESS"])
deadline = time.monotonic() + 10
while True:
    nodes = client.get_all_node_info(timeout=2).values()
    names = {name for node in nodes if not node.state for name in node.resources_total}
    if names.issuperset(sys.argv[1:]) or time.monotonic() > deadline:
        break
    time.sleep(0.1)
print(*names)
"""
CANCEL = """
import ray
from ray.util import list_named_actors

ray.init(log_to_driver=False)
for found in list_named_actors(all_namespaces=True)[:1]:
    ray.kill(ray.get_actor(**found))
    print(found["name"])
"""


def alive(environment: dict[str, str], *awaited: str) -> set[str]:
    """The resources of the nodes that are alive, among them one of each node's name.

    Args:
        environment: of the cluster's clients.
        awaited: nodes to wait for, for a few seconds.
    """
    return set(_ask(environment, ALIVE, *awaited).split())


def cancel_one(environment: dict[str, str]) -> str:
    """End one actor; its name, empty if there is none."""
    return _ask(environment, CANCEL).strip()


def _ask(environment: dict[str, str], script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout
