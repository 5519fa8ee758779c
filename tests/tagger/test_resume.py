"""A training that was stopped goes on as if it had not been."""

import io
import random
from functools import cache
from hashlib import sha256

import numpy as np
import pytest
import torch

from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence
from structkd.ground.records import Restarted, Resumed, Updated
from structkd.pipeline.execution.progress import describe
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.resume import MAGIC, Resume, ResumeError, random_state, set_random_state
from structkd.teachers.train import train_teacher
from tests.small import small_encoders

LABELS = LabelSet(("O", "S-LOC"))
SENTENCES = [Sentence(("in", word) + ("x",) * n, ("O", "S-LOC") + ("O",) * n) for n, word in enumerate("abcdefg")]
CORPUS = Corpus("en", "train", tuple(SENTENCES))
UNSTEADY = TaggerConfig(encoders=small_encoders(dropout=0.3), hidden=4, dropout=0.4)


def teach(resume=None, *, stop=None, records=None, patience=2):
    """Twelve updates of two or three an epoch, scored every third; `stop` raises in the midst of that update."""

    def log(record):
        if records is not None:
            records.append(record)
        if record == Updated(stop, 12):
            raise KeyboardInterrupt

    training = TrainingConfig(updates=12, batch_tokens=16, learning_rate=0.1, evaluate_every=3, patience=patience)
    dev = EvaluationSet(CORPUS, "spans", "BIOES")
    tagger, result = train_teacher(
        CORPUS, dev, LABELS, tagger=UNSTEADY, training=training, seed=1, log=log, resume=resume
    )
    return tagger.weights(), (result.best_dev, result.best_update, result.updates)


@cache
def plain(patience=2):
    return teach(patience=patience)


def same(first, second):
    return first[1] == second[1] and all(torch.equal(first[0][name], second[0][name]) for name in first[0])


@pytest.mark.parametrize("patience", [2, 9])
@pytest.mark.parametrize("stop", range(1, 13))
def test_a_training_that_is_stopped_anywhere_ends_with_the_same_weights(tmp_path, stop, patience):
    last = plain(patience)[1][2]
    state = tmp_path / "training.state"
    with pytest.raises(KeyboardInterrupt):
        teach(Resume(state, "same", 0.0), stop=min(stop, last), patience=patience)
    records = []
    assert same(teach(Resume(state, "same", 0.0), records=records, patience=patience), plain(patience))
    if stop > 1:
        assert isinstance(records[0], Resumed)
        assert records[1].update == records[0].update + 1 == min(stop, last)


def test_saving_changes_nothing_and_a_short_run_saves_nothing(tmp_path):
    assert same(teach(Resume(tmp_path / "often", "same", 0.0)), plain())
    assert same(teach(Resume(tmp_path / "seldom", "same", 3600.0)), plain())
    assert [path.name for path in tmp_path.iterdir()] == ["often"]


def stopped(path):
    with pytest.raises(KeyboardInterrupt):
        teach(Resume(path, "same", 0.0), stop=8)


def test_a_state_of_other_inputs_is_named_and_not_used(tmp_path):
    stopped(tmp_path / "state")
    records = []
    assert same(teach(Resume(tmp_path / "state", "other", 3600.0), records=records), plain())
    assert isinstance(records[0], Restarted)
    assert f"{tmp_path / 'state'}: of other inputs, found same" in records[0].reason


@pytest.mark.parametrize("damage", ["shorter", "empty", "flipped"])
def test_a_damaged_state_is_named_and_not_used(tmp_path, damage):
    path = tmp_path / "state"
    stopped(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"shorter": content[:-1], "empty": b"", "flipped": content}[damage])
    records = []
    assert same(teach(Resume(path, "same", 3600.0), records=records), plain())
    assert f"{path}: damaged" in records[0].reason


MISFITS = {
    "no progress": lambda state: state.pop("progress"),
    "progress of text": lambda state: state.update(progress="none"),
    "progress without an update": lambda state: state["progress"].update(update=None),
    "a curve of text": lambda state: state["progress"].update(curve=["a"]),
    "no weights": lambda state: state.update(weights={}),
    "weights that are numbers": lambda state: state.update(weights=dict.fromkeys(state["weights"], 1.0)),
    "weights of other sizes": lambda state: state["weights"].update(start=torch.zeros(9)),
    "best weights of other sizes": lambda state: state["best"].update(start=torch.zeros(9)),
    "an optimiser of nothing": lambda state: state.update(optimizer={}),
    "an optimiser of other groups": lambda state: state["optimizer"].update(param_groups=[]),
    "no random numbers": lambda state: state.update(random=[]),
    "random numbers of text": lambda state: state["random"][0].update(torch="seed"),
    "random numbers of other sizes": lambda state: state["random"][0].update(
        numpy=["MT19937", torch.zeros(3), 1, 0, 0.0]
    ),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_state_with_another_content_under_a_digest_that_fits_is_an_error_that_names_the_file(tmp_path, misfit):
    path = tmp_path / "state"
    stopped(path)
    resume = Resume(path, "same", 0.0)
    state, _ = resume.load()
    MISFITS[misfit](state)
    resume.save(state)
    with pytest.raises(ResumeError, match=f"{path}: not a state of this training .*delete the file to start again"):
        teach(Resume(path, "same", 0.0))


@pytest.mark.parametrize("content", [None, [], {"identity": 1}, {"identity": "same", "codes": [], "state": []}])
def test_what_is_no_state_at_all_is_named_and_not_used(tmp_path, content):
    path, file = tmp_path / "state", io.BytesIO()
    torch.save(content, file)
    path.write_bytes(MAGIC + sha256(file.getbuffer()).digest() + file.getvalue())
    records = []
    assert same(teach(Resume(path, "same", 3600.0), records=records), plain())
    assert f"{path}: holds no state of a training" in records[0].reason


def test_a_state_of_more_processes_goes_on_and_says_so(tmp_path):
    path, drawn = tmp_path / "state", []
    for _ in range(2):
        stopped(path)
        resume, records = Resume(path, "same", 0.0), []
        state, _ = resume.load()
        state["random"] *= 3
        resume.save(state)
        teach(Resume(path, "same", 3600.0), records=records)
        drawn.append(torch.rand(3).tolist())
        path.unlink()
        assert records[0] == Resumed(7, earlier_ranks=3)
        assert describe(records[0]) == (
            "goes on after update 7; before, there were 3 processes: dropout draws other numbers"
        )
    teach()
    assert drawn[0] == drawn[1] != torch.rand(3).tolist()


def test_what_a_killed_save_left_is_cleared_and_the_state_can_be_deleted(tmp_path):
    resume = Resume(tmp_path / "state", "same", 0.0)
    resume.save({"a": torch.arange(3)})
    (tmp_path / ".state.0.tmp").write_bytes(b"half")
    state, fault = resume.load()
    assert fault == ""
    assert torch.equal(state["a"], torch.arange(3))
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    resume.delete()
    resume.delete()
    assert list(tmp_path.iterdir()) == []


def test_all_global_generators_go_back():
    def draw():
        return torch.rand(3).tolist(), np.random.normal(size=3).tolist(), random.random(), np.random.rand()

    np.random.normal()  # leaves half of a pair behind
    state = random_state()
    first = draw()
    set_random_state(state)
    assert draw() == first


def test_other_code_goes_on_and_is_remembered(tmp_path):
    """The identity has the results versions; code that differs is told, with all that came before it."""
    state = tmp_path / "training.state"
    for code, stop in (("old", 4), ("newer", 8)):
        with pytest.raises(KeyboardInterrupt):
            teach(Resume(state, "same", 0.0, code), stop=stop)
    records, resume = [], Resume(state, "same", 0.0, "newest")
    assert same(teach(resume, records=records), plain())
    assert records[0] == Resumed(7, earlier_code=("old", "newer"))
    assert resume.earlier == ("old", "newer")
    assert Resume(state, "same", 0.0, "old").load()[0] is not None
