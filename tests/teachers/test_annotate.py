"""What a teacher writes is what its chain says."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, CorpusError, Sentence
from structkd.ground.records import Annotated
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.model import Tagger
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary
from structkd.teachers.annotate import TextRow, annotate, annotate_range, set_parts, shard_count, text_rows
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.sources.tagger import TaggerSource
from structkd.teachers.train import train_teacher
from tests.examples import examples
from tests.pipeline.tiny import contents
from tests.small import small_encoders

LABELS = LabelSet(("O", "S-LOC", "S-PER"))
LABELLED = Corpus(
    "en",
    "train",
    tuple(
        Sentence(tuple(text.split()), ("O",) * len(text.split()))
        for text in ("a long way to go from here", "Oslo", "we met Ada", "no", "it rains in Rome today")
    ),
)
TEXT = Corpus("en", "unlabelled", (Sentence(("Bergen", "rains")), Sentence(("yes",))))
ROWS = text_rows([LABELLED, TEXT], {("Oslo",), ("yes",)})


def make_teacher():
    torch.manual_seed(3)
    teacher = Tagger(
        TaggerConfig(encoders=small_encoders(), hidden=6),
        Vocabulary.build({word: 1 for sentence in LABELLED for word in sentence.tokens}),
        LABELS,
    )
    for scores in (teacher.transitions, teacher.start, teacher.end):
        torch.nn.init.normal_(scores)
    return teacher.eval()


def write(folder, **settings):
    config = AnnotationConfig(**({"k": 4, "row_group_rows": 3, "shard_rows": 6} | settings))
    records = []
    annotate(
        TaggerSource(make_teacher()), ROWS, folder, name="me", config=config, provenance={"of": "x"}, log=records.append
    )
    return ArtifactSet.open(folder), records


def test_every_row_is_what_the_chain_says_of_the_sentence_alone(tmp_path):
    found, records = write(tmp_path)
    teacher = make_teacher()
    rows = found.table().to_pylist()
    assert [row["sentence_id"] for row in rows] == list(range(7))
    assert records[-1] == Annotated(7, 7, tmp_path.name)
    assert {row["teacher"] for row in rows} == {"me"}
    assert [row["tokens"] for row in rows if row["seen"]] == [["Oslo"], ["yes"]]
    for sentence, row in zip([*LABELLED, *TEXT], rows, strict=True):
        assert tuple(row["tokens"]) == sentence.tokens
        assert row["language"] == "en"
        assert row["gold"] == (None if sentence.labels is None else [0] * len(sentence))
        with torch.no_grad():
            chain = teacher(TokenBatch.from_sentences([sentence.tokens]))
            paths, log_probs, counts = chain.kbest(4)
            n = int(counts[0])
            assert n == min(4, 3 ** len(sentence))
            assert row["paths"] == paths[0, :n].tolist()
            np.testing.assert_allclose(row["path_log_probs"], log_probs[0, :n], atol=1e-4)
            np.testing.assert_allclose(row["path_weights"], log_probs[0, :n].softmax(0), atol=1e-5)
            np.testing.assert_allclose(row["log_posteriors"], chain.log_marginals[0], atol=5e-3, rtol=1e-3)
            np.testing.assert_allclose(row["emissions"], chain.emissions[0], atol=1e-3, rtol=1e-3)
            np.testing.assert_allclose(row["log_partition"], chain.log_partition[0], rtol=1e-5)


def test_ids_are_those_that_are_given_and_what_is_not_known_is_null(tmp_path):
    rows = [TextRow(id_, LABELLED, place, None) for id_, place in ((9, 2), (4, 0))]
    config, log = AnnotationConfig(k=1), lambda record: None
    annotate(TaggerSource(make_teacher()), rows, tmp_path, name="me", config=config, provenance={}, log=log)
    found = ArtifactSet.open(tmp_path).table(["sentence_id", "seen", "tokens"]).to_pylist()
    assert [(row["sentence_id"], row["seen"]) for row in found] == [(9, None), (4, None)]
    assert found[0]["tokens"] == ["we", "met", "Ada"]


def test_the_header_lets_a_reader_rebuild_the_chain(tmp_path):
    header, teacher = write(tmp_path)[0].header, make_teacher()
    assert header.labels == LABELS.names
    np.testing.assert_allclose(header.transitions, teacher.transitions.detach())
    np.testing.assert_allclose([header.start, header.end], torch.stack([teacher.start, teacher.end]).detach())
    assert header.provenance == {"of": "x"}


def test_the_same_teacher_writes_the_same_bytes(tmp_path):
    first, second = (write(tmp_path / name)[0].folder for name in "ab")
    assert [(path.name, path.read_bytes()) for path in sorted(first.iterdir())] == [
        (path.name, path.read_bytes()) for path in sorted(second.iterdir())
    ]


@pytest.mark.parametrize("settings", [{}, {"shard_rows": 2}, {"shard_rows": 1, "row_group_rows": 1}, {"shard_rows": 4}])
@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_an_interrupted_annotation_goes_on_after_its_whole_shards_to_the_same_bytes(tmp_path, settings, pieces):
    config = AnnotationConfig(**({"k": 4, "row_group_rows": 3, "shard_rows": 3} | settings))
    teacher, heard, annotated = make_teacher(), [], []

    def run(folder, log):
        annotate(TaggerSource(teacher), ROWS, folder, name="me", config=config, provenance={"of": "x"}, log=log)

    def interrupting(record):
        heard.append(record)
        if len(heard) == pieces:
            raise KeyboardInterrupt

    teacher.register_forward_pre_hook(lambda _, inputs: annotated.append(len(inputs[0])))
    run(tmp_path / "whole", heard.append)
    assert sum(annotated) == 7
    if len(heard) <= pieces:
        pytest.skip("it has no more pieces")
    heard.clear()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "set", interrupting)
    kept = min(7, config.shard_rows * len(list((tmp_path / "set").glob("part-*.json"))))
    assert kept >= heard[-1].sentences // config.shard_rows * config.shard_rows
    annotated.clear()
    run(tmp_path / "set", lambda record: None)
    assert sum(annotated) == 7 - kept
    whole, resumed = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("whole", "set")
    )
    assert resumed == whole


def test_a_shard_that_cannot_be_written_ends_the_annotation_and_none_after_it_is_written(tmp_path):
    config, heard = AnnotationConfig(k=4, row_group_rows=1, shard_rows=2), []
    parts = set_parts(TaggerSource(make_teacher()), tmp_path, config, {})
    (tmp_path / "part-00001.parquet").mkdir()
    with pytest.raises(ArtifactError, match=r"part-00001.parquet: cannot be written"):
        annotate_range(TaggerSource(make_teacher()), ROWS, parts, range(4), name="me", config=config, log=heard.append)
    assert heard[-1] == Annotated(3, 7, tmp_path.name)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "part-00000.json",
        "part-00000.parquet",
        "part-00001.parquet",
    ]


@examples(12)
@given(st.data())
def test_ranges_in_any_order_and_again_give_the_bytes_of_one_run(tmp_path_factory, data):
    config = AnnotationConfig(k=4, row_group_rows=2, shard_rows=data.draw(st.integers(1, 4)))
    shards = shard_count(len(ROWS), config)
    cuts = sorted({0, shards, *data.draw(st.lists(st.integers(0, shards)))})
    ranges = data.draw(st.permutations([range(*pair) for pair in pairwise(cuts)]))
    again = data.draw(st.lists(st.sampled_from(ranges), max_size=2))
    teacher, log = TaggerSource(make_teacher()), lambda record: None
    whole, parted = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parted")
    annotate(teacher, ROWS, whole, name="me", config=config, provenance={}, log=log)
    for part in [*ranges, *again]:
        parts = set_parts(teacher, parted, config, {})  # as each process has its own
        annotate_range(teacher, ROWS, parts, part, name="me", config=config, log=log)
    assert set_parts(teacher, parted, config, {}).commit(shards) > 0
    assert contents(parted) == contents(whole)


def test_a_set_is_committed_when_all_shards_are_recorded(tmp_path):
    config, teacher, log = AnnotationConfig(shard_rows=3), TaggerSource(make_teacher()), lambda record: None
    parts = set_parts(teacher, tmp_path, config, {})
    annotate_range(teacher, ROWS, parts, range(2), name="me", config=config, log=log)
    with pytest.raises(ArtifactError, match=r"part-00002.parquet: is not recorded"):
        parts.commit(3)
    with pytest.raises(ArtifactError, match="not found beside 2 whole shards; the set is unfinished"):
        ArtifactSet.open(tmp_path)


def test_a_teacher_learns_from_labelled_text_with_known_labels():
    settings = {"tagger": TaggerConfig(hidden=2), "training": TrainingConfig(updates=1), "seed": 1}
    dev = EvaluationSet(LABELLED, "spans", "BIOES")
    with pytest.raises(CorpusError, match="en unlabelled: sentence 0 has no labels"):
        train_teacher(TEXT, dev, LABELS, log=print, **settings)
    strange = Corpus("en", "train", (Sentence(("a",), ("S-MISC",)),))
    with pytest.raises(CorpusError, match=r"'S-MISC' is not in the label set \(O, S-LOC, S-PER\)"):
        train_teacher(strange, dev, LABELS, log=print, **settings)
