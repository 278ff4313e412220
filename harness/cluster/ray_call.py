"""One question or order to Ray: `python -m harness.cluster.ray_call`, JSON in, JSON out.

A process of its own, because Ray ends or blocks the process that is connected when its head goes
away. Each job is a detached actor. The head owns it, so that it waits for a free node, and starts
again on another one when its node dies, whether the submitting process lives or not.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Collection
from typing import Any

_NODE = "ray.io/node-id"  # the label that each node has
_ATTEMPTS, _PAUSE = 50, 0.2  # to end an actor, and seconds between them


def main(order: dict[str, Any]) -> Any:
    """Do what is ordered: `check`, `submit`, `live` or `cancel`.

    Args:
        order: `do`; the `address` of the head; the `group` of the jobs; and what it takes.

    Returns:
        What `ray_engine` says of each.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    ray.init(
        address=order["address"],
        namespace=order["group"],
        log_to_driver=False,
        configure_logging=False,
        include_dashboard=False,
    )
    orders = {"check": _check, "submit": _submit, "live": _live, "cancel": _cancel}
    return orders[order["do"]](order)


def _check(order: dict[str, Any]) -> dict[str, Any]:
    """Of the nodes that are there, once one has so many `cpus`, or `seconds` have passed."""
    import ray

    deadline = time.monotonic() + order["seconds"]
    while True:
        nodes = [node for node in ray.nodes() if node["Alive"]]
        most = max((node["Resources"].get("CPU", 0) for node in nodes), default=0)
        if most >= order["cpus"] or time.monotonic() >= deadline:
            return {"addresses": sorted({n["NodeManagerAddress"] for n in nodes}), "cpus": most}
        time.sleep(1)


def _submit(order: dict[str, Any]) -> None:
    import ray

    actor: Any = ray.remote(job_class())
    nodes = _able(order)
    avoid = nodes & set(order["avoid"])
    where = {_NODE: f"!in({','.join(sorted(avoid))})"} if nodes - avoid else {}
    for name, script in order["scripts"].items():
        actor.options(
            name=_named(order, name),
            namespace=order["group"],
            get_if_exists=True,
            lifetime="detached",
            max_restarts=-1,
            num_cpus=order["cpus"],
            **({"label_selector": where} if avoid and where else {}),
        ).remote(name, script)
    for name in order["scripts"]:  # the head has them all, or this raises
        ray.get_actor(_named(order, name), namespace=order["group"])


def job_class() -> type:
    """The actor, by value: a node has no module of ours to import it from."""

    class Job:
        """Runs a script of bash and ends itself with it."""

        def __init__(self, name: str, script: str) -> None:
            import threading

            threading.Thread(target=self._run, args=(name, script), daemon=True).start()

        def _run(self, name: str, script: str) -> None:
            import ctypes
            import os
            import subprocess
            import sys
            import time

            import ray

            def die_with_actor() -> None:
                if sys.platform == "linux":
                    ctypes.CDLL(None).prctl(1, 9)

            context = ray.get_runtime_context()
            # Ray sets the number of threads; a job's results must not depend on who runs it.
            left_out = ("OMP_NUM_THREADS", "PYTHONPATH", "VIRTUAL_ENV")
            variables = {k: v for k, v in os.environ.items() if k not in left_out}
            variables["HARNESS_NODE"] = context.get_node_id()
            subprocess.run(
                ["bash", "-l", "-c", script],
                env=variables,
                cwd="/",
                stdin=subprocess.DEVNULL,
                preexec_fn=die_with_actor,
                check=False,
            )
            while True:  # until the head has noted that the job is over
                try:
                    ray.kill(context.current_actor)
                except Exception as error:  # the head may be away
                    print(name, error, flush=True)
                time.sleep(1)

    return Job


def _live(order: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Of each actor of the group that is not dead: state, node, since when, and its id.

    One that waits for another node than all that are left is ended here, and so counts as lost.
    """
    able, found, stuck = _able(order), {}, []
    for name, (word, actor) in _actors(order).items():
        avoided = actor.label_selector.get(_NODE, "")
        if word != "ALIVE" and able and all(node in avoided for node in able):
            stuck.append(name)
            continue
        found[name] = {
            **{"state": word, "node": actor.address.node_id.hex()},
            **{"since": actor.start_time, "id": actor.actor_id.hex()},
        }
    if stuck:
        _end(order, stuck)
    return found


def _actors(order: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """The actors of the group that are not dead: state, and what the head knows of each."""
    from ray._private.state import state  # the public list needs Ray's dashboard
    from ray.core.generated import gcs_pb2

    tables: Any = gcs_pb2
    found, prefix = {}, _named(order, "")
    for content in state._connect_and_get_accessor().get_actor_table(None, None):
        actor = tables.ActorTableData.FromString(content)
        word = tables.ActorTableData.ActorState.Name(actor.state)
        if actor.name.startswith(prefix) and word != "DEAD":
            found[actor.name.removeprefix(prefix)] = word, actor
    return found


def _able(order: dict[str, Any]) -> set[str]:
    """The nodes that are there and can run such jobs, which the head often cannot."""
    import ray

    nodes = [node for node in ray.nodes() if node["Alive"]]
    return {n["NodeID"] for n in nodes if n["Resources"].get("CPU", 0) >= order["cpus"]}


def _cancel(order: dict[str, Any]) -> None:
    if alive := _end(order, order["names"]):
        seconds = _ATTEMPTS * _PAUSE
        raise SystemExit(
            f"{', '.join(sorted(alive))}: not ended after {seconds:.0f} s; cancel once more"
        )


def _end(order: dict[str, Any], names: Collection[str]) -> set[str]:
    """End these jobs; those are returned that do not end in time."""
    import ray

    # Until the head says that they are dead: of a process that ends at once, it may not hear it.
    for _ in range(_ATTEMPTS):
        alive = _actors(order).keys() & set(names)
        if not alive:
            return alive
        for name in alive:
            with contextlib.suppress(ValueError):  # it is over
                ray.kill(ray.get_actor(_named(order, name), namespace=order["group"]))
        time.sleep(_PAUSE)
    return _actors(order).keys() & set(names)


def _named(order: dict[str, Any], name: str) -> str:
    """An actor's name, by which it is known among those of other groups."""
    return f"{order['group']}/{name}"


if __name__ == "__main__":
    # What Ray prints goes to standard error; the answer alone to standard output.
    out = os.dup(1)
    os.dup2(2, 1)
    answer = json.dumps(main(json.load(sys.stdin)))
    os.write(out, answer.encode())
    os._exit(0)  # Ray's own end takes seconds, and may wait for a head that is gone
