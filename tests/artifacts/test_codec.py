import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.artifacts.codec import encode
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.schema import ArtifactError, label_count, shard_schema
from tests.artifacts.examples import annotations, batch

seeds = st.integers(0, 2**32 - 1)
ragged = st.lists(st.integers(1, 8), min_size=1, max_size=7)


def encode_with(given, labels=4, **changes):
    lengths = given.lengths.tolist()
    arguments = {
        "sentence_ids": range(10, 10 + len(lengths)),
        "language": "en",
        "teacher": "me",
        "seen": None,
        "tokens": [["w"] * n for n in lengths],
        "gold": [None] * len(lengths),
    }
    return encode(shard_schema(labels), **arguments | changes, annotations=given)


@given(seeds, ragged, st.integers(1, 5), st.sampled_from([1, 3, 256, 257]))
def test_what_is_encoded_is_decoded(seed, lengths, paths, labels):
    rng = np.random.default_rng(seed)
    a = annotations(rng, lengths, paths=paths, labels=labels)
    gold = [rng.integers(0, labels, n) if rng.random() < 0.5 else None for n in lengths]
    tokens = [[f"ß{i}" for i in range(n)] for n in lengths]
    languages = rng.choice(["en", "zh"], len(lengths)).tolist()
    teachers = [f"{language} fold 1 of 2" for language in languages]
    seen = [(True, False, None)[place] for place in rng.integers(0, 3, len(lengths))]
    row = DecodedRows(encode_with(a, labels, gold=gold, tokens=tokens, language=languages, teacher=teachers, seen=seen))
    assert row.tokens.to_pylist() == tokens
    assert (row.language, row.teacher, row.seen) == tuple(map(tuple, (languages, teachers, seen)))
    assert row.sentence_id.tolist() == list(range(10, 10 + len(lengths)))
    assert row.lengths.tolist() == lengths
    assert row.counts.tolist() == a.counts.tolist()
    assert row.log_partition.tolist() == a.log_partition.tolist()
    for b, n in enumerate(lengths):
        k = a.counts[b]
        assert row.has_gold[b] == (gold[b] is not None)
        assert row.gold[b, :n].tolist() == ([0] * n if gold[b] is None else gold[b].tolist())
        assert row.paths[b, :k, :n].tolist() == a.paths[b, :k, :n].tolist()
        assert row.path_log_probs[b, :k].tolist() == a.log_probs[b, :k].tolist()
        assert (row.log_posteriors[b, :n] == a.log_posteriors[b, :n].astype(np.float16)).all()
        assert (row.emissions[b, :n] == a.emissions[b, :n].astype(np.float16)).all()


@given(seeds, ragged)
def test_past_the_end_everything_is_zero(seed, lengths):
    row = DecodedRows(batch(np.random.default_rng(seed), lengths))
    past = np.arange(max(lengths)) >= row.lengths[:, None]
    unstored = np.arange(row.paths.shape[1]) >= row.counts[:, None]
    assert not row.gold[past].any()
    assert not row.log_posteriors[past].any()
    assert not row.emissions[past].any()
    assert not row.paths.swapaxes(1, 2)[past].any()
    assert not row.paths[unstored].any()
    assert not row.path_log_probs[unstored].any()
    assert not row.path_weights[unstored].any()


@given(seeds, ragged)
def test_weights_are_the_path_probabilities_renormalised(seed, lengths):
    row = DecodedRows(batch(np.random.default_rng(seed), lengths))
    for b, k in enumerate(row.counts):
        probabilities = np.exp(row.path_log_probs[b, :k])
        np.testing.assert_allclose(row.path_weights[b, :k], probabilities / probabilities.sum(), rtol=1e-5)


def test_label_ids_take_one_byte_up_to_256_labels():
    assert shard_schema(256).field("gold").type.value_type == pa.uint8()
    assert shard_schema(257).field("gold").type.value_type == pa.uint16()
    assert label_count(shard_schema(257)) == 257


@pytest.mark.parametrize(
    ("stored", "expected"), [(-1e6, -65504.0), (-65504.0, -65504.0), (-np.inf, -np.inf), (0.0, 0.0)]
)
def test_log_posteriors_below_float16_are_floored_and_probability_zero_stays(stored, expected):
    a = annotations(np.random.default_rng(0), [1])
    a.log_posteriors[0, 0, 2] = stored
    assert DecodedRows(encode_with(a)).log_posteriors[0, 0, 2] == expected


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("emissions", 7e4, "found 70000.0 in emissions, expected float16's range of .-65504"),
        ("emissions", np.nan, "found nan in emissions"),
        ("emissions", -np.inf, "found -inf in emissions"),
        ("log_posteriors", np.nan, "found nan in log_posteriors"),
        ("log_posteriors", 0.5, "found 0.5 in log_posteriors, expected at most 0"),
        ("log_probs", -np.inf, "found -inf in log_probs, expected finite"),
        ("log_partition", np.inf, "found inf in log_partition, expected finite"),
        ("paths", 4, "found 4 in paths, expected label ids below 4"),
        ("paths", -1, "found -1 in paths, expected label ids below 4"),
        ("counts", 0, "found 0 in counts of paths, expected 1 to 3"),
        ("counts", 4, "found 4 in counts of paths, expected 1 to 3"),
        ("lengths", 3, "found 3 in lengths, expected 1 to 2"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_sentence(field, value, message):
    a = annotations(np.random.default_rng(0), [2, 2])
    getattr(a, field)[(1,) + (0,) * (getattr(a, field).ndim - 1)] = value
    with pytest.raises(ArtifactError, match=f"^sentence_id 11: {message}"):
        encode_with(a, tokens=[["w", "w"]] * 2)


@given(seeds)
def test_what_lies_past_the_end_is_ignored(seed):
    a = annotations(np.random.default_rng(seed), [1, 3])
    before = encode_with(a)
    for scores in (a.emissions, a.log_posteriors):
        scores[0, 1:] = np.nan
    a.paths[0, :, 1:] = -1
    a.log_probs[0, a.counts[0] :] = np.nan
    assert encode_with(a).equals(before)


def test_tokens_and_gold_of_another_length_are_refused():
    a = annotations(np.random.default_rng(0), [2, 3])
    with pytest.raises(ArtifactError, match="sentence_id 11: found 2 entries in tokens, expected 3"):
        encode_with(a, tokens=[["a", "b"], ["a", "b"]])
    with pytest.raises(ArtifactError, match="sentence_id 10: found 1 entries in gold, expected 2"):
        encode_with(a, gold=[np.array([0]), None])
    with pytest.raises(ArtifactError, match="tokens has 1 sentences, the annotations have 2"):
        encode_with(a, tokens=[["a", "b"]])
    with pytest.raises(ArtifactError, match="gold has 3 sentences, the annotations have 2"):
        encode_with(a, gold=[None] * 3)
    with pytest.raises(ArtifactError, match="language has 1 sentences, the annotations have 2"):
        encode_with(a, language=["en"])
    with pytest.raises(ArtifactError, match="teacher has 3 sentences, the annotations have 2"):
        encode_with(a, teacher=["en"] * 3)
    with pytest.raises(ArtifactError, match="seen has 1 sentences, the annotations have 2"):
        encode_with(a, seen=[True])


def test_gold_outside_the_labels_is_refused():
    a = annotations(np.random.default_rng(0), [2, 3])
    with pytest.raises(ArtifactError, match="sentence_id 11: gold label 4 of 4 labels"):
        encode_with(a, gold=[None, np.array([0, 4, 1])])


def test_annotations_over_other_labels_are_refused():
    with pytest.raises(ArtifactError, match="annotations have 4 labels, the set's schema 5"):
        encode_with(annotations(np.random.default_rng(0), [2]), labels=5)
