"""A teacher's hidden states are its own, in the principal components of its training corpus."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from structkd.artifacts.manifest import MANIFEST
from structkd.artifacts.reader import ArtifactSet
from structkd.tagger.tokens import TokenBatch
from structkd.teachers.annotate import annotate, annotate_range, set_parts
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.hidden import HiddenSource, fit_basis
from structkd.teachers.sources.config import SourceError
from structkd.teachers.sources.tagger import TaggerSource
from tests.pipeline.tiny import contents
from tests.teachers.test_annotate import LABELLED, ROWS, TEXT, make_teacher

CONFIG = AnnotationConfig(k=4, row_group_rows=3, shard_rows=3, hidden=5)


def source():
    teacher = make_teacher()
    return HiddenSource(teacher, fit_basis(teacher, LABELLED, 5))


def states_of(corpus):
    """The states of each sentence by itself."""
    teacher = make_teacher()
    with torch.no_grad():
        return [teacher.states(TokenBatch.from_sentences([one.tokens]))[0].numpy() for one in corpus]


def write(folder, teacher=None):
    teacher = teacher or source()
    annotate(teacher, ROWS, folder, name="me", config=CONFIG, provenance={}, log=lambda record: None)
    return ArtifactSet.open(folder)


def test_the_basis_is_a_principal_component_analysis():
    mean, rows = fit_basis(make_teacher(), LABELLED, 5).arrays
    states = np.concatenate(states_of(LABELLED)).astype(np.float64)
    assert_allclose(mean, states.mean(0), atol=1e-6)
    assert_allclose(rows @ rows.T, np.eye(5), atol=1e-6)
    variances = ((states - states.mean(0)) @ rows.T).var(0)
    _, singular, _ = np.linalg.svd(states - states.mean(0))
    assert_allclose(variances, singular[:5] ** 2 / len(states), rtol=1e-4)
    assert all(row[np.abs(row).argmax()] > 0 for row in rows)


def test_a_basis_is_a_function_of_teacher_and_corpus():
    assert fit_basis(make_teacher(), LABELLED, 5) == fit_basis(make_teacher(), LABELLED, 5)
    assert fit_basis(make_teacher(), LABELLED, 5) != fit_basis(make_teacher(), TEXT, 5)


def test_more_dimensions_than_the_states_have_are_refused():
    with pytest.raises(SourceError, match="hidden: found 13, but the en teacher's states have 12 dimensions"):
        fit_basis(make_teacher(), LABELLED, 13)


def test_every_word_has_its_state(tmp_path):
    found = write(tmp_path)
    mean, rows = found.header.hidden.arrays
    for stored, states in zip(found.table()["hidden"].to_pylist(), states_of([*LABELLED, *TEXT]), strict=True):
        assert_allclose(stored, (states - mean) @ rows.T, atol=2e-3)


def test_the_other_columns_are_those_of_a_teacher_without_states(tmp_path):
    expected = write(tmp_path / "plain", TaggerSource(make_teacher())).table()
    assert write(tmp_path / "with").table(expected.column_names).equals(expected)


def test_ranges_give_the_bytes_of_one_run(tmp_path):
    write(tmp_path / "whole")
    for shards in (range(2, 3), range(2)):
        parts = set_parts(source(), tmp_path / "ranges", CONFIG, {})
        annotate_range(source(), ROWS, parts, shards, name="me", config=CONFIG, log=lambda record: None)
    parts.commit(3)
    assert (tmp_path / "ranges" / MANIFEST).is_file()
    found, expected = (contents(tmp_path / name, "[mp]*.[jp]*") for name in ("ranges", "whole"))
    assert found == expected
