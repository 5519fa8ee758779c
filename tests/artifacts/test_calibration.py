"""Calibration is what counting word by word gives."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.artifacts.annotations import Annotations
from structkd.artifacts.calibration import BINS, Calibration, calibrations, confidences
from structkd.artifacts.codec import encode
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.writer import ShardWriter
from tests.artifacts.examples import annotations, header, write_set
from tests.examples import examples

TEACHERS = ("en", "en fold 1 of 2")


def write(folder, seed, posteriors="float16", sharpness=1.0, labels=4):
    """Sentences by several teachers, seen, unseen and unknown, some without gold."""
    rng = np.random.default_rng(seed)
    about = header().model_copy(update={"posteriors": posteriors})
    lengths = rng.integers(1, 6, 40)
    given_ones = annotations(rng, lengths, labels=labels)
    probabilities = rng.dirichlet(np.full(labels, sharpness), given_ones.log_posteriors.shape[:2])
    with np.errstate(divide="ignore"):
        log_posteriors = np.log(probabilities).astype(np.float32)
    rows = encode(
        about.schema,
        sentence_ids=range(40),
        language="en",
        teacher=rng.choice(TEACHERS, 40).tolist(),
        seen=[(True, False, None)[place] for place in rng.integers(0, 3, 40)],
        tokens=[["w"] * n for n in lengths],
        gold=[rng.integers(0, labels, n) if rng.random() < 0.7 else None for n in lengths],
        annotations=Annotations(**vars(given_ones) | {"log_posteriors": log_posteriors}),
    )
    with ShardWriter(folder, about, shard_rows=15, row_group_rows=4) as writer:
        writer.write(rows)
    return ArtifactSet.open(folder)


def word_by_word(artifacts, labelled=True):
    """(probabilities, gold) of all words with or without labels, by teacher and seen; from Parquet's own values."""
    code = artifacts.header.posteriors
    words = defaultdict(list)
    for row in artifacts.table().to_pylist():
        if (row["gold"] is not None) != labelled:
            continue
        for stored, gold in zip(row["log_posteriors"], row["gold"] or row["tokens"], strict=True):
            if code == "log8":
                stored = [-math.inf if c == 255 else -((c / 31.75) ** 2) for c in stored]
            total = math.fsum(math.exp(x) for x in stored)
            words[row["teacher"], row["seen"]].append(([math.exp(x) / total for x in stored], gold))
    return words


def ece(words):
    """Naeini et al., AAAI 2015, by its definition."""
    error = 0.0
    for low in range(BINS):
        chosen = [(p, gold) for p, gold in words if low / BINS < max(p) <= (low + 1) / BINS]
        if chosen:
            right = sum(max(range(len(p)), key=p.__getitem__) == gold for p, gold in chosen)
            error += abs(right - sum(max(p) for p, _ in chosen)) / len(words)
    return error


def entropy_bins(words):
    """Words with an entropy below 0.01, from there to 0.1, to 0.5, to 1, and the rest."""
    found = [0] * 5
    for p, _ in words:
        found[sum(sum(-x * math.log(x) for x in p if x > 0) >= border for border in (0.01, 0.1, 0.5, 1))] += 1
    return found


@pytest.mark.parametrize("posteriors", ["float16", "float32", "log8"])
@examples(15)
@given(seed=st.integers(0, 2**32 - 1), sharpness=st.sampled_from([0.1, 1.0, 10.0]))
def test_it_is_what_counting_gives(tmp_path_factory, posteriors, seed, sharpness):
    artifacts = write(tmp_path_factory.mktemp("sets") / "set", seed, posteriors, sharpness)
    expected, found = word_by_word(artifacts), calibrations([artifacts])
    assert set(found) == set(expected)
    for key, words in expected.items():
        one = found[key]
        assert one.words == len(words)
        right = sum(max(range(len(p)), key=p.__getitem__) == gold for p, gold in words)
        assert one.accuracy == pytest.approx(right / len(words))
        entropy = sum(-x * math.log(x) for p, _ in words for x in p if x > 0)
        assert one.entropy == pytest.approx(entropy / len(words), rel=1e-5)
        assert one.bin_entropy.tolist() == entropy_bins(words)
        if all(p[gold] > 0 for p, gold in words):
            nll = sum(-math.log(p[gold]) for p, gold in words)
            assert one.nll == pytest.approx(nll / len(words), rel=1e-5)
        assert one.calibration_error == pytest.approx(ece(words), abs=1e-6)


def test_of_text_without_labels_it_is_known_how_sure_they_are(tmp_path):
    artifacts = write(tmp_path, 3)
    expected, found = word_by_word(artifacts, labelled=False), confidences([artifacts])
    assert set(found) == set(expected)
    for key, words in expected.items():
        assert found[key].words == len(words)
        assert found[key].entropy == pytest.approx(
            sum(-x * math.log(x) for p, _ in words for x in p) / len(words), rel=1e-5
        )
        assert found[key].bin_confidence.sum() == pytest.approx(sum(max(p) for p, _ in words))


def constant(confidence, right, words=100):
    """A set's sums by hand: as many words of one confidence, of which so many are right."""
    place = math.ceil(confidence * BINS) - 1
    bins = np.eye(BINS)[place]
    return Calibration(
        bin_words=bins.astype(int) * words,
        bin_confidence=bins * words * confidence,
        bin_entropy=np.zeros(5, int),
        entropy_sum=1.0,
        bin_right=bins.astype(int) * right,
        nll_sum=2.0,
    )


def test_one_bin_by_hand():
    assert constant(0.9, 70).calibration_error == pytest.approx(0.2)
    assert constant(1.0, 100).calibration_error == 0


def test_over_and_under_confidence_do_not_cancel_between_bins():
    both = constant(0.9, 70) + constant(0.5, 70)
    assert both.words == 200
    assert both.calibration_error == pytest.approx(0.2)
    assert (both.entropy, both.nll) == (2 / 200, 4 / 200)


def test_sets_add_up(tmp_path):
    one, other = (write(tmp_path / str(seed), seed) for seed in (1, 2))
    apart, together = [calibrations([artifacts]) for artifacts in (one, other)], calibrations([one, other])
    for key, found in together.items():
        expected = [part[key] for part in apart if key in part]
        assert found.words == sum(part.words for part in expected)
        assert found.nll_sum == pytest.approx(sum(part.nll_sum for part in expected))


def test_what_has_no_gold_is_not_read(tmp_path):
    artifacts = write_set(tmp_path, labelled=0.0)
    for path in tmp_path.glob("part-*.parquet"):
        path.unlink()
    assert calibrations([artifacts]) == {}
