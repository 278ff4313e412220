"""Seconds of one core that each training takes: `python -m bench.trainings [MODEL...]`.

Writes `bench/trainings.json`, from which README's tables are made: by model the processor seconds
from prepared data to saved model, start included. They are those of the last commit, each stage run
alone in a clone, and depend little on what else the machine does.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import cost, python
from bench.run import machine
from harness import git
from harness.checking.verify import remove
from harness.clone import clone
from harness.core.files import read_json, write_json
from harness.dvc_private import cache_folder
from harness.stages import dvc_file, lock_file
from harness.stages.hashing import digest
from unroll.core import paths
from unroll.reporting import trained

RESULTS = Path("bench/trainings.json")


def main(models: list[str]) -> None:
    """Measure these models, by default all; what the file says of others stays."""
    stages = {
        Path(out).name: stage
        for stage in dvc_file.stages().values()
        for out in stage.outs
        if out == paths.model(Path(out).name).as_posix()
    }
    corpora = trained.corpora()
    with TemporaryDirectory() as folder:
        root = clone(Path(folder) / "clone", git.head(), cache_folder())
        prepared = [paths.prepared(corpora[name]).as_posix() for name in models or stages]
        subprocess.run(python("-m", "dvc", "checkout", "--quiet", *prepared), cwd=root, check=True)
        for name in models or stages:
            for out in stages[name].outs:
                remove(root / out)
            command = python("-m", "harness.stages", stages[name].name, corpora[name])
            found = cost(command, root)
            spent = f"{found.cpu:.0f} s of processor time, {found.seconds:.0f} s"
            made = lock_file.outputs(root)[stages[name].name]
            same = all(digest(root / out) == made[out] for out in stages[name].outs)
            print(f"{name}: {spent}, {'the same' if same else 'OTHER'} bytes", flush=True)
            results = read_json(RESULTS) if RESULTS.exists() else {}
            results[name] = {"seconds": round(found.cpu), "machine": machine()}
            write_json(RESULTS, dict(sorted(results.items())))
            shutil.rmtree(root / "scratch", ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
