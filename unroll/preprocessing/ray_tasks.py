"""Runs the shards of a corpus as tasks of a Ray cluster whose nodes share the project's folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.core.errors import UserError, reason


class RayTasks:
    """The processors of the cluster whose head is at `RAY_ADDRESS`.

    A node needs the folder of the project at the same path, as its tasks read and write files
    there, and the project's packages beside Ray.
    """

    def __init__(self) -> None:
        """Connect to the cluster.

        Raises:
            UserError: Ray is not installed here, or its head does not answer.
        """
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        address = os.environ.get("RAY_ADDRESS")
        if not address:
            raise UserError(
                "RAY_ADDRESS: not set; expected the address of the head, such as 10.0.0.5:6379"
            )
        try:
            import ray
        except ImportError:
            raise UserError("Ray is not installed; `make ray` installs it") from None
        root = str(Path(__file__).parents[2])
        try:
            ray.init(
                address=address,
                runtime_env={"env_vars": {"PYTHONPATH": root}},
                log_to_driver=False,
                configure_logging=False,
                include_dashboard=False,
            )
        except Exception as error:  # of many kinds, and of Ray's own
            raise UserError(f"Ray at {address}: {reason(error)}") from None
        self._ray = ray
        self.count = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._task: Any = ray.remote(in_folder)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """Begin a call on the next processor that has nothing to do."""
        waiting = self._task.remote(os.getcwd(), function, arguments)

        def result() -> Any:
            try:
                return self._ray.get(waiting)
            except self._ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except self._ray.exceptions.RayError as error:
                raise UserError(f"a task on Ray was lost ({reason(error)}); run it again") from None

        return result

    def close(self) -> None:
        """Leave the cluster, which drops what has not begun."""
        self._ray.shutdown()


def in_folder(folder: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a function in the folder of the project.

    Raises:
        UserError: this node has no such folder.
    """
    try:
        os.chdir(folder)
    except OSError as error:
        raise UserError(
            f"{os.uname().nodename}: {reason(error)}; tasks on Ray need a project's folder that "
            "all nodes share"
        ) from None
    return function(*arguments)
