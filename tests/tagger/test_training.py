"""The one training loop."""

import pytest
import torch

from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence
from structkd.ground.records import DevScored
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.model import Tagger
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.training import TrainingError, train
from structkd.tagger.vocabulary import Vocabulary
from structkd.teachers.train import train_teacher
from tests.small import small_encoders

LABELS = LabelSet(("O", "S-LOC"))
CORPUS = Corpus("en", "train", tuple(Sentence(("in", w), ("O", "S-LOC")) for w in "abcd") * 2)
SMALL = TaggerConfig(encoders=small_encoders(), hidden=4, dropout=0.0)


def teach(corpus=CORPUS, seed=1, log=lambda record: None, **training):
    settings = {"updates": 30, "batch_tokens": 8, "learning_rate": 0.05, "evaluate_every": 5} | training
    dev = EvaluationSet(CORPUS, "spans", "BIOES")
    return train_teacher(corpus, dev, LABELS, tagger=SMALL, training=TrainingConfig(**settings), seed=seed, log=log)


class OneSentence(list):
    words = 2


def three_batches(epoch, start):
    return [OneSentence(["a sentence"])] * 3


def loop(scores, *, loss=None, batches=three_batches, **training):
    """The loop over a tagger whose first start score counts its updates, with dev scores that are given."""
    tagger = Tagger(SMALL, Vocabulary.build({"a": 1}), LABELS)
    given = iter(scores)
    config = TrainingConfig(**({"updates": 10, "evaluate_every": 1, "learning_rate": 0.1} | training))
    default = lambda tagger, batch, done: -tagger.start[0]  # noqa: E731
    result = train(tagger, batches, loss or default, lambda tagger: float(next(given)), config, lambda record: None)
    return tagger, result


def test_a_tiny_corpus_is_learned():
    records = []
    _, result = teach(log=records.append)
    losses = [record.loss for record in records if isinstance(record, DevScored)]
    assert losses[-1] < losses[0]
    assert result.best_dev == 100


def test_gradients_of_several_batches_are_summed_up_for_an_update():
    def batches(epoch, start):
        return [OneSentence(["x"] * size) for size in (1, 3)][start:]

    seen = []

    def loss(tagger, batch, done):
        seen.append((len(batch), done))
        return (tagger.start[0] - len(batch)) ** 2  # its gradient at 0 is -2 times the batch's size

    tagger, result = loop([1, 2], batches=batches, loss=loss, updates=2, accumulate=2, learning_rate=1e-9)
    assert seen == [(1, 0.0), (3, 0.0), (1, 0.5), (3, 0.5)]
    assert (result.updates, result.words) == (2, 8)
    assert tagger.start.grad[0] == pytest.approx((1 * -2 + 3 * -6) / 4)


def test_the_weights_of_the_best_dev_score_are_kept():
    tagger, result = loop([1, 5, 2, 3], updates=4)
    assert (result.best_dev, result.best_update, result.updates) == (5, 2, 4)
    assert 0.1 < tagger.start[0] < 0.2  # after two of the four updates: 0.1, then 0.075


def test_patience_ends_the_training():
    _, result = loop([3, 2, 2, 2, 9], patience=3)
    assert result.updates == 4


def test_the_loss_learns_how_much_of_the_training_is_over():
    seen = []

    def loss(tagger, batch, done):
        seen.append(done)
        return -tagger.start[0]

    loop([1] * 4, loss=loss, updates=4)
    assert seen == [0.0, 0.25, 0.5, 0.75]


def test_a_loss_that_is_not_a_number_stops_the_training():
    with pytest.raises(TrainingError, match="update 1"):
        loop([1], loss=lambda tagger, batch, done: tagger.start[0] * float("nan"))


def test_scores_that_are_no_numbers_stop_the_training():
    """A chain refuses them; to whoever trains, they are a loss that is not a number, or weights that are none."""

    def broken(tagger, score):
        tagger.projection.weight.data.fill_(torch.nan)
        return score(tagger)

    chain_of = lambda tagger: tagger(TokenBatch.from_sentences([("a",)])).log_partition.sum()  # noqa: E731
    with pytest.raises(TrainingError, match="update 1: the loss is not a number; lower the learning rate"):
        loop([1], loss=lambda tagger, batch, done: broken(tagger, chain_of))
    tagger, config = Tagger(SMALL, Vocabulary.build({"a": 1}), LABELS), TrainingConfig(updates=2, evaluate_every=1)
    with pytest.raises(TrainingError, match=r"update 1: on dev, .*emissions.* is nan .*; lower the learning rate"):
        train(
            tagger,
            three_batches,
            lambda tagger, batch, done: tagger.start[0],
            lambda tagger: float(broken(tagger, chain_of)),
            config,
            lambda record: None,
        )


def test_an_epoch_without_batches_stops_the_training():
    with pytest.raises(TrainingError, match="epoch 0 has no batches"):
        loop([1], batches=lambda epoch, start: [])


def test_a_training_is_a_function_of_its_seed():
    first, again, other = (dict(teach(seed=seed)[0].named_parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
