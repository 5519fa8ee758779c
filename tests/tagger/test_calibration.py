"""The temperature of a tagger: what it is fitted to, and how it is kept."""

import json
import math
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.corpora.sentences import Sentence
from structkd.ground.sealed import seal, write_sealed
from structkd.runtime.chain import Chain
from structkd.runtime.tagging import WINDOW, TextTagger
from structkd.tagger.calibration import FILE, read_temperature, write_temperature
from structkd.tagger.checkpoint import load_tagger
from structkd.tagger.description import CheckpointError
from structkd.tagger.reliability import Claims, claims
from structkd.tagger.temperature import CalibrationError, FixedScorer, fit_temperature, held_out, windows
from structkd.tagger.texts import load_text_tagger
from tests.examples import examples
from tests.pipeline.untrained import save_untrained
from tests.runtime.test_tagging import Drawn, labels_of


class Scaled(Drawn):
    """A scorer whose scores are multiplied by a factor."""

    def __init__(self, factor, scheme="BIOES"):
        super().__init__(labels_of("BIOES") if scheme else ("NOUN", "VERB", "X"), scheme)
        chain = self.chain
        self.chain = Chain(factor * chain.transitions, factor * chain.start, factor * chain.end)
        self._table = self._table * np.float32(factor)


def drawn_gold(scorer, count=400):
    """Sentences with labels that are drawn from the distribution of a scorer, so that it is calibrated."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        words = [f"w{n}" for n in rng.integers(0, 60, rng.integers(1, 4))]
        chain = scorer.chain.on(scorer.emissions([words]), np.array([len(words)]))
        paths = chain.kbest(0, len(scorer.labels) ** len(words))
        chances = np.exp([path.log_prob for path in paths])
        path = paths[rng.choice(len(paths), p=chances / chances.sum())]
        found.append(Sentence(tuple(words), tuple(scorer.labels[label] for label in path.labels)))
    return found


@pytest.mark.parametrize("scheme", ["BIOES", None])
def test_the_temperature_takes_back_what_scales_the_scores(scheme):
    gold = drawn_gold(Scaled(1.0, scheme))
    fitted = {factor: fit_temperature(FixedScorer(Scaled(factor, scheme), gold), gold) for factor in (1.0, 3.0)}
    assert fitted[1.0] == pytest.approx(1, rel=0.15)  # the labels are drawn from it
    assert fitted[3.0] == pytest.approx(3 * fitted[1.0], rel=0.02)


def test_calibration_makes_a_sure_tagger_reliable_on_other_text():
    gold = drawn_gold(Scaled(1.0))
    scorer = FixedScorer(Scaled(3.0), gold)
    before, after = held_out(scorer, (gold[:200], gold[200:]))
    assert len(before) == len(after)
    assert after.calibration_error < before.calibration_error / 2
    assert after.log_loss < before.log_loss


@given(st.floats(0.1, 10))
@examples(8)
def test_labels_and_entities_stay(temperature):
    sentences = [Sentence((f"w{n}", "x", f"w{n + 1}")) for n in range(30)]
    scorer = FixedScorer(Scaled(1.0), sentences)
    one, other = (TextTagger(scorer.at(t)).tag_sentences([s.tokens for s in sentences]) for t in (1.0, temperature))
    assert [tagged.labels for tagged in one] == [tagged.labels for tagged in other]
    for a, b in zip(one, other, strict=True):
        assert [(e.type, e.first, e.last) for e in a.entities] == [(e.type, e.first, e.last) for e in b.entities]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
@examples(40)
def test_errors_are_those_of_their_definitions(pairs):
    found = Claims(np.array([p for p, _ in pairs]), np.array([right for _, right in pairs]))
    bins = {}
    for p, right in pairs:
        bins.setdefault(min(9, int(p * 10)), []).append((p, right))
    error = sum(abs(sum(right for _, right in one) - sum(p for p, _ in one)) for one in bins.values()) / len(pairs)
    assert found.calibration_error == pytest.approx(error)
    loss = sum(-math.log(max(1e-12, p if right else 1 - p)) for p, right in pairs) / len(pairs)
    assert found.log_loss == pytest.approx(loss)
    assert sum(map(len, found.bins)) == len(pairs)


def test_long_sentences_are_cut_as_the_tagger_cuts_them():
    words = tuple(f"w{n % 50}" for n in range(2 * WINDOW + 3))
    pieces = windows([Sentence(words, ("O",) * len(words)), Sentence(("a",))])
    assert [len(piece) for piece in pieces] == [WINDOW, WINDOW, 3, 1]
    assert pieces[3].labels is None
    assert len(claims(FixedScorer(Scaled(1.0), pieces), pieces[:3])) > 0


def test_text_without_errors_leaves_the_temperature_and_errors_alone_are_refused():
    scorer = Scaled(1.0)
    words = [tuple(f"w{n}" for n in range(50))]
    labels = [one.labels for one in TextTagger(scorer).tag_sentences(words)]
    gold = [Sentence(*pair) for pair in zip(words, labels, strict=True)]
    assert fit_temperature(FixedScorer(scorer, gold), gold) == 1.0
    wrong = [Sentence(one, ("O",) * len(one)) for one in words]
    with pytest.raises(CalibrationError, match="expected some that are right; give more text"):
        fit_temperature(FixedScorer(scorer, wrong), wrong)


@pytest.fixture
def folder(tmp_path):
    """A calibrated tagger."""
    save_untrained(tmp_path / "tagger")
    write_temperature(tmp_path / "tagger", 2.0, {"files": ["dev.conll"]})
    return tmp_path / "tagger"


def test_it_is_kept_with_the_tagger(folder):
    calibrated = load_text_tagger(folder)
    assert calibrated.scorer.chain.temperature == 2.0
    (folder / FILE).unlink()
    plain = load_text_tagger(folder)
    assert plain.scorer.chain.temperature == 1.0
    one, other = (tagger.tag(["Oslo is far"])[0] for tagger in (calibrated, plain))
    assert one.labels == other.labels
    assert one.probabilities != other.probabilities


def test_that_of_another_tagger_is_refused(folder, tmp_path):
    save_untrained(tmp_path / "other", ("O", "S-PER"))
    shutil.copy(folder / FILE, tmp_path / "other")
    with pytest.raises(CheckpointError, match=r"calibration\.json: is of the tagger .*; calibrate the tagger again"):
        load_text_tagger(tmp_path / "other")
    load_tagger(tmp_path / "other")  # a teacher's scores do not depend on it


def test_a_new_tagger_in_the_folder_is_not_calibrated(folder):
    save_untrained(folder, ("O", "S-PER"))
    assert load_text_tagger(folder).scorer.chain.temperature == 1.0


@pytest.mark.parametrize("temperature", [0, -1, "x", None, 1e400])
def test_a_damaged_file_is_an_error(folder, temperature):
    path = folder / FILE
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content | {"temperature": temperature}), "utf-8")
    with pytest.raises(CheckpointError, match=r"calibration\.json: .*calibrate the tagger again"):
        read_temperature(folder)
    if temperature != 1e400:  # which no digest is made of
        del content["digest"]
        write_sealed(path, content | {"temperature": temperature})
        with pytest.raises(
            CheckpointError, match=r"calibration\.json: found temperature: .*calibrate the tagger again"
        ):
            read_temperature(folder)
    assert seal({})
