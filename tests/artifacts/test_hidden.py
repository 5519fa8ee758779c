"""Hidden states in artifact sets: an optional column, whose basis stands in the header."""

import json

import duckdb
import numpy as np
import pytest
from pydantic import ValidationError

from structkd.artifacts.codec import encode
from structkd.artifacts.header import SetHeader
from structkd.artifacts.hidden import HiddenBasis
from structkd.artifacts.inspection import summary
from structkd.artifacts.manifest import MANIFEST
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.schema import ArtifactError, shard_schema
from structkd.artifacts.stream import StreamConfig, stream_epoch
from structkd.artifacts.verification import verify
from tests.artifacts.examples import annotations, basis, header, write_set


def test_a_basis_returns_its_numbers():
    mean, rows = np.array([1.5, -2.0, 3.0]), np.arange(6).reshape(2, 3) / 7
    made = HiddenBasis.of(mean, rows)
    assert (made.dim, made.size) == (2, 3)
    for found, expected in zip(made.arrays, (mean, rows), strict=True):
        assert np.array_equal(found, expected.astype(np.float32))


@pytest.mark.parametrize("change", [{"mean": "AAAA"}, {"mean": "!"}, {"basis": ""}, {"dim": 0}, {"size": 6}])
def test_a_basis_that_is_not_whole_is_refused(change):
    with pytest.raises(ValidationError):
        HiddenBasis.model_validate(basis().model_dump() | change)


def test_a_set_without_states_does_not_mention_them(tmp_path):
    write_set(tmp_path)
    assert "hidden" not in json.loads((tmp_path / MANIFEST).read_text())["header"]


def test_the_header_keeps_the_basis_and_names_the_set(tmp_path):
    found = write_set(tmp_path, hidden=3)
    assert ArtifactSet.open(tmp_path).header.hidden == basis(3)
    assert len({one.identity for one in (found.header, header(), header(hidden=basis(3, seed=1)))}) == 3
    assert SetHeader.model_validate_json(found.header.model_dump_json()) == found.header


def test_rows_return_what_was_encoded(tmp_path):
    found, rng = write_set(tmp_path, sentences={"en": 9}, hidden=3), np.random.default_rng(0)
    rng.integers(1, 10, 9)  # the lengths
    rows = DecodedRows(found.table())
    assert rows.hidden.shape == (*rows.mask.shape, 3)
    assert not rows.hidden[~rows.mask].any()
    again = annotations(np.random.default_rng(4), rows.lengths, hidden=3)
    coded = encode(
        found.header.schema,
        sentence_ids=range(9),
        language="en",
        teacher="t",
        seen=None,
        tokens=rows.tokens,
        gold=[None] * 9,
        annotations=again,
    )
    assert np.array_equal(DecodedRows(coded).hidden, again.hidden.astype(np.float16) * rows.mask[..., None])


def test_states_pass_through_a_stream(tmp_path):
    found = write_set(tmp_path, hidden=3)
    rows = DecodedRows(found.table())
    by_id = dict(zip(rows.sentence_id.tolist(), rows.hidden, strict=True))
    for table in stream_epoch([found], ["sentence_id", "hidden"], StreamConfig(batch_tokens=30, seed=1), 0):
        batch_rows = DecodedRows(table)
        for place, states in zip(batch_rows.sentence_id.tolist(), batch_rows.hidden, strict=True):
            assert np.array_equal(states, by_id[place][: len(states)])


def test_damage_is_found_and_its_size_is_shown(tmp_path):
    found = write_set(tmp_path, hidden=3)
    assert summary(found).column_bytes["hidden"] > 0
    path = tmp_path / "part-00001.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert [bool(one.error) for one in verify(tmp_path)] == [False, True, False]


def test_other_tools_read_the_column(tmp_path):
    found = write_set(tmp_path, hidden=3)
    query = f"select hidden[1][1]::float, len(hidden), len(hidden[1]) from '{tmp_path}/*.parquet' order by sentence_id"
    rows = DecodedRows(found.table())
    for (first, words, dim), states, length in zip(
        duckdb.sql(query).fetchall(), rows.hidden, rows.lengths.tolist(), strict=True
    ):
        assert (first, words, dim) == (states[0, 0], length, 3)
    assert found.polars()["hidden"].dtype.inner.size == 3


@pytest.mark.parametrize(("wanted", "given"), [(0, 3), (3, 0), (3, 4)])
def test_states_must_fit_the_schema(wanted, given):
    lengths = [2, 3]
    with pytest.raises(ArtifactError, match=f"have {given} dimensions of hidden states, the set's schema {wanted}"):
        _encode(wanted, annotations(np.random.default_rng(0), lengths, hidden=given))


@pytest.mark.parametrize("number", [1e5, np.nan, -np.inf])
def test_states_out_of_range_are_refused(number):
    made = annotations(np.random.default_rng(0), [2, 3], hidden=3)
    made.hidden[0, 2] = number  # past the sentence's end, which counts for nothing
    _encode(3, made)
    made.hidden[1, 2, 1] = number
    with pytest.raises(ArtifactError, match=r"sentence_id 8: found .* in hidden, expected float16's range"):
        _encode(3, made)


def _encode(dim, made):
    return encode(
        shard_schema(4, hidden=dim),
        sentence_ids=[7, 8],
        language="en",
        teacher="t",
        seen=None,
        tokens=[["a", "b"], ["c", "d", "e"]],
        gold=[None, None],
        annotations=made,
    )
