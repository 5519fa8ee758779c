"""A training on the GPU learns, and one that was killed goes on to the same bits; its dropout is part of its state."""

from functools import cache

import pytest
import torch

from structkd.ground.records import Updated
from structkd.tagger.config import TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.resume import Resume
from structkd.teachers.train import train_teacher
from tests.cuda.places import needs_cuda
from tests.tagger.test_resume import CORPUS, LABELS, UNSTEADY, same

pytestmark = needs_cuda


def teach(resume=None, stop=None, updates=12):
    def log(record):
        if record == Updated(stop, updates):
            raise KeyboardInterrupt

    training = TrainingConfig(updates=updates, batch_tokens=16, learning_rate=0.1, evaluate_every=3, patience=9)
    tagger, result = train_teacher(
        CORPUS,
        EvaluationSet(CORPUS, "spans", "BIOES"),
        LABELS,
        tagger=UNSTEADY,
        training=training,
        seed=1,
        log=log,
        device="cuda",
        resume=resume,
    )
    return tagger.weights(), (result.best_dev, result.best_update, result.updates)


@cache
def plain():
    return teach()


def test_it_learns_where_it_was_put():
    weights, (best, *_) = teach(updates=60)
    assert {weight.device.type for weight in weights.values()} == {"cuda"}
    assert best > 90


def test_it_repeats_itself_to_the_bit():
    assert same(teach(), plain())


@pytest.mark.parametrize("stop", [1, 5, 8, 12])
def test_a_training_that_is_stopped_ends_with_the_same_weights(tmp_path, stop):
    state = tmp_path / "training.state"
    with pytest.raises(KeyboardInterrupt):
        teach(Resume(state, "same", 0.0), stop)
    assert same(teach(Resume(state, "same", 0.0)), plain())


def test_a_state_holds_nothing_of_the_gpu_but_numbers(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        teach(Resume(tmp_path / "state", "same", 0.0), 5)
    state, fault = Resume(tmp_path / "state", "same", 0.0).load(world=1)
    assert fault == ""
    assert {weight.device for weight in state["weights"].values()} == {torch.device("cpu")}
