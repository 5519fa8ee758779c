"""An experiment's corpora: read, converted, limited; and named without being read."""

from dataclasses import asdict
from functools import lru_cache, reduce
from operator import add
from pathlib import Path
from typing import Any

from structkd.corpora import augment, catalog
from structkd.corpora.config import CatalogSource, DemoSource, FileSource, UnlabelledText
from structkd.corpora.demo import demo_corpus, generator_digest
from structkd.corpora.files import digest_unchanged
from structkd.corpora.labelled import converted, read_labelled
from structkd.corpora.lengths import LengthReport, limit_lengths
from structkd.corpora.sentences import Corpus, CorpusError, Sentence, Split, Text
from structkd.corpora.text import read_text
from structkd.pipeline.experiment.experiment import Experiment
from structkd.tagger.config import Metric
from structkd.teachers.sources.config import TaskScheme

CATALOG_TEXT = "unlabelled"  # the catalog's name for text without labels


class Data:
    """Where an experiment's sentences come from.

    Every corpus is converted to the experiment's scheme, cut to `limits.max_tokens` and sampled.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.source = experiment.corpus

    @property
    def metric(self) -> Metric:
        """Span F1 or accuracy, as the corpus has it."""
        if isinstance(self.source, CatalogSource):
            metric = catalog.entry(self.source.name).metric
            assert metric is not None
            return metric
        return self.source.metric if isinstance(self.source, FileSource) else "spans"

    @property
    def scheme(self) -> TaskScheme | None:
        """The scheme of the labels that the taggers see; None for tags."""
        return self.experiment.scheme if self.metric == "spans" else None

    def corpora(self) -> list[tuple[str, Split]]:
        """The language and split of all that is read."""
        known = [(language, split) for language in self.experiment.languages for split in self.splits(language)]
        return known + [(language, "zero-shot") for language in self.zero_shot_languages]

    @property
    def zero_shot_languages(self) -> tuple[str, ...]:
        """Languages that are scored and not trained on."""
        return self.experiment.zero_shot.languages if self.experiment.zero_shot else ()

    def texts(self, language: str) -> tuple[Text, ...]:
        """What teachers annotate in a language beside its training corpus."""
        if isinstance(self.source, DemoSource):
            has_unlabelled = self.source.unlabelled > 0
        else:
            has_unlabelled = bool(self._unlabelled(language))
        found: dict[Text, bool] = {"unlabelled": has_unlabelled, "augmented": self.experiment.augmented is not None}
        return tuple(text for text, there in found.items() if there)

    def splits(self, language: str) -> tuple[Split, ...]:
        """The corpora of a language that is trained on."""
        return ("train", "dev", "test", *self.texts(language))

    def load(self, language: str, split: Split) -> tuple[Corpus, LengthReport]:
        """A corpus as the taggers take it, and what the length limit did.

        Raises:
            CorpusError: a missing or malformed file, or nothing left after the limits.
        """
        if split == "augmented":
            train, report = self.load(language, "train")
            assert self.experiment.augmented is not None
            return augment.augment(train, **self.experiment.augmented.model_dump()), report
        if split == "unlabelled" and not isinstance(self.source, DemoSource):
            parts = [self._load_text(text, language) for text in self._unlabelled(language)]
            sentences = tuple(sentence for part, _ in parts for sentence in part)
            return Corpus(language, split, sentences), reduce(add, (report for _, report in parts))
        corpus, report = self._limited(self._read(language, split))
        corpus = corpus.sample(self._limit(split), self.experiment.limits.seed)
        if not len(corpus):
            raise CorpusError(f"{self.experiment.name}: {language} {split} has no sentences")
        return corpus, report

    def identity(self, language: str, split: Split) -> dict[str, Any]:
        """What determines the content of `load`, found without reading sentences: equal identities, equal corpora.

        Raises:
            CorpusError: a missing file.
        """
        if split == "augmented":
            assert self.experiment.augmented is not None
            made = {"augmented": self.experiment.augmented.model_dump(), "version": augment.VERSION}
            return self.identity(language, "train") | {"split": split} | made
        if split == "unlabelled" and not isinstance(self.source, DemoSource):
            texts = [self._text_identity(text, language) for text in self._unlabelled(language)]
            return texts[0] if len(texts) == 1 else {"language": language, "split": split, "texts": texts}
        return self._identity(language, split, self._source_identity(language, split), self._limit(split))

    def _identity(self, language: str, split: Split, source: Any, sentences: int | None) -> dict[str, Any]:
        limits = self.experiment.limits
        return {
            "language": language,
            "split": split,
            "source": source,
            "scheme": self.scheme,
            "max_tokens": limits.max_tokens,
            "too_long": limits.too_long,
            "sentences": sentences,
            "seed": limits.seed,
        }

    def _unlabelled(self, language: str) -> tuple[UnlabelledText, ...]:
        """Where a language has text from."""
        return tuple(text for text in self.experiment.unlabelled if text.serves(language))

    def _load_text(self, text: UnlabelledText, language: str) -> tuple[Corpus, LengthReport]:
        limits = self.experiment.limits
        if text.path == "train":
            whole, report = self._limited(self._read(language, "train"))
            corpus = _left_over(whole, whole.sample(limits.train, limits.seed))
            place = f"limits.train = {limits.train} leaves no sentence of {language} over"
        else:
            path = _text_path(text, language)
            corpus, report = self._limited(Corpus(language, "unlabelled", read_text(path)))
            place = f"{path} has no sentence of at most limits.max_tokens = {limits.max_tokens} words"
        if not len(corpus):
            raise CorpusError(f"{self.experiment.name}: {place}; take {language} out of unlabelled.languages")
        return corpus.sample(text.sentences, limits.seed), report

    def _text_identity(self, text: UnlabelledText, language: str) -> dict[str, Any]:
        if text.path == "train":
            return self.identity(language, "train") | {"split": "unlabelled", "left_over": text.sentences}
        digest = self._file_digest(_text_path(text, language), language, "unlabelled")
        return self._identity(language, "unlabelled", [digest, self._file_format()], text.sentences)

    def _limited(self, corpus: Corpus) -> tuple[Corpus, LengthReport]:
        limits = self.experiment.limits
        return limit_lengths(corpus, limits.max_tokens, limits.too_long, scheme=self.scheme)

    def _limit(self, split: Split) -> int | None:
        if split == "zero-shot":
            return self.experiment.zero_shot.sentences if self.experiment.zero_shot else None
        if split == "unlabelled":  # the demo's, which makes as many as it is asked for
            return None
        limit: int | None = getattr(self.experiment.limits, split)
        return limit

    def _source_identity(self, language: str, split: Split) -> Any:
        if isinstance(self.source, DemoSource) and split != "zero-shot":
            return ["demo", generator_digest(), self.source.seed, self._demo_sentences(language, split)]
        digest = self._file_digest(self._path(language, split), language, split)
        return [digest] if split == "zero-shot" else [digest, self._file_format()]

    def _file_format(self) -> dict[str, Any]:
        return self.source.model_dump(exclude={"path"})

    def _file_digest(self, path: Path, language: str, split: Split) -> str:
        if not path.is_file():
            raise CorpusError(
                f"{path}: no such file; experiment {self.experiment.name} needs it for {language} {split} "
                f"(corpora of the catalog lie under ${catalog.ROOT_VARIABLE})"
            )
        return digest_unchanged(path)

    def _demo_sentences(self, language: str, split: Split) -> int:
        assert isinstance(self.source, DemoSource)
        if split != "train":
            return int(getattr(self.source, split))
        if language not in self.source.train:
            raise CorpusError(
                f"{self.experiment.name}: corpus.train has no size for {language}, "
                f"only for {', '.join(self.source.train)}"
            )
        return self.source.train[language]

    def _path(self, language: str, split: Split) -> Path:
        if split == "zero-shot":
            assert self.experiment.zero_shot is not None
            return catalog.source_path(self.experiment.zero_shot.name, language, "test")
        if isinstance(self.source, CatalogSource):
            return catalog.source_path(self.source.name, language, split)
        assert isinstance(self.source, FileSource)
        return Path(self.source.path.format(language=language, split=split))

    def _read(self, language: str, split: Split) -> Corpus:
        if split == "zero-shot":
            assert self.experiment.zero_shot is not None
            found = catalog.load(self.experiment.zero_shot.name, language, "test", scheme=self.scheme)
            return Corpus(language, split, found.sentences)
        if isinstance(self.source, DemoSource):
            corpus = _demo(language, split, self._demo_sentences(language, split), self.source.seed)
            return converted(corpus, "IOB2", self.scheme)
        if isinstance(self.source, CatalogSource):
            return catalog.load(self.source.name, language, split, scheme=self.scheme)
        return read_labelled(self.source, self._path(language, split), language, split, self.scheme)


def _text_path(text: UnlabelledText, language: str) -> Path:
    if text.path == "catalog":
        return catalog.source_path(CATALOG_TEXT, language, "unlabelled")
    return Path(text.path.format(language=language))


def _left_over(corpus: Corpus, taken: Corpus) -> Corpus:
    """The sentences of `corpus` whose words no sentence of `taken` has, without labels."""
    known = {sentence.tokens for sentence in taken}
    left = (Sentence(sentence.tokens) for sentence in corpus if sentence.tokens not in known)
    return Corpus(corpus.language, "unlabelled", tuple(left))


@lru_cache(maxsize=32)
def _demo(language: str, split: Split, sentences: int, seed: int) -> Corpus:
    return demo_corpus(language, split, sentences=sentences, seed=seed)


def describe_limit(corpus: Corpus, report: LengthReport) -> dict[str, Any] | None:
    """A record of what the length limit did; None where every sentence was short enough."""
    if not report.long_sentences:
        return None
    return {"event": "limited", "language": corpus.language, "split": corpus.split} | asdict(report)
