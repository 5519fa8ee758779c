"""A mean of teachers, made from their sets: checked against all label sequences of short sentences."""

from itertools import product

import numpy as np
import pytest
import torch

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence
from structkd.crf import LinearChain
from structkd.teachers.annotate import annotate, text_rows
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.mean import SetRows, mean_of
from structkd.teachers.sources.config import SourceError
from structkd.teachers.sources.sets import SetSource
from structkd.teachers.sources.tagger import TaggerSource
from tests.pipeline.tiny import contents
from tests.teachers.sources.examples import CORPUS, SPANS, make_tagger

CONFIG = AnnotationConfig(k=4, row_group_rows=2, shard_rows=2)
PROVENANCE = {"corpora": {"train": "00"}, "sentences": {"train": 5}}


def log(record):
    pass


def write(folder, seed, corpus=CORPUS, *, labels=SPANS, trained_on=frozenset(), provenance=PROVENANCE):
    source, rows = TaggerSource(make_tagger(labels, seed)), text_rows([corpus], trained_on)
    annotate(source, rows, folder, name=f"t{seed}", config=CONFIG, provenance=provenance, log=log)
    return ArtifactSet.open(folder)


def write_mean(folder, sets, told=log):
    source, rows = mean_of(sets)
    annotate(source, rows, folder, name="mean", config=CONFIG, provenance=PROVENANCE, log=told)
    return ArtifactSet.open(folder)


def chain_of(artifacts, rows):
    header = artifacts.header
    return LinearChain(
        emissions=torch.from_numpy(rows.emissions).double(),
        transitions=torch.tensor(header.transitions).double(),
        start=torch.tensor(header.start).double(),
        end=torch.tensor(header.end).double(),
        lengths=torch.from_numpy(rows.lengths),
    )


@pytest.fixture(scope="module")
def teachers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    return [write(folder / str(seed), seed) for seed in range(3)]


def test_a_means_log_probabilities_are_the_normalised_means_of_the_teachers(tmp_path, teachers):
    mean = write_mean(tmp_path, teachers)
    found, rows = mean.table().to_pylist(), [DecodedRows(one.table()) for one in teachers]
    for place, row in enumerate(found):
        length = len(row["tokens"])
        if length > 3:
            continue
        paths = torch.tensor(list(product(range(len(SPANS)), repeat=length)))
        padded = torch.zeros(len(found), len(paths), rows[0].mask.shape[1], dtype=torch.long)
        padded[place, :, :length] = paths
        logs = [chain_of(one, of).log_prob(padded)[place] for one, of in zip(teachers, rows, strict=True)]
        expected = dict(zip(map(tuple, paths.tolist()), sum(logs).div(3).log_softmax(0).tolist(), strict=True))
        best = sorted(expected.values(), reverse=True)[:4]
        np.testing.assert_allclose(row["path_log_probs"], best, atol=1e-4)
        np.testing.assert_allclose([expected[tuple(path)] for path in row["paths"]], best, atol=1e-4)
        np.testing.assert_allclose(row["path_weights"], np.exp(best) / np.exp(best).sum(), atol=1e-4)
        for word, label in product(range(length), range(len(SPANS))):
            share = sum(np.exp(log_prob) for path, log_prob in expected.items() if path[word] == label)
            assert np.exp(row["log_posteriors"][word][label]) == pytest.approx(share, abs=2e-3)


def test_the_mean_of_a_teacher_with_itself_is_the_teacher(tmp_path, teachers):
    once = write_mean(tmp_path / "once", [teachers[0]] * 2)
    assert once.header.transitions == teachers[0].header.transitions
    for column in ("sentence_id", "tokens", "gold", "seen", "emissions", "paths"):
        assert once.table([column]).equals(teachers[0].table([column])), column
    # Emissions are as they were stored, so once more there is nothing left to round.
    write_mean(tmp_path / "twice", [once] * 2)
    assert contents(tmp_path / "twice") == contents(tmp_path / "once")


def test_a_means_sentence_is_seen_if_one_of_its_teachers_was_trained_on_it(tmp_path):
    words = [sentence.tokens for sentence in CORPUS]
    known = [{words[0]}, {words[0], words[1]}, None]
    sets = [write(tmp_path / str(seed), seed, trained_on=one) for seed, one in enumerate(known)]
    for some, expected in ((sets[:2], [True, True, False]), (sets, [True, True, None])):
        assert [row.seen for row in SetRows([SetSource(one) for one in some])[:3]] == expected


def test_a_mean_keeps_gold_labels_and_ids(tmp_path):
    labelled = Corpus("en", "train", tuple(Sentence(one.tokens, ("B-PER",) * len(one)) for one in CORPUS))
    sets = [write(tmp_path / str(seed), seed, labelled) for seed in range(2)]
    rows = write_mean(tmp_path / "mean", sets).table(["sentence_id", "gold", "teacher", "language"]).to_pylist()
    assert [row["sentence_id"] for row in rows] == list(range(5))
    assert {label for row in rows for label in row["gold"]} == {SPANS.ids["B-PER"]}
    assert {(row["teacher"], row["language"]) for row in rows} == {("mean", "en")}


@pytest.mark.parametrize("pieces", [1, 2])
def test_an_interrupted_mean_goes_on_to_the_same_bytes(tmp_path, teachers, pieces):
    heard = []

    def interrupting(record):
        heard.append(record)
        if len(heard) == pieces:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_mean(tmp_path / "cut", teachers, interrupting)
    write_mean(tmp_path / "cut", teachers)
    write_mean(tmp_path / "whole", teachers)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


OTHER = Corpus("en", "train", (*CORPUS.sentences[:-1], Sentence(("no",))))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": LabelSet(("O", "B-LOC"))}, "found labels .*expected .*B-PER.*same labels"),
        ({"provenance": {"corpora": {"train": "11"}}}, "found corpora .*11.*expected .*00.*by one experiment"),
        ({"corpus": Corpus("en", "train", CORPUS.sentences[:4])}, "found sentences 4, expected 5"),
        ({"corpus": OTHER}, "row 4 is 'no', expected 'yes' as in the other sets; make all of them from the same text"),
    ],
)
def test_sets_that_have_no_mean_are_refused(tmp_path, teachers, changes, reason):
    other = write(tmp_path / "other", 1, **changes)
    with pytest.raises(SourceError, match=reason):
        write_mean(tmp_path / "mean", [teachers[0], other])
