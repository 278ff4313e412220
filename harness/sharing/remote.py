"""Share the cache: `push`, `pull`, `check` or `audit`.

What `dvc push --run-cache` and `dvc pull --run-cache` do, and what they leave out: the remote is
asked first, damaged objects are sent anew, and the metrics and plots of a run travel with it, so
that whoever comes to the same code, parameters and data need not run anything.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Container, Iterable

from dvc.config import ConfigError
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.logger import setup
from dvc.repo import Repo

from harness.core.errors import UserError, reason
from harness.sharing import objects, preflight, runcache, s3_client
from harness.sharing.preflight import AGAIN


class Failures(logging.Handler):
    """What libraries log of failed transfers, object after object with tracebacks: the last one."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and isinstance(record.exc_info[1], Exception):
            self.last = reason(record.exc_info[1])

    def listen(self) -> None:
        """Take the place of every other handler of theirs."""
        for name in ("dvc_data", "dvc_objects", "asyncio"):
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [self], False


class Share:
    """A clone and one of its remotes."""

    def __init__(self, repo: Repo) -> None:
        """The remote is the default one of `repo`."""
        self.repo = repo
        self.failures = Failures()
        name = repo.config["core"].get("remote")
        known = {key: entry for key, entry in repo.config["remote"].items() if "url" in entry}
        if name not in known:
            raise UserError(f"there is no remote {name}; there are {', '.join(known)}")
        try:
            self.remote = repo.cloud.get_remote(name)
        except ImportError:
            scheme = known[name]["url"].partition(":")[0]
            raise UserError(
                f"remote {name}: {scheme} needs its client; "
                f"`.venv/bin/python -m pip install 'dvc[{scheme}]'` installs it"
            ) from None
        if self.remote.fs.protocol == "s3":
            s3_client.bound()
        self.failures.listen()
        self.odb = self.remote.odb
        self.where = preflight.where(self.remote)

    def push(self) -> None:
        """Bring all that this clone knows to the remote, and mend what is damaged there.

        Raises:
            UserError: not all could be sent.
        """
        here, there = objects.of_clone(), objects.of_remote(self.odb)
        nowhere = self._nowhere(there)
        if nowhere:
            print(
                f"warning: {len(nowhere)} objects that dvc.lock records are neither here nor in "
                f"{self.where}; `make repro` makes them, or `make push` where they are",
                file=sys.stderr,
            )
        mended, _ = self._mend(objects.suspects(self.odb, there, here), here)
        new = [md5 for md5 in here if md5 not in there]
        spoiled = sorted({here[md5] for md5 in new if not objects.is_whole(md5)})
        if spoiled:
            raise UserError(
                f"damaged in the cache of this clone, so nothing was sent: {', '.join(spoiled)}; "
                "`make audit` says what to delete"
            )
        self._send(new)
        runs = self.repo.stage_cache.push(self.remote.name)
        if self.failures.last:  # DVC counts runs that failed, too
            raise UserError(f"{self.where} did not take all runs: {self.failures.last}; {AGAIN}")
        # What else DVC may track, such as files added by hand.
        rest = self.repo.push(remote=self.remote.name)
        print(
            f"{self.where}: {len(new) + rest} objects sent, {objects.size(new):,} bytes; "
            f"{mended} mended, {len(here) - len(new) - mended} were there; {len(runs)} runs"
        )

    def pull(self) -> None:
        """Bring what the work tree needs from the remote, and the outputs of runs that fit it.

        Raises:
            UserError: something is missing or damaged in the remote.
        """
        before = set(objects.of_clone())
        there = objects.of_remote(self.odb)
        try:
            self.repo.pull(remote=self.remote.name, run_cache=True)
        except DvcException as error:
            raise self._incomplete(set(there), error) from None

        def copy(md5s: Iterable[str]) -> None:
            objects.copy(self.odb, self.repo.cache.local, there.keys() & md5s, verify=True)

        ready, lacking = runcache.fetch(self.repo, copy)
        for stage in ready:
            print(f"{stage}: a run on the same inputs is known; `make repro` takes what it wrote")
        for stage in lacking:
            print(f"{stage}: a run on the same inputs is known, but the remote lacks what it wrote")
        new = set(objects.of_clone()) - before
        print(f"{self.where}: {len(new)} objects fetched, {objects.size(new):,} bytes")

    def audit(self) -> None:
        """Read every object of the remote to its end, and mend those that this clone has whole.

        Raises:
            UserError: some are damaged, and this clone cannot mend them.
        """
        there = objects.of_remote(self.odb)
        mended, left = self._mend(there, objects.of_clone())
        print(f"{len(there)} objects in {self.where}, {mended + left} damaged, {mended} mended")
        if left:
            raise UserError("`make audit REMOTE=...` in a clone that has the others mends them")

    def check(self) -> None:
        """Say that the remote lets us in, which is asked before any command."""
        print(f"{self.where} answers")

    def _mend(self, suspected: Iterable[str], names: dict[str, str]) -> tuple[int, int]:
        """Send damaged objects anew; how many were sent, and how many are not whole here."""
        damaged = objects.damaged(self.odb, suspected)
        whole = [md5 for md5 in damaged if objects.is_whole(md5)]
        for md5 in damaged:
            outcome = "sent anew" if md5 in whole else "not whole here, so not mended"
            used = names.get(md5, "of another run")
            print(f"{self._address(md5)}: DAMAGED ({used}), {outcome}", flush=True)
        for md5 in whole:
            self.remote.fs.remove(self.odb.oid_to_path(md5))
        self._send(whole)
        return len(whole), len(damaged) - len(whole)

    def _address(self, md5: str) -> str:
        return str(self.remote.fs.unstrip_protocol(self.odb.oid_to_path(md5)))

    def _send(self, md5s: Iterable[str]) -> None:
        failed = objects.copy(self.repo.cache.local, self.odb, md5s, verify=False)
        if failed:
            raise UserError(
                f"{self.where} did not take {len(failed)} objects: {self.failures.last}; {AGAIN}"
            )

    def _recorded(self) -> dict[str, str]:
        """The objects that `dvc.lock` records, as far as the cache has the lists of them."""
        names: dict[str, str] = {}
        for out in self.repo.index.outs:
            if out.use_cache and out.hash_info:
                names |= objects.listed(str(out.hash_info.value), out.def_path)
        return names

    def _nowhere(self, there: Container[str]) -> dict[str, str]:
        """Those of them that neither this clone nor the remote has."""
        return {
            md5: name
            for md5, name in self._recorded().items()
            if md5 not in there and not objects.path(md5).exists()
        }

    def _incomplete(self, there: set[str], error: DvcException) -> UserError:
        """Say what is missing or damaged in the remote."""
        # DVC brings the list of a folder's files after the files, so not now.
        lists = {md5 for md5 in self._recorded() if md5.endswith(".dir")}
        objects.copy(self.odb, self.repo.cache.local, there & lists, verify=True)
        names = self._recorded()
        lines = [
            f"{self._address(md5)}: DAMAGED ({names[md5]})"
            for md5 in objects.damaged(self.odb, there & names.keys())
        ]
        lines += [
            f"{self._address(md5)}: MISSING ({name})" for md5, name in self._nowhere(there).items()
        ]
        if not lines:
            said = str(error).splitlines()[0]
            return UserError(f"{self.where}: {said}: {self.failures.last}; {AGAIN}")
        return UserError(
            "\n".join(lines) + f"\nnot all that dvc.lock records is whole in {self.where}; "
            "`make push` in a clone that has it mends that, `make repro` makes it anew"
        )


def main(command: str, remote: str | None) -> None:
    """Run `push`, `pull`, `check` or `audit` against a remote, the default one for None.

    Raises:
        UserError: the remote cannot be used, or what the command says.
    """
    setup()
    try:
        # DVC hashes what it fetches from a remote only if told to.
        with Repo(remote=remote or None, remote_config={"verify": True}) as repo:
            share = Share(repo)
            preflight.check(share.remote, writing=command in ("push", "check"))
            with preflight.kept(share.remote):
                getattr(share, command)()
    except (DvcException, ConfigError, LockError) as error:
        raise UserError(f"{str(error).splitlines()[0]}; {AGAIN}") from None
