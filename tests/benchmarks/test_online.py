"""Both kinds of distillation get the same answers from the same teachers, and train the same student."""

import pytest
import torch
from torch.testing import assert_close

from benchmarks.online import LANGUAGES, SYSTEM, AskedTeachers, stage_one, train, updates_of
from benchmarks.processes import apart
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.stream import StreamConfig, stream_epoch
from structkd.student.signals import ShardSignals
from structkd.tagger.checkpoint import load_tagger


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("online")
    stage_one(found, 20)
    return found


def test_teachers_that_are_asked_say_what_their_shards_say(folder):
    teachers = [load_tagger(folder / language / "teacher") for language in LANGUAGES]
    sets = [ArtifactSet.open(folder / language / "set") for language in LANGUAGES]
    shards = ShardSignals(SYSTEM, [one.header for one in sets], 10, torch.device("cpu"))
    for rows in stream_epoch(sets, ("gold", *shards.columns), StreamConfig(200, 1), 0):
        read = shards.signals(DecodedRows(rows))
        asked = AskedTeachers(teachers, 10).signals(DecodedRows(rows.select(["tokens", "gold", "set"])))
        assert_close(asked.log_posteriors, read.log_posteriors, atol=5e-3, rtol=1e-3)  # float16
        assert_close(asked.weights, read.weights, atol=1e-4, rtol=1e-3)
        assert (asked.counts == read.counts).all()
        assert (asked.gold == read.gold).all()
        assert (asked.paths[:, 0] == read.paths[:, 0]).all()


def test_both_train_the_same_student(folder, monkeypatch):
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)  # of this process, which has other tests to do
    updates = updates_of(folder, 2)
    shards = train(folder, online=False, updates=updates, hidden=4)
    online = apart(train, folder, online=True, updates=updates, hidden=4)
    assert shards.updates == online.updates == updates > 2
    assert shards.loss == pytest.approx(online.loss, rel=1e-3)
    assert 0 < online.before < online.peak
