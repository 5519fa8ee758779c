import dataclasses

import numpy as np
import pytest

from structkd.artifacts.codec import encode
from structkd.artifacts.comparison import MISSING, compare
from structkd.artifacts.header import SetHeader
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import shard_schema
from structkd.artifacts.writer import ShardWriter
from tests.artifacts.examples import annotations, header, write_set

LENGTHS = [2, 1, 3, 2]


def write(folder, ids, *, provenance=None, labels=("O", "X"), tokens="w", row_group_rows=2, start=0.0, **changes):
    """A set over two labels; the annotations are the same but for `changes`, each of some rows of `LENGTHS`."""
    L = len(labels)
    given = annotations(np.random.default_rng(0), LENGTHS, labels=L)
    given = dataclasses.replace(given, **{name: change(getattr(given, name)) for name, change in changes.items()})
    rows = encode(
        shard_schema(L),
        sentence_ids=range(4),
        language=["en", "en", "de", "de"],
        teacher="me",
        seen=None,
        tokens=[[tokens] * n for n in LENGTHS],
        gold=[None] * 4,
        annotations=given,
    )
    about = SetHeader(
        labels=labels,
        transitions=[[0.0] * L] * L,
        start=[start] * L,
        end=[0.0] * L,
        provenance=provenance or {"a": 1},
    )
    with ShardWriter(folder, about, shard_rows=3, row_group_rows=row_group_rows) as writer:
        for place in ids:
            writer.write(rows.slice(place, 1))
    return ArtifactSet.open(folder)


def test_a_set_does_not_differ_from_itself(tmp_path):
    artifacts = write_set(tmp_path, sentences={"en": 30, "de": 5})
    found = compare(artifacts, artifacts)
    assert (found.header, found.chain, found.other_tokens, found.shared) == ({}, 0, 0, 35)
    assert found.counts == {
        "sentences": (35, 35),
        "words": (artifacts.tokens, artifacts.tokens),
        "de": (5, 5),
        "en": (30, 30),
    }
    assert dataclasses.astuple(found.scores) == (35, artifacts.tokens, 0, 0, (0, 0), 0, 0)


def test_provenance_layout_and_chain_scores_are_named_where_they_differ(tmp_path):
    one = write(tmp_path / "a", range(4), provenance={"a": {"b": 1, "c": 2}, "d": [1]})
    other = write(tmp_path / "b", range(4), provenance={"a": {"b": 1, "c": 3}, "e": None}, row_group_rows=1, start=0.25)
    found = compare(one, other)
    assert found.header == {
        "a.c": (2, 3),
        "d": ([1], MISSING),
        "e": (MISSING, None),
        "layout.row_group_rows": (2, 1),
    }
    assert found.chain == 0.25
    assert found.scores.kl == (0, 0)


def test_scores_of_shared_sentences_worked_out_by_hand(tmp_path):
    def half(log_posteriors):
        changed = log_posteriors.copy()
        changed[1, 0] = np.log([0.5, 0.5])
        return changed

    def quarter(log_posteriors):
        changed = log_posteriors.copy()
        changed[1, 0] = np.log([0.25, 0.75])
        return changed

    def other_label(paths):
        changed = paths.copy()
        changed[2, 0, 1] = 1 - changed[2, 0, 1]
        return changed

    one = write(tmp_path / "a", [0, 1, 2], log_posteriors=half)
    other = write(
        tmp_path / "b",
        [3, 2, 1],
        log_posteriors=quarter,
        paths=other_label,
        log_partition=lambda scores: scores + np.float32(0.5),
        log_probs=lambda scores: scores - np.float32(0.25),
    )
    found = compare(one, other)
    assert found.counts == {"sentences": (3, 3), "words": (6, 6), "de": (1, 2), "en": (2, 1)}
    assert (found.shared, found.other_tokens) == (2, 0)
    scores = found.scores
    assert (scores.sentences, scores.tokens) == (2, 4)
    assert (scores.best_path_differs, scores.best_path_label_differs) == (0.5, 0.25)
    assert scores.log_partition == pytest.approx(0.5)
    assert scores.best_path_log_prob == pytest.approx(0.25)
    forth = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    back = 0.25 * np.log(0.25 / 0.5) + 0.75 * np.log(0.75 / 0.5)
    assert scores.kl == pytest.approx((forth / 4, back / 4), rel=2e-3)


def test_a_probability_of_0_gives_a_finite_divergence(tmp_path):
    def certain(log_posteriors):
        changed = log_posteriors.copy()
        changed[0, 0] = [0, -np.inf]
        return changed

    found = compare(write(tmp_path / "a", range(4)), write(tmp_path / "b", range(4), log_posteriors=certain))
    assert all(np.isfinite(found.scores.kl))
    assert found.scores.kl[0] > 100


def test_sentences_with_other_words_are_counted_and_not_compared(tmp_path):
    found = compare(write(tmp_path / "a", range(4)), write(tmp_path / "b", range(4), tokens="v"))
    assert (found.shared, found.other_tokens, found.scores) == (4, 4, None)


def test_sets_without_a_shared_sentence_have_no_scores(tmp_path):
    found = compare(write(tmp_path / "a", [0, 1]), write(tmp_path / "b", [2, 3]))
    assert (found.shared, found.scores, found.chain) == (0, None, 0)


def test_numbers_over_different_label_sets_are_not_compared(tmp_path):
    one = write(tmp_path / "a", range(4))
    for labels in (("O", "X", "Y"), ("X", "O")):
        found = compare(one, write(tmp_path / "-".join(labels), range(4), labels=labels))
        assert found.header == {"labels": (["O", "X"], list(labels))}
        assert (found.chain, found.scores, found.shared) == (None, None, 4)


def test_sets_of_many_row_groups_in_another_order_are_matched_by_id(tmp_path):
    one = write_set(tmp_path / "a", sentences={"en": 30, "de": 30}, shard_rows=16, row_group_rows=5)
    rows = one.table()
    with ShardWriter(tmp_path / "b", header("u"), shard_rows=20, row_group_rows=7) as writer:
        for batch in rows.take(np.random.default_rng(1).permutation(60)).combine_chunks().to_batches():
            writer.write(batch.cast(shard_schema(4)))
    found = compare(one, ArtifactSet.open(tmp_path / "b"))
    assert (found.shared, found.other_tokens) == (60, 0)
    assert found.scores.kl == (0, 0)
    assert found.scores.best_path_differs == 0
