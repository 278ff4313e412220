"""Share the cache through a remote: `push`, `pull` and `audit --remote`.

DVC's `push --run-cache` and `pull --run-cache` do most of it. What they leave out is here: damaged
objects in the remote are named and sent again, and what a run has written travels with it, metrics
and plots too, so that the same code, parameters and data need not run anywhere else.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator

from dvc.config import Config
from dvc.data_cloud import Remote
from dvc.logger import setup
from dvc.repo import Repo

from harness import dvc_private as private
from harness.core.errors import UserError, reason
from harness.sharing import probe
from harness.sharing.probe import AGAIN


class Failures(logging.Handler):
    """The last of the failed transfers, which libraries log with a traceback for each object."""

    last = ""

    def __init__(self) -> None:
        super().__init__()
        for name in ("dvc_data", "dvc_objects", "asyncio"):
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [self], False

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and isinstance(record.exc_info[1], Exception):
            self.last = reason(record.exc_info[1])


class Share:
    """A clone and one of its remotes; `cache` holds the objects of the one, `store` the other's."""

    def __init__(self, repo: Repo, remote: Remote) -> None:
        self.repo, self.remote = repo, remote
        self.cache, self.store = repo.cache.local, remote.odb
        self.where = probe.where(remote)
        self.failures = Failures()

    def push(self) -> None:
        """Bring all that this clone knows to the remote, and repair damage there.

        Raises:
            UserError: not all could be sent.
        """
        known = self._known()
        there = private.stored(self.store, known)
        here = {md5: name for md5, name in known.items() if self.cache.exists(md5)}
        recorded = private.with_files(private.outputs(self.repo, in_git=False), self.cache)
        lacking = [name for md5, name in recorded.items() if md5 not in here and md5 not in there]
        if lacking:
            print(
                f"warning: {len(lacking)} recorded objects are neither here nor in {self.where}: "
                f"{_some(lacking)}; push from a clone that has them, or run the pipeline",
                file=sys.stderr,
            )
        common = [md5 for md5 in here if md5 in there]
        repaired, _ = self._repair(private.suspects(self.cache, common, there), known)
        new = [md5 for md5 in here if md5 not in there]
        if spoiled := private.damaged(self.cache, new):
            raise UserError(
                "damaged in the cache of this clone, so nothing was sent: "
                f"{_some(here[md5] for md5 in spoiled)}; `audit` names the files to delete"
            )
        self._send(new)
        # The runs, and what else DVC may track.
        self.repo.push(remote=self.remote.name, run_cache=True)
        if self.failures.last:  # of a run, DVC only logs it
            raise UserError(f"{self.where} did not take all runs: {self.failures.last}; {AGAIN}")
        print(
            f"{self.where}: {len(new)} objects sent, {self._size(new):,} bytes; "
            f"{repaired} repaired, {len(common) - repaired} were there"
        )

    def pull(self) -> None:
        """Bring what the work tree needs from the remote, and what runs on its inputs have written.

        Raises:
            UserError: something is missing or damaged in the remote.
        """
        before = set(self.cache.all())
        failure: Exception | None = None
        try:
            # What no run has made yet is not missing.
            self.repo.pull(remote=self.remote.name, run_cache=True, allow_missing=True)
        except Exception as error:
            failure = error
        self._check_whole(failure)
        for stage, outs in private.runs_that_fit(self.repo):
            private.copy(self.store, self.cache, outs, verify=True)
            files = private.with_files(outs, self.cache)
            private.copy(self.store, self.cache, files, verify=True)
            is_complete = all(map(self.cache.exists, files))
            outcome = "`repro` takes its outputs" if is_complete else "the remote lacks its outputs"
            print(f"{stage}: a run on the same inputs is known; {outcome}", flush=True)
        new = set(self.cache.all()) - before
        print(f"{self.where}: {len(new)} objects fetched, {self._size(new):,} bytes")

    def audit(self) -> None:
        """Read every object of the remote to its end; repair those that this clone has whole.

        Raises:
            UserError: there is no object, or some are damaged and this clone cannot repair them.
        """
        known = self._known()
        there = private.stored(self.store, known)
        if not there:
            raise UserError(f"{self.where} has no objects; `push` sends some")
        repaired, left = self._repair(there, known)
        count = f"{repaired + left} damaged, {repaired} repaired"
        print(f"{len(there)} objects in {self.where}, {count}")
        if left:
            raise UserError("run the same command in a clone that has the others")

    def _known(self) -> dict[str, str]:
        """All objects that the clone knows: of every remembered run, and of what is recorded."""
        outs = private.outputs_of_runs(self.repo) | private.outputs(self.repo)
        return private.with_files(outs, self.cache)

    def _repair(self, suspected: Iterable[str], names: dict[str, str]) -> tuple[int, int]:
        """Send damaged objects again; how many were sent, and how many are not whole here."""
        damaged = private.damaged(self.store, suspected)
        unusable = private.damaged(self.cache, damaged)
        for md5 in damaged:
            outcome = "not whole here, so not repaired" if md5 in unusable else "sent again"
            used = names.get(md5, "of another run")
            print(f"{self._address(md5)}: DAMAGED ({used}), {outcome}", flush=True)
        whole = [md5 for md5 in damaged if md5 not in unusable]
        for md5 in whole:
            with contextlib.suppress(FileNotFoundError):
                self.store.delete(md5)  # DVC copies over no file where it can link
        self._send(whole)
        return len(whole), len(unusable)

    def _send(self, md5s: list[str]) -> None:
        # The lists of folders last: who finds one takes its files to be there.
        for is_list in (False, True):
            part = [md5 for md5 in md5s if md5.endswith(".dir") == is_list]
            if failed := private.copy(self.cache, self.store, part):
                why = reason(failed.popitem()[1])
                raise UserError(f"{self.where} did not take all objects: {why}; {AGAIN}")

    def _check_whole(self, failure: Exception | None) -> None:
        """After a pull that may have failed, name the recorded objects that the remote lacks."""
        recorded = private.outputs(self.repo, in_git=False)
        names = private.with_files(recorded, self.cache, self.store)
        lacking = [md5 for md5 in names if not self.cache.exists(md5)]
        there = private.stored(self.store, lacking) if lacking else {}
        damaged = private.damaged(self.store, [md5 for md5 in lacking if md5 in there])
        lines = [
            f"{self._address(md5)}: {'DAMAGED' if md5 in there else 'MISSING'} ({names[md5]})"
            for md5 in lacking
            if md5 in damaged or md5 not in there
        ]
        if lines:
            raise UserError(
                "\n".join(lines) + f"\nnot all recorded outputs are whole in {self.where}; "
                "`push` in a clone that has them repairs that, `repro` computes them here"
            )
        if lacking and self.failures.last:
            raise UserError(f"{self.where}: {self.failures.last}; {AGAIN}")
        if failure:
            raise failure

    def _address(self, md5: str) -> str:
        return str(self.remote.fs.unstrip_protocol(self.store.oid_to_path(md5)))

    def _size(self, md5s: Iterable[str]) -> int:
        return sum(os.path.getsize(self.cache.oid_to_path(md5)) for md5 in md5s)


def _some(names: Iterable[str]) -> str:
    first = sorted(set(names))
    return ", ".join(first[:5]) + (", ..." if first[5:] else "")


@contextlib.contextmanager
def opened(name: str | None, command: str) -> Iterator[tuple[Repo, Remote]]:
    """The project of the current folder and one of its remotes, the default one for None.

    What DVC, a client or the system raises meanwhile becomes a `UserError`.

    Args:
        command: what uses it, for messages.

    Raises:
        UserError: there is no such remote, it keeps versions of its own, or it cannot be used.
    """
    setup()
    logging.getLogger("dvc").setLevel(logging.ERROR)  # its warnings would stand beside our line
    # The client of S3 tries five times otherwise, which takes longer than a question may.
    os.environ.setdefault("AWS_MAX_ATTEMPTS", "3")
    # Whatever is read is hashed here, and named if it is damaged; the client would only fail.
    os.environ["AWS_RESPONSE_CHECKSUM_VALIDATION"] = "when_required"
    try:
        config = Config(Repo.find_dvc_dir())
        name = name or config["core"].get("remote")
        if not name or "url" not in config["remote"].get(name, {}):
            raise UserError(
                f"there is no remote {name or 'by default'}; there are: "
                f"{', '.join(config['remote']) or 'none'}; `dvc remote add NAME URL` adds one"
            )
        # DVC hashes what it fetches from a remote only if that is set.
        with Repo(remote=name, remote_config={"verify": True}) as repo:
            remote = repo.cloud.get_remote(name)
            if remote.worktree or remote.fs.version_aware:
                raise UserError(f"remote {name} keeps versions of its own; use `dvc {command}`")
            yield repo, remote
    except Exception as error:
        # What DVC, a client or the system raises is no mistake of this code; a TypeError is.
        is_builtin = type(error).__module__ == "builtins"
        if isinstance(error, UserError) or (
            is_builtin and not isinstance(error, (OSError, ImportError))
        ):
            raise
        raise UserError(f"remote {name}: {reason(error)}; {AGAIN}") from None


def main(command: str, name: str | None) -> None:
    """Run `push`, `pull` or `audit` against a remote, the default one for None.

    Raises:
        UserError: the remote or the clone cannot be used, or what the command says.
    """
    with opened(name, command) as (repo, remote):
        probe.check(remote, writing=command == "push")
        with probe.watched(remote):
            getattr(Share(repo, remote), command)()
