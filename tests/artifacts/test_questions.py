"""Questions about artifact sets have the answers that a look at all rows gives."""

import duckdb
import numpy as np
import pytest

from structkd.artifacts.questions import against_gold, disagreements, least_sure, view_sql
from structkd.artifacts.schema import ArtifactError
from tests.artifacts.examples import LABELS, header, write_set


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    sizes = {"en": 40, "de": 23}
    return write_set(folder / "a", sentences=sizes), write_set(folder / "b", sentences=sizes, teacher="u", seed=0)


def test_the_least_sure_sentences_come_first(sets):
    rows = sets[0].table().to_pylist()
    nats = [-row["path_log_probs"][0] / len(row["tokens"]) for row in rows]
    found = least_sure(sets[:1], 10)
    order = sorted(range(len(rows)), key=lambda place: -nats[place])[:10]
    assert found["row"].to_list() == order
    np.testing.assert_allclose(found["nats_a_word"], [nats[place] for place in order], rtol=1e-6)
    first = rows[order[0]]
    named = [LABELS[label] for label in first["paths"][0]]
    words = [word if label == "O" else f"{word}/{label}" for word, label in zip(first["tokens"], named, strict=True)]
    assert found["text"][0] == " ".join(words)
    assert len(least_sure(sets, 1000)) == 2 * len(rows)


def test_sentences_whose_gold_a_sure_teacher_contradicts_come_first(sets):
    rows = sets[0].table().to_pylist()
    wrong = [place for place, row in enumerate(rows) if row["gold"] is not None and row["gold"] != row["paths"][0]]
    order = sorted(wrong, key=lambda place: -rows[place]["path_log_probs"][0])
    found = against_gold(sets[:1], 1000)
    assert found["row"].to_list() == order
    row = rows[order[0]]
    for word, gold, best in zip(row["tokens"], row["gold"], row["paths"][0], strict=True):
        mark = f"{word} [gold {LABELS[gold]}, best {LABELS[best]}]"
        assert (mark in found["text"][0]) == (gold != best)


def test_two_sets_disagree_where_their_best_paths_differ(sets, tmp_path):
    one, other = sets
    assert len(disagreements(one, other, 1000)) == 0
    third = write_set(tmp_path / "c", sentences={"en": 40, "de": 23}, seed=5)
    pairs = zip(one.table().to_pylist(), third.table().to_pylist(), strict=True)
    differing = {
        row["sentence_id"]
        for row, theirs in pairs
        if row["tokens"] == theirs["tokens"] and row["paths"][0] != theirs["paths"][0]
    }
    found = disagreements(one, third, 1000)
    assert set(found["row"]) == differing  # ids are rows here
    assert found["p_least"].is_sorted(descending=True)


def test_sets_of_other_labels_are_not_compared(sets, tmp_path):
    from structkd.artifacts.writer import ShardWriter
    from tests.artifacts.examples import batch

    with ShardWriter(tmp_path, header(labels=("O", "X")), shard_rows=4) as writer:
        writer.write(batch(np.random.default_rng(0), [3], labels=2))
    from structkd.artifacts.reader import ArtifactSet

    with pytest.raises(ArtifactError, match="their labels differ"):
        disagreements(sets[0], ArtifactSet.open(tmp_path), 3)


def test_labels_have_names_in_sql(sets):
    connection = duckdb.connect()
    connection.sql(view_sql(sets[0]))
    rows = sets[0].table().to_pylist()
    found = connection.sql(f'SELECT gold_labels, best_labels, words FROM "{sets[0].folder.name}"').fetchall()
    for row, (gold, best, words) in zip(rows, found, strict=True):
        named = [LABELS[label] for label in row["paths"][0]]
        assert best == named
        assert gold == (None if row["gold"] is None else [LABELS[label] for label in row["gold"]])
        assert [word["word"] for word in words] == row["tokens"]
        assert [word["best"] for word in words] == named
