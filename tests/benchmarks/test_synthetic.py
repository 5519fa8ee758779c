"""Synthetic artifact sets are whole and of their size, and the benchmarks that read them count every word."""

import pytest

from benchmarks.memory import run
from benchmarks.processes import apart
from benchmarks.reader import batch_sizes, update_times
from benchmarks.synthetic import write_synthetic
from structkd.artifacts.reader import ArtifactSet
from structkd.tagger.config import TaggerConfig, TrainingConfig


@pytest.mark.slow
def test_a_synthetic_set_is_whole_and_every_word_of_it_is_read(tmp_path):
    words = write_synthetic(tmp_path, 100_000)
    one = ArtifactSet.open(tmp_path)
    assert 100_000 <= words == one.tokens < 200_000
    assert set(one.manifest.languages) == {"en", "de"}
    assert sum(batch_sizes([one], "posterior+top-wk", TrainingConfig())) == words
    times = update_times(tmp_path, "exact", TaggerConfig(hidden=4), TrainingConfig(updates=3))
    assert 0 < times[0] < times[1] < times[2]
    found = apart(run, tmp_path)
    assert found.words == words
    assert found.updates > 100
    assert 0 < found.before < found.peak


@pytest.mark.slow
def test_a_larger_set_begins_as_a_smaller_one(tmp_path):
    for name, tokens in {"small": 1, "large": 100_000}.items():
        write_synthetic(tmp_path / name, tokens)
    small, large = (ArtifactSet.open(tmp_path / name).table() for name in ("small", "large"))
    assert large.slice(0, len(small)).to_pylist() == small.to_pylist()
