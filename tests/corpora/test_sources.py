"""Each source names a corpus without reading it, and then reads or makes that corpus."""

from dataclasses import dataclass, replace

import pytest

from structkd.corpora import augment
from structkd.corpora.config import Limits
from structkd.corpora.demo import generator_digest
from structkd.corpora.sentences import Corpus, CorpusError, Sentence
from structkd.corpora.sources.augmented import AugmentedText
from structkd.corpora.sources.base import CorpusRequest
from structkd.corpora.sources.catalog import CatalogSource, ZeroShot
from structkd.corpora.sources.demo import DemoSource
from structkd.corpora.sources.files import FileSource
from structkd.corpora.sources.text import JoinedText, UnlabelledText
from structkd.ground.files import digest_bytes, digest_json

LIMITS = Limits(train=3, seed=7, max_tokens=4)
LONG = LIMITS.model_copy(update={"max_tokens": 150})
COLUMNS = "".join(f"Ada{place} B-PER\nsaw{place} O\n\n" for place in range(8))
LINES = "".join(f"line {place}\n" for place in range(8))
FILES = {
    "own/en.train": COLUMNS,
    "own/en.txt": LINES,
    "conll/en/train.tsv": COLUMNS.replace(" ", "\t"),
    "unlabelled/en.txt": LINES,
    "zeroshot/wikiann/da.tsv": COLUMNS.replace(" ", "\t"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A root of the catalog with one's own files beside."""
    monkeypatch.setenv("STRUCTKD_CORPORA", str(tmp_path))
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@dataclass(frozen=True)
class Repeated:
    """A source that no one has thought of: one sentence, many times. It has no settings and touches no other file."""

    settings = {"name": "repeated"}  # noqa: RUF012
    metric = "accuracy"
    makes_text = False
    times: int = 5

    def identity(self, wanted):
        return wanted.identity(["repeated", self.times])

    def load(self, wanted):
        sentences = tuple(Sentence((f"word{place}", "!"), ("X", "P")) for place in range(self.times))
        return wanted.take(Corpus(wanted.language, wanted.split, sentences))


def asked(split, labelled=Repeated(), *, language="en", sentences=None, scheme="BIOES", limits=LIMITS):
    return CorpusRequest("tiny", language, split, scheme, limits, sentences, labelled)


@dataclass(frozen=True)
class Case:
    """A source, what it is asked for, and what is expected of it."""

    source: object
    wanted: CorpusRequest
    origin: list
    """What the identity says beside the request."""
    drawn: int | None
    """How many sentences the identity says are drawn."""
    size: int
    prefixes: set
    """Of the labels."""


def cases(folder):
    own = FileSource(name="files", path=f"{folder}/own/{{language}}.{{split}}")
    form = {"reader": "columns", "token_column": 0, "label_column": -1, "metric": "spans", "scheme": "IOB2"}
    demo = DemoSource(name="demo", train={"en": 60}, unlabelled=60)
    shots, train = ZeroShot(name="zeroshot-wikiann", languages=("da",), sentences=2), asked("train", sentences=3)
    text, mine = UnlabelledText(sentences=2), UnlabelledText(path=f"{folder}/own/{{language}}.txt", sentences=2)

    def file(name):
        return digest_bytes(FILES[name].encode())

    made = ["demo", generator_digest(), 1, 60]
    people, repeated = {"S", "O"}, {"name": "repeated"}
    return {
        "demo": Case(demo, asked("train", limits=LONG, sentences=50), made, 50, 50, set("BIESO")),
        "the demo's text": Case(demo, asked("unlabelled", limits=LONG), made, None, 60, set()),
        "catalog": Case(
            CatalogSource(name="conll"), train, [file("conll/en/train.tsv"), {"name": "conll"}], 3, 3, people
        ),
        "files": Case(own, train, [file("own/en.train"), {"name": "files"} | form], 3, 3, people),
        "zero_shot": Case(shots, asked("zero_shot", language="da"), [file("zeroshot/wikiann/da.tsv")], 2, 2, people),
        "the catalog's text": Case(text, asked("unlabelled"), [file("unlabelled/en.txt"), repeated], 2, 2, set()),
        "text from files": Case(mine, asked("unlabelled"), [file("own/en.txt"), repeated], 2, 2, set()),
    }


NAMES = list(cases("x"))


@pytest.fixture(params=NAMES)
def case(request, folder):
    """Each source in turn."""
    return cases(folder)[request.param]


def test_an_identity_is_what_it_has_always_been(case):
    """A change of one orphans finished runs, and the rows of their results."""
    wanted = case.wanted
    assert case.source.identity(wanted) == {
        "language": wanted.language,
        "split": "zero-shot" if wanted.split == "zero_shot" else wanted.split,
        "source": case.origin,
        "scheme": "BIOES",
        "max_tokens": wanted.limits.max_tokens,
        "too_long": "cut",
        "sentences": case.drawn,
        "seed": 7,
    }


def test_a_corpus_is_converted_and_drawn_from(case):
    corpus, _ = case.source.load(case.wanted)
    assert (corpus.language, corpus.split, len(corpus)) == (case.wanted.language, case.wanted.split, case.size)
    assert {label[0] for sentence in corpus for label in sentence.labels or ()} == case.prefixes
    assert case.source.load(case.wanted)[0] == corpus


def test_a_corpus_is_cut_to_the_length_limit_first(case):
    wanted = replace(case.wanted, limits=LIMITS.model_copy(update={"max_tokens": 1}))
    corpus, report = case.source.load(wanted)
    assert all(len(sentence) == 1 for sentence in corpus)
    assert report.long_sentences > 0


def test_text_that_is_made_has_the_identity_of_what_it_is_made_from():
    source, train = AugmentedText(copies=2), Repeated().identity(asked("train", sentences=3))
    made = {"augmented": source.model_dump(), "version": augment.VERSION}
    assert source.identity(asked("augmented")) == train | {"split": "augmented"} | made
    left_over = UnlabelledText(path="train", sentences=2).identity(asked("unlabelled"))
    assert left_over == train | {"split": "unlabelled", "left_over": 2}


def test_text_is_made_from_a_training_corpus_of_any_source():
    augmented, _ = AugmentedText(copies=2).load(asked("augmented"))
    assert (augmented.split, len(augmented)) == ("augmented", 2 * 3)
    train, _ = Repeated().load(asked("train", sentences=3, scheme=None))
    rest, _ = UnlabelledText(path="train").load(asked("unlabelled", scheme=None))
    assert rest.split == "unlabelled"
    assert {sentence.tokens for sentence in rest}.isdisjoint(sentence.tokens for sentence in train)
    assert (len(train), len(rest)) == (3, 2)
    assert all(sentence.labels is None for sentence in rest)


@pytest.mark.parametrize("name", [name for name in NAMES if "demo" not in name])
def test_an_identity_follows_a_file_that_it_does_not_parse(folder, name):
    case = cases(folder)[name]
    before = case.source.identity(case.wanted)
    for file in FILES:
        (folder / file).write_text("\n\t \n", "utf-8")
    assert case.source.identity(case.wanted) != before
    with pytest.raises(CorpusError):
        case.source.load(case.wanted)
    for file in FILES:
        (folder / file).unlink()
    needs = f"no such file; experiment tiny needs it for {case.wanted.language} {case.wanted.split}"
    with pytest.raises(CorpusError, match=needs):
        case.source.identity(case.wanted)


def test_an_identity_follows_all_that_a_corpus_is_taken_by(case):
    limits = case.wanted.limits
    changes = [{"seed": 8}, {"max_tokens": 3}, {"too_long": "drop"}]
    changed = [replace(case.wanted, limits=limits.model_copy(update=update)) for update in changes]
    requests = [case.wanted, replace(case.wanted, scheme="IOB2"), *changed]
    assert len({digest_json(case.source.identity(request)) for request in requests}) == len(requests)


def test_texts_are_joined_and_one_alone_keeps_its_identity(folder):
    texts = [UnlabelledText(sentences=2), UnlabelledText(path=f"{folder}/own/{{language}}.txt", sentences=3)]
    first, second = (text.identity(asked("unlabelled")) for text in texts)
    assert JoinedText(texts[:1]).identity(asked("unlabelled")) == first
    both = JoinedText(texts)
    assert both.identity(asked("unlabelled")) == {"language": "en", "split": "unlabelled", "texts": [first, second]}
    parts = [text.load(asked("unlabelled")) for text in texts]
    corpus, report = both.load(asked("unlabelled"))
    assert corpus.sentences == parts[0][0].sentences + parts[1][0].sentences
    assert report == parts[0][1] + parts[1][1]
