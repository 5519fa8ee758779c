"""Rows are decoded a column at a time, when a column is asked for."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.schema import ArtifactError, shard_schema
from tests.artifacts.examples import batch

seeds = st.integers(0, 2**32 - 1)
ragged = st.lists(st.integers(1, 8), min_size=1, max_size=7)
COLUMNS = shard_schema(4).names


@given(seeds, ragged, st.data())
def test_a_slice_decodes_to_the_same_rows(seed, lengths, data):
    rows = batch(np.random.default_rng(seed), lengths)
    start = data.draw(st.integers(0, len(lengths)))
    stop = data.draw(st.integers(start, len(lengths)))
    whole, part = DecodedRows(rows), DecodedRows(pa.Table.from_batches([rows]).slice(start, stop - start))
    T, K = max(part.lengths, default=0), max(part.counts, default=0)
    assert (part.log_posteriors == whole.log_posteriors[start:stop, :T]).all()
    assert (part.paths == whole.paths[start:stop, :K, :T]).all()
    assert (part.gold == whole.gold[start:stop, :T]).all()
    assert (part.has_gold == whole.has_gold[start:stop]).all()


def test_chunks_decode_as_one():
    rng = np.random.default_rng(0)
    parts = [batch(rng, [3, 1], language="en"), batch(rng, [5], language="de")]
    row = DecodedRows(pa.Table.from_batches(parts))
    assert row.language == ("en", "en", "de")
    assert row.lengths.tolist() == [3, 1, 5]
    assert (row.emissions[2] == DecodedRows(parts[1]).emissions[0]).all()


@pytest.mark.parametrize("missing", [name for name in COLUMNS if name != "tokens"])
def test_a_column_that_was_not_read_is_named_with_what_to_do(missing):
    rows = batch(np.random.default_rng(0), [2, 1]).drop_columns([missing])
    with pytest.raises(ArtifactError, match=rf"^rows with columns .* have no {missing}: read that column too$"):
        getattr(DecodedRows(rows), missing)
    decoded = DecodedRows(rows)
    assert all(getattr(decoded, name) is not None for name in COLUMNS if name != missing)


def test_words_are_needed_for_all_that_is_padded_and_only_for_that():
    rows = DecodedRows(batch(np.random.default_rng(0), [2]).drop_columns(["tokens"]))
    assert rows.language == ("en",)
    assert rows.path_weights.shape == (1, rows.counts[0])
    for name in ("tokens", "lengths", "mask", "gold", "paths", "log_posteriors", "emissions"):
        with pytest.raises(ArtifactError, match="have no tokens: read that column too"):
            getattr(rows, name)


def test_path_counts_need_any_column_of_paths():
    rows = batch(np.random.default_rng(0), [3, 1])
    names = ("paths", "path_log_probs", "path_weights")
    expected = DecodedRows(rows).counts.tolist()
    assert [DecodedRows(rows.select([name])).counts.tolist() for name in names] == [expected] * 3
    with pytest.raises(ArtifactError, match="rows with columns gold have no paths: read that column too"):
        _ = DecodedRows(rows.select(["gold"])).counts


def test_only_rows_of_a_stream_know_their_set():
    rows = pa.Table.from_batches([batch(np.random.default_rng(0), [2, 1])])
    with pytest.raises(ArtifactError, match="have no set: read that column too"):
        _ = DecodedRows(rows).set_number
    assert DecodedRows(rows.append_column("set", pa.array([3, 0], pa.int32()))).set_number.tolist() == [3, 0]


def test_a_column_is_decoded_once_and_when_it_is_asked_for():
    rng = np.random.default_rng(0)
    good, other = batch(rng, [2, 3]), batch(rng, [2, 4])
    rows = DecodedRows(good.set_column(COLUMNS.index("emissions"), "emissions", other["emissions"]))
    assert rows.log_posteriors is rows.log_posteriors
    assert rows.paths.shape[::2] == (2, 3)
    with pytest.raises(ArtifactError, match="column emissions holds 6 values for the 5 places"):
        _ = rows.emissions


def test_decoded_arrays_may_be_written_to():
    rows = DecodedRows(batch(np.random.default_rng(0), [2]))
    for name in (*COLUMNS, "lengths", "counts", "has_gold", "mask"):
        value = getattr(rows, name)
        assert not isinstance(value, np.ndarray) or value.flags.writeable, name
