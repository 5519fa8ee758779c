"""Drawn paths: an unbiased estimate of means under the teacher's chain, and a function of chain and sentence alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.verification import verify
from structkd.student.objectives import top_wk
from structkd.student.signals import ShardSignals
from structkd.teachers.annotate import annotate, annotate_range, set_parts, shard_count
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.paths import sampled
from structkd.teachers.sources.tagger import TaggerSource
from tests.crf.chains import alone, chains, random_chain
from tests.examples import examples
from tests.pipeline.tiny import contents
from tests.teachers.test_annotate import ROWS, make_teacher


@pytest.mark.parametrize("k", [1, 4])
def test_the_mean_over_draws_is_the_exact_cross_entropy(k):
    teacher, student = (random_chain([4], 3, 1.0, seed) for seed in (1, 2))
    losses = []
    for sentence_id in range(3_000):
        found = sampled(teacher, k, np.array([sentence_id]))
        losses.append(-(found.weights * student.log_prob(found.labels)).sum().item())
    spread = np.std(losses) / len(losses) ** 0.5
    assert np.mean(losses) == pytest.approx(teacher.cross_entropy(student).item(), abs=4 * spread)
    assert spread < 0.05


@examples(60)
@given(chains(), st.integers(1, 6), st.integers(0, 1000))
def test_paths_are_distinct_the_best_first_and_their_weights_are_shares_of_the_draws(chain, k, first_id):
    found = sampled(chain, k, np.arange(first_id, first_id + len(chain.lengths)))
    best, log_probs, _ = chain.kbest(1)
    for row, count in enumerate(found.counts.tolist()):
        paths = found.labels[row, :count]
        assert len(paths.unique(dim=0)) == count <= k + 1
        assert_close(found.log_probs[row, 0], log_probs[row, 0])
        assert (chain.log_prob(best)[row, 0] - chain.log_prob(found.labels)[row, 0]).abs() < 1e-6
        assert (found.log_probs[row, 1:count].diff() <= 0).all()
        shares = found.weights[row, :count] * k
        assert_close(shares, shares.round())
        assert shares.sum() == pytest.approx(k)
        assert (shares[1:] > 0).all()


@examples(30)
@given(chains(max_length=6), st.integers(1, 5))
def test_the_draws_of_a_sentence_do_not_depend_on_its_batch(chain, k):
    ids = np.arange(len(chain.lengths)) + 7
    together = sampled(chain, k, ids)
    for row, length in enumerate(chain.lengths.tolist()):
        single, count = sampled(alone(chain, row), k, ids[row : row + 1]), int(together.counts[row])
        assert single.counts[0] == count
        assert (single.labels[0, :count] == together.labels[row, :count, :length]).all()
        assert_close(single.weights[0, :count], together.weights[row, :count])


def test_forbidden_transitions_are_never_drawn():
    chain = random_chain([4, 4], 4, 1.0, torch.Generator().manual_seed(3), forbid=True)
    found = sampled(chain, 50, np.arange(2))
    assert (found.log_probs[found.weights > 0] > -1e4).all()


def write(folder, **settings):
    config = AnnotationConfig(**({"k": 5, "paths": "sampled", "row_group_rows": 3, "shard_rows": 3} | settings))
    teacher, log = TaggerSource(make_teacher()), lambda record: None
    annotate(teacher, ROWS, folder, name="me", config=config, provenance={}, log=log)
    return ArtifactSet.open(folder)


def test_a_set_says_that_its_paths_are_drawn_and_students_use_them_all(tmp_path):
    found = write(tmp_path)
    assert found.header.paths == "sampled"
    assert not [check.error for check in verify(tmp_path) if check.error]
    rows = DecodedRows(found.table())
    np.testing.assert_allclose(rows.path_weights.sum(1), 1, atol=1e-6)
    signals = ShardSignals("top-wk", [found.header], 1, torch.device("cpu")).signals(rows)
    assert signals.paths.shape[1] == rows.counts.max() > 1
    student = random_chain(rows.lengths.tolist(), 3, 1.0, dtype=torch.float32)
    every = torch.from_numpy(rows.path_weights) * student.log_prob(torch.from_numpy(rows.paths))
    assert_close(top_wk(student, signals, 1.0), -every.sum(1))


def test_best_and_drawn_paths_have_the_same_first_path(tmp_path):
    drawn, best = write(tmp_path / "drawn"), write(tmp_path / "best", paths="best")
    assert best.header.paths == "best"
    assert best.header.identity != drawn.header.identity
    first, second = (DecodedRows(one.table(["tokens", "paths"])).paths[:, 0] for one in (drawn, best))
    assert (first == second).all()


def test_bytes_do_not_depend_on_batches_ranges_or_their_order(tmp_path):
    whole, config = write(tmp_path / "whole"), AnnotationConfig(k=5, paths="sampled", row_group_rows=3, shard_rows=3)
    one_by_one = write(tmp_path / "small", batch_tokens=1).table(["paths", "path_weights"])
    assert one_by_one.equals(whole.table(["paths", "path_weights"]))
    shards, log = shard_count(len(ROWS), config), lambda record: None
    for shard in reversed(range(shards)):
        teacher = TaggerSource(make_teacher())
        parts = set_parts(teacher, tmp_path / "parts", config, {})
        annotate_range(teacher, ROWS, parts, range(shard, shard + 1), name="me", config=config, log=log)
    parts.commit(shards)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
