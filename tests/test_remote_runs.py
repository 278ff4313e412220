"""The promise of the remote cache, on the real pipeline: what was run once is not run again."""

from __future__ import annotations

from pathlib import Path

from s3 import BUCKET, serving
from small import Clone
from tiny import Tiny, files

RUNNING = "Running stage"
TRIED = ["train-lstm", "evaluate@lstm", "plot@lstm"]


def results(folder: Path) -> dict[str, bytes]:
    """All that the pipeline has written, in DVC's keeping and in git's."""
    return {
        f"{name}/{path}": body
        for name in ("data", "models", "metrics", "plots")
        for path, body in files(folder / name).items()
    }


def test_neither_a_fresh_clone_nor_parameters_that_were_tried_run_a_stage(
    clone: Clone, tmp_path: Path
) -> None:
    here = Tiny(clone.folder)
    with serving(tmp_path / "s3") as server:
        committed = results(clone.folder)
        try:
            here.use(server)
            clone.set("models.lstm.units", 11)  # no other test tries that
            assert clone.repro() == TRIED
            here.share("push")
            parameters = (clone.folder / "params.yaml").read_bytes()
            tried = results(clone.folder)
        finally:
            (clone.folder / ".dvc/config.local").unlink()
            clone.run("git", "checkout", "-q", ".")
            assert clone.repro() == []

        fresh = here.clone(tmp_path / "fresh")
        fresh.use(server)
        fresh.run("dvc", "pull", "--run-cache")
        assert results(fresh.folder) == committed
        assert RUNNING not in fresh.run("dvc", "repro")
        assert "are up to date" in fresh.run("python", "-m", "harness", "repro")

        store = files(server.store / BUCKET / "cache/files/md5")
        before = files(fresh.folder / ".dvc/cache/files/md5")
        assert before.keys() < store.keys()
        (fresh.folder / "params.yaml").write_bytes(parameters)
        told = fresh.share("pull")
        assert [name for name in TRIED if f"{name}: a run on the same inputs" in told] == TRIED
        after = files(fresh.folder / ".dvc/cache/files/md5")
        moved = sum(len(body) for name, body in after.items() if name not in before)
        assert f"{len(after) - len(before)} objects fetched, {moved:,} bytes" in told
        output = fresh.run("python", "-m", "harness", "repro", "--jobs", "2")
        assert RUNNING not in output
        assert output.count("is cached - skipping run") == 3
        assert results(fresh.folder) == tried
