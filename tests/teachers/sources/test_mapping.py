"""A teacher's labels become the task's by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.corpora.labels import LabelSet
from structkd.teachers.sources.base import LOG_ZERO
from structkd.teachers.sources.config import LabelConfig, SourceError
from structkd.teachers.sources.mapping import LabelMapping
from tests.teachers.sources.examples import CORPUS, passage

TASK = LabelSet(("O", "B-person", "I-person"))
THEIRS = ("B-PER", "I-PER", "O", "B-MISC", "I-MISC")
WORDS = CORPUS.tokens


def random_distributions(size, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(size, 0.4), WORDS)


def mapping(names=THEIRS, labels=TASK, task="IOB2", **settings):
    return LabelMapping(names, labels, task, LabelConfig(**settings), "bert")


def by_name(log_probs, labels):
    return dict(zip(labels.names, np.exp(log_probs).T, strict=True))


@given(st.permutations(THEIRS), st.permutations(["O", "B-person", "I-person", "B-MISC", "I-MISC"]))
def test_the_order_of_labels_does_not_matter(names, labels):
    given, labels = random_distributions(5), LabelSet(tuple(labels))
    found = by_name(mapping(names, labels, rename={"PER": "person"})(given, passage()), labels)
    for name, mass in zip(names, given.T, strict=True):
        np.testing.assert_allclose(found[name.replace("PER", "person")], mass, rtol=1e-9)


def test_mass_on_labels_that_the_task_lacks_is_dropped_or_goes_outside():
    given = random_distributions(5)
    dropped = by_name(mapping(rename={"PER": "person"}, unmapped="renormalise")(given, passage()), TASK)
    outside = by_name(mapping(rename={"PER": "person"}, unmapped="outside")(given, passage()), TASK)
    kept = given[:, :3].sum(1)
    for name, mass in zip(("B-person", "I-person", "O"), given.T[:3], strict=True):
        np.testing.assert_allclose(dropped[name], mass / kept, rtol=1e-9)
        np.testing.assert_allclose(outside[name], mass + (name == "O") * (1 - kept), rtol=1e-9)


def test_a_label_that_the_teacher_never_gives_has_the_floor():
    labels = LabelSet((*TASK.names, "B-LOC"))
    found = mapping(("O", "B-person", "I-person"), labels, unmapped="renormalise")(random_distributions(3), passage())
    assert (found[:, 3] == LOG_ZERO).all()
    np.testing.assert_allclose(np.exp(found).sum(1), 1)
    assert np.isfinite(found.astype(np.float16)).all()


def test_two_types_may_become_one():
    names, labels = ("O", "I-LOC", "I-GPE"), LabelSet(("O", "B-place", "I-place"))
    given, rename = random_distributions(3), {"LOC": "place", "GPE": "place"}
    found = by_name(mapping(names, labels, scheme="IO", rename=rename)(given, passage()), labels)
    np.testing.assert_allclose(found["B-place"] + found["I-place"], given[:, 1:].sum(1))


def test_tags_are_mapped_whole():
    labels = LabelSet(("NOUN", "B-VERB"))
    given = random_distributions(3)
    found = by_name(
        mapping(("NN", "NNS", "B-VERB"), labels, None, rename={"NN": "NOUN", "NNS": "NOUN"})(given, passage()), labels
    )
    np.testing.assert_allclose(found["NOUN"], given[:, :2].sum(1))
    np.testing.assert_allclose(found["B-VERB"], given[:, 2])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"rename": {"PER": "person"}},
            "bert: gives B-MISC, I-MISC that the task lacks; teacher: B-PER, I-PER, O, B-MISC, I-MISC; "
            r"task: O, B-person, I-person \(of its training corpora\); `rename` what differs",
        ),
        ({"names": ("O", "B-person")}, "bert: never gives I-person of the task; teacher: O, B-person"),
        ({"names": ("B-X", "I-X")}, "bert: gives none of the task's labels; teacher: B-X, I-X; task: O, B-person"),
        ({"rename": {"LOC": "place"}}, "`rename` has LOC, but the teacher's types are PER, MISC"),
        ({"task": None, "rename": {"PER": "x"}}, "`rename` has PER, but the teacher's tags are B-PER, I-PER, O"),
        ({"names": ("O", "O")}, "bert: names a label twice: O, O; set `labels`"),
        ({"names": ("LABEL_0", "LABEL_1")}, "bert: IOB2 knows O, B-TYPE, I-TYPE, but there is LABEL_0, LABEL_1"),
        (
            {"task": None, "unmapped": "outside"},
            "unmapped is 'outside', which is for spans and a task with O; this one has tags: O, B-person",
        ),
        (
            {"labels": LabelSet(("B-PER", "I-PER")), "unmapped": "outside"},
            "this one has spans: B-PER, I-PER; set it to",
        ),
    ],
)
def test_labels_that_do_not_fit_are_an_error_that_shows_both(arguments, words):
    with pytest.raises(SourceError, match=words):
        mapping(**arguments)


def test_labels_of_a_known_type_that_no_training_corpus_has_are_renormalised():
    names, labels = ("O", "B-X", "I-X"), LabelSet(("O", "B-X", "E-X", "S-X"))
    whole = LabelSet((*labels.names, "I-X"))
    given = random_distributions(3)
    expected = by_name(mapping(names, whole, "BIOES")(given, passage()), whole)
    found = by_name(mapping(names, labels, "BIOES")(given, passage()), labels)
    for name in labels.names:
        np.testing.assert_allclose(found[name], expected[name] / (1 - expected["I-X"]))


def test_a_word_without_any_mass_left_is_named():
    given = random_distributions(5)
    given[6] = [0, 0, 0, 1, 0]
    with pytest.raises(
        SourceError, match=r"bert: en train: sentence 2, word 0 \('no'\): all probability .*\(B-MISC, I-MISC\)"
    ):
        mapping(rename={"PER": "person"}, unmapped="renormalise")(given, passage())
    found = mapping(rename={"PER": "person"}, unmapped="outside")(given, passage())
    assert found[6].tolist() == [0, LOG_ZERO, LOG_ZERO]
