"""Codes of log-posteriors: what comes back, how small they are, and who can read them."""

import duckdb
import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from structkd.artifacts.codec import encode
from structkd.artifacts.posteriors import CODES, SCALE, ZERO, code_of
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.writer import ShardWriter
from tests.artifacts.examples import annotations, header

log_probabilities = st.lists(st.floats(-70.0, 0.0) | st.just(-np.inf), min_size=1, max_size=30)


@pytest.mark.parametrize("name", CODES)
@given(log_probabilities)
@example([-30.553922522329728])
def test_what_comes_back_is_near_and_coding_it_again_changes_nothing(name, values):
    code, given_values = CODES[name], np.array([values], np.float32)
    stored = code.encode(given_values)
    back = code.decode(stored)
    assert stored.dtype == code.kind.to_pandas_dtype()
    assert (np.isneginf(back) == np.isneginf(given_values)).all()
    exact = np.where(np.isneginf(given_values), 0.0, np.maximum(given_values, -64.0 if name == "log8" else -np.inf))
    if name == "log8":  # half a step of the root: |x - (sqrt(x) + h)^2| for h = 1 / (2 SCALE)
        allowed = np.sqrt(-exact) / SCALE + 1 / (4 * SCALE**2)
    else:
        allowed = {"float32": 0.0, "float16": 2.0**-10}[name] * np.maximum(-exact, 1 / SCALE)
    assert (np.abs(np.where(np.isneginf(back), 0.0, back) - exact) <= allowed + 1e-7).all()
    assert (code.encode(back) == stored).all()


def test_every_code_of_log8_is_its_own():
    codes = np.arange(256, dtype=np.uint8)[None]
    back = CODES["log8"].decode(codes)
    assert (CODES["log8"].encode(back) == codes).all()
    assert (np.diff(back[0]) < 0).all()
    assert np.isneginf(back[0, ZERO])


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_log8_costs_little_of_a_posterior_at_any_temperature(temperature):
    emissions = torch.randn(20_000, 9, generator=torch.Generator().manual_seed(0)) * 5
    posterior = emissions.log_softmax(-1)
    back = torch.from_numpy(CODES["log8"].decode(CODES["log8"].encode(posterior.numpy())))
    soft, coded = ((x / temperature).log_softmax(-1) for x in (posterior, back))
    entropy = -(soft.exp() * soft).sum(-1).mean()
    divergence = (soft.exp() * (soft - coded)).sum(-1).mean()
    assert 0 <= divergence < entropy / 3000


@pytest.mark.parametrize("name", CODES)
def test_a_set_says_its_code_and_reads_back(tmp_path, name):
    lengths = [3, 1, 4, 1, 5]
    said, described = annotations(np.random.default_rng(0), lengths), header().model_copy(update={"posteriors": name})
    rows = encode(
        described.schema,
        sentence_ids=range(5),
        language="en",
        teacher="me",
        seen=None,
        tokens=[["w"] * n for n in lengths],
        gold=[None] * 5,
        annotations=said,
    )
    with ShardWriter(tmp_path, described) as writer:
        writer.write(rows)
    found = ArtifactSet.open(tmp_path)
    assert found.header.posteriors == name
    back = DecodedRows(found.table(["tokens", "log_posteriors"]))
    for place, n in enumerate(lengths):
        np.testing.assert_allclose(back.log_posteriors[place, :n], said.log_posteriors[place, :n], atol=0.15)
    assert code_of(found.header.schema.field("log_posteriors").type.value_type.value_type) is CODES[name]
    raw = pl.read_parquet(tmp_path / "part-00000.parquet")["log_posteriors"].to_list()
    (asked,) = duckdb.sql(f"SELECT log_posteriors FROM '{tmp_path}/part-00000.parquet' LIMIT 1").fetchall()[0]
    np.testing.assert_array_equal(np.array(raw[0]), np.array(asked))
