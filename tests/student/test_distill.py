"""Students learn a tiny task from shards alone, by every system."""

from collections import Counter
from dataclasses import dataclass, replace

import pytest
import torch
from torch.testing import assert_close

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stream import StreamConfig, stream_epoch
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence
from structkd.crf import LinearChain
from structkd.ground.records import DevScored
from structkd.student.batches import student_batch
from structkd.student.config import DistillConfig
from structkd.student.distill import distill
from structkd.student.objectives import SYSTEMS
from structkd.student.signals import ShardSignals, SignalSource
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.vocabulary import Vocabulary
from structkd.teachers.annotate import annotate, text_rows
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.sources.tagger import TaggerSource
from structkd.teachers.train import train_teacher
from tests.small import small_encoders

LABELS = LabelSet(("O", "S-LOC", "B-PER", "E-PER"))
SMALL = TaggerConfig(encoders=small_encoders(12, 6, 8), hidden=12, dropout=0.0)


def tiny_corpus(language, split="train"):
    """Names follow titles, places follow prepositions; a word alone does not tell."""
    title, verb, preposition = {"en": ("Mrs", "visits", "near"), "de": ("Frau", "besucht", "bei")}[language]
    names = ["Jordan", "Paris", "Florence", "Chelsea"]
    sentences = []
    for a in names:
        for b in names:
            words = (title, a, b, verb, b, ".") if a < b else (verb, preposition, a, title, b, a)
            labels = {
                True: ("O", "B-PER", "E-PER", "O", "S-LOC", "O"),
                False: ("O", "O", "S-LOC", "O", "B-PER", "E-PER"),
            }[a < b]
            sentences.append(Sentence(words, labels))
    return Corpus(language, split, tuple(sentences))


def unlabelled(corpus):
    return Corpus(corpus.language, "unlabelled", tuple(Sentence(s.tokens) for s in corpus.sentences[::2]))


@pytest.fixture(scope="module")
def teachers(tmp_path_factory):
    """Two trained teachers and the artifact sets that they wrote."""
    sets = {}
    for language in ("en", "de"):
        corpus, folder = tiny_corpus(language), tmp_path_factory.mktemp(language)
        teacher, _ = train_teacher(
            corpus,
            EvaluationSet(corpus, "spans", "BIOES"),
            LABELS,
            tagger=SMALL,
            training=TrainingConfig(updates=60, batch_tokens=100, learning_rate=0.02, evaluate_every=20),
            seed=1,
            log=lambda record: None,
        )
        annotate(
            TaggerSource(teacher),
            text_rows([corpus, unlabelled(corpus)], None),
            folder / "set",
            name=language,
            config=AnnotationConfig(k=4, row_group_rows=5, shard_rows=10),
            provenance={"teacher": language},
            log=lambda record: None,
        )
        sets[language] = teacher, ArtifactSet.open(folder / "set")
    return sets


def run(teachers, system, *, seed=1, log=lambda record: None, updates=90, dev=None, signals=None, **config):
    gold = {language: EvaluationSet(tiny_corpus(language), "spans", "BIOES") for language in ("en", "de")}
    return distill(
        [artifacts for _, artifacts in teachers.values()],
        dev or gold,
        system=system,
        tagger=SMALL,
        training=TrainingConfig(updates=updates, batch_tokens=120, learning_rate=0.02, evaluate_every=30),
        config=DistillConfig(**config),
        seed=seed,
        log=log,
        signals=signals,
    )


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_loss_falls_and_the_student_learns(teachers, system):
    records = []
    student, result = run(teachers, system, log=records.append, k=3, temperature=2.0, lambda_last=0.5)
    losses = [record.loss for record in records if isinstance(record, DevScored)]
    assert losses[-1] < losses[0]
    assert result.best_dev > 95
    assert student.labels == LABELS


def test_a_student_is_a_function_of_its_seed(teachers):
    first, again, other = (run(teachers, "posterior", seed=seed, updates=20)[0] for seed in (1, 1, 2))
    same = [torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)]
    assert all(same)
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_a_batch_says_what_the_teachers_said(teachers):
    """Each row's signals are those of its own teacher's chain on that sentence alone."""
    sets = [artifacts for _, artifacts in teachers.values()]
    headers = [artifacts.header for artifacts in sets]
    columns = {"tokens", "gold", "language", *SYSTEMS["posterior+top-wk"].columns, *SYSTEMS["exact"].columns}
    (rows,) = stream_epoch(sets, columns, StreamConfig(batch_tokens=10_000, seed=1), epoch=0)
    batch, exact = (
        student_batch(rows, ShardSignals(system, headers, 2, torch.device("cpu")))
        for system in ("posterior+top-wk", "exact")
    )
    signals, words = batch.signals, rows["tokens"].to_pylist()
    assert len(batch) == sum(artifacts.rows for artifacts in sets)
    for place, language in enumerate(rows["language"].to_pylist()):
        teacher, n = teachers[language][0], len(words[place])
        with torch.no_grad():
            chain: LinearChain = teacher(type(batch.tokens).from_sentences([words[place]]))
        paths, log_probs, counts = chain.kbest(2)
        close = {"atol": 2e-3, "rtol": 2e-3}  # float16 in the shards
        assert_close(signals.log_posteriors[place, :n], chain.log_marginals[0], atol=2e-2, rtol=2e-3)
        assert_close(exact.signals.marginals[place, :n], chain.marginals[0], **close)
        assert_close(exact.signals.edge_counts[place], chain.edge_counts[0], **close)
        assert (exact.signals.marginals[place, n:] == 0).all()
        assert signals.counts[place] == counts[0] == 2
        assert_close(signals.weights[place], log_probs[0].softmax(0), atol=1e-5, rtol=1e-4)
        assert (signals.paths[place, :, :n] == paths[0]).all()
        if signals.has_gold[place]:
            corpus = {sentence.tokens: sentence.labels for sentence in tiny_corpus(language)}
            assert LABELS.decode(signals.gold[place, :n]) == corpus[tuple(words[place])]


@dataclass(frozen=True)
class Turned:
    """Teachers' posteriors with two labels exchanged."""

    source: SignalSource

    @property
    def columns(self):
        return self.source.columns

    def signals(self, rows):
        found = self.source.signals(rows)
        return replace(found, log_posteriors=found.log_posteriors[..., [1, 0, 2, 3]])


def test_a_student_learns_what_its_source_of_signals_says(teachers):
    headers = [artifacts.header for _, artifacts in teachers.values()]
    shards = ShardSignals("posterior", headers, 4, torch.device("cpu"))
    turned = {"O": "S-LOC", "S-LOC": "O"}
    sentences = tuple(
        Sentence(one.tokens, tuple(turned.get(label, label) for label in one.labels)) for one in tiny_corpus("en")
    )
    dev = {"en": EvaluationSet(Corpus("en", "dev", sentences), "accuracy", None)}
    _, result = run(teachers, "posterior", dev=dev, signals=Turned(shards), lambda_last=1.0)
    assert result.best_dev > 95


def test_signals_come_from_the_shards_unless_a_source_is_given(teachers):
    headers = [artifacts.header for _, artifacts in teachers.values()]
    shards = ShardSignals("exact", headers, DistillConfig().k, torch.device("cpu"))
    given, default = (run(teachers, "exact", updates=5, signals=source)[0] for source in (shards, None))
    same = [torch.equal(a, b) for a, b in zip(given.parameters(), default.parameters(), strict=True)]
    assert all(same)


class Silent:
    """A source that reads nothing: its rows have words and gold labels only."""

    columns = ()

    def signals(self, rows):
        return rows.log_posteriors


def test_a_source_gets_the_columns_that_it_names(teachers):
    with pytest.raises(ArtifactError, match="rows with columns gold, tokens, set have no log_posteriors: read that"):
        run(teachers, "posterior", updates=1, signals=Silent())


def test_the_baseline_never_sees_unlabelled_text(teachers):
    sets = [artifacts for _, artifacts in teachers.values()]
    labelled = StreamConfig(batch_tokens=50, seed=1, labelled_only=True)
    rows = [row for table in stream_epoch(sets, ["gold"], labelled, 0) for row in table["gold"].to_pylist()]
    assert len(rows) == 32
    assert None not in rows
    student, _ = run(teachers, "baseline", updates=1)
    assert set(student.vocabulary.words) >= {"frau", "mrs"}


def test_a_student_knows_the_words_it_sees_by_their_frequency(teachers):
    sets = [artifacts for _, artifacts in teachers.values()]
    for system in ("baseline", "posterior"):
        student, _ = run(teachers, system, updates=1)
        rows = [row for one in sets for row in one.table(["tokens", "gold"]).to_pylist()]
        words = Counter(w for row in rows if system != "baseline" or row["gold"] for w in row["tokens"])
        assert student.vocabulary == Vocabulary.build(words)


def test_sets_with_other_labels_are_refused(teachers, tmp_path):
    teacher, first = teachers["en"]
    corpus = tiny_corpus("de")
    other, _ = train_teacher(
        corpus,
        EvaluationSet(corpus, "spans", "BIOES"),
        LabelSet(tuple(reversed(LABELS.names))),
        tagger=SMALL,
        training=TrainingConfig(updates=1),
        seed=1,
        log=lambda record: None,
    )
    rows, config = text_rows([corpus], None), AnnotationConfig()
    annotate(
        TaggerSource(other), rows, tmp_path / "set", name="de", config=config, provenance={}, log=lambda record: None
    )
    with pytest.raises(ArtifactError, match=r"has the labels E-PER, B-PER, S-LOC, O"):
        run({"en": (teacher, first), "de": (other, ArtifactSet.open(tmp_path / "set"))}, "posterior")
