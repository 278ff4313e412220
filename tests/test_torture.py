"""A short torture; `make torture` is the long one."""

from small import nothing_run, outputs
from torture import Torture


def test_killed_again_and_again_the_small_pipeline_ends_with_the_same_bytes(clone, tmp_path):
    torture = Torture(tmp_path, nothing_run(clone.folder, tmp_path / "fresh"), seed=4, jobs=2)
    torture.expected = outputs(clone.folder)
    torture.round(5)
    print(torture.tally.report())
    assert torture.tally.rounds == 1
    assert sum(torture.tally.kills.values()) >= 3
    assert not torture.tally.mismatches
    assert not torture.tally.stuck
