"""An experiment's corpora: read, converted and limited; and identified without reading."""

from dataclasses import asdict
from typing import Any

from structkd.corpora.lengths import LengthReport
from structkd.corpora.schemes import Metric
from structkd.corpora.sentences import Corpus, CorpusError, Sentences, Split, Text
from structkd.corpora.sources.base import CorpusRequest, CorpusSource, LabelledSource, Stream, streamed
from structkd.corpora.sources.text import JoinedText, UnlabelledText
from structkd.ground.records import LengthLimited
from structkd.pipeline.experiment.experiment import Experiment
from structkd.teachers.sources.config import TaskScheme


class Data:
    """The corpora of an experiment.

    Every corpus is converted to the experiment's scheme, cut to `limits.max_tokens` and sampled.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.labelled: LabelledSource = experiment.corpus

    @property
    def metric(self) -> Metric:
        """The metric: the corpus's span F1 or accuracy."""
        return self.labelled.metric

    @property
    def scheme(self) -> TaskScheme | None:
        """The label scheme of the taggers; None for tags."""
        return self.experiment.scheme if self.metric == "spans" else None

    def corpora(self) -> list[tuple[str, Split]]:
        """The language and split of every corpus that is read."""
        known = [(language, split) for language in self.experiment.languages for split in self.splits(language)]
        return known + [(language, "zero_shot") for language in self.zero_shot_languages]

    @property
    def zero_shot_languages(self) -> tuple[str, ...]:
        """Languages for scoring only."""
        return self.experiment.zero_shot.languages if self.experiment.zero_shot else ()

    def texts(self, language: str) -> tuple[Text, ...]:
        """Return the texts that teachers annotate in a language beside its training corpus."""
        has_unlabelled = self.labelled.makes_text or bool(self._unlabelled(language))
        found: dict[Text, bool] = {"unlabelled": has_unlabelled, "augmented": self.experiment.augmented is not None}
        return tuple(text for text, there in found.items() if there)

    def splits(self, language: str) -> tuple[Split, ...]:
        """Return the corpora of a training language."""
        return ("train", "dev", "test", *self.texts(language))

    def load(self, language: str, split: Split) -> tuple[Corpus, LengthReport]:
        """Load a corpus for the taggers, with the report of the length limit.

        Raises:
            CorpusError: a missing or malformed file, or nothing left after the limits.
        """
        return self._source(language, split).load(self._request(language, split))

    def stream(self, language: str, split: Text) -> Stream:
        """Yield the sentences of `load` one by one; text in files is never in memory as a whole. Raises as `load`."""
        source, request = self._source(language, split), self._request(language, split)
        return source.stream(request) if isinstance(source, JoinedText) else streamed(*source.load(request))

    def identity(self, language: str, split: Split) -> dict[str, Any]:
        """Return what determines the content of `load`, without reading sentences: equal identities, equal corpora.

        Raises:
            CorpusError: a missing file.
        """
        return self._source(language, split).identity(self._request(language, split))

    def _request(self, language: str, split: Split) -> CorpusRequest:
        limits = self.experiment.limits
        return CorpusRequest(
            experiment=self.experiment.name,
            language=language,
            split=split,
            scheme=self.scheme,
            limits=limits,
            sentences=limits.sentences(split),
            labelled=self.labelled,
        )

    def _source(self, language: str, split: Split) -> CorpusSource:
        """Return the source of a corpus. Raises CorpusError for one that the experiment does not have."""
        texts = self._unlabelled(language)
        text = JoinedText(texts) if texts else None
        found: dict[Split, CorpusSource | None] = {
            "unlabelled": self.labelled if self.labelled.makes_text else text,
            "augmented": self.experiment.augmented,
            "zero_shot": self.experiment.zero_shot,
        }
        source = found.get(split, self.labelled)
        if source is None:
            raise CorpusError(f"{self.experiment.name} has no {language} {split}; add it to the experiment file")
        return source

    def _unlabelled(self, language: str) -> tuple[UnlabelledText, ...]:
        """Return the source of a language's text."""
        return tuple(text for text in self.experiment.unlabelled if text.serves(language))


def describe_limit(corpus: Sentences, report: LengthReport) -> LengthLimited | None:
    """Return a record of the length limit's effects; None if every sentence was short enough."""
    if not report.long_sentences:
        return None
    return LengthLimited(corpus.language, corpus.split, **asdict(report))
