"""A student of another code sees what that code keeps, and nothing else changes."""

import numpy as np
import pytest
import torch

from benchmarks.codes import CANDIDATES, Recoded
from benchmarks.synthetic import write_synthetic
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.stream import StreamConfig, stream_epoch
from structkd.student.signals import ShardSignals


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """Signals of shards, and a batch of their rows."""
    folder = tmp_path_factory.mktemp("codes") / "set"
    write_synthetic(folder, 1000, labels=5, k=2)
    one = ArtifactSet.open(folder)
    shards = ShardSignals("posterior", [one.header], 2, torch.device("cpu"))
    return shards, next(stream_epoch([one], ("gold", *shards.columns), StreamConfig(300, 1), 0))


@pytest.mark.parametrize("code", CANDIDATES)
def test_only_the_posteriors_change_and_only_as_the_code_has_it(batch, code):
    shards, rows = batch
    source = Recoded(shards, CANDIDATES[code])
    assert source.columns == shards.columns
    before, after = (one.signals(DecodedRows(rows)) for one in (shards, source))
    mask = DecodedRows(rows).mask
    expected = CANDIDATES[code].kept(before.log_posteriors.numpy()[mask])
    assert np.array_equal(after.log_posteriors.numpy()[mask], expected)
    assert torch.equal(after.gold, before.gold)
    assert torch.equal(after.has_gold, before.has_gold)
    same = torch.equal(after.log_posteriors, before.log_posteriors)
    assert same == (code in ("float16", "float32"))  # the shards have float16
