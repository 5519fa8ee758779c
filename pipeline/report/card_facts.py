"""What a model card can know: from the tagger's folder, its result, and its experiment."""

import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from structkd.corpora import catalog
from structkd.corpora.sources.catalog import CatalogSource
from structkd.corpora.sources.demo import DemoSource
from structkd.corpora.sources.files import FileSource
from structkd.corpora.sources.text import CATALOG_TEXT, CatalogText, LeftOverText
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.experiment.grid import TEACHERS
from structkd.pipeline.experiment.teacher import ANSWERS
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import RESULT, StudentPlan, TeacherPlan, make_plan
from structkd.pipeline.report.model_card import Card, Scores, Speed
from structkd.pipeline.results.result import Result, load_result
from structkd.runtime.folder import SETTINGS, open_files
from structkd.runtime.tagging import TextTagger
from structkd.tagger.analysis import TypeScore, analyse, micro
from structkd.tagger.config import StaticVectorsConfig, TaggerConfig, TransformerConfig
from structkd.tagger.model import Tagger
from structkd.teachers.sources.config import CheckpointConfig, HuggingFaceConfig, PredictionsConfig


@dataclass(frozen=True)
class Measured:
    """Scores on the test corpora and the speed there."""

    scores: Scores
    speed: Speed


def make_card(
    name: str, folder: Path, tagger: Tagger, files: Mapping[str, bytes], experiment: Experiment | None
) -> Card:
    """Return the card of an exported tagger.

    Args:
        folder: of the trained tagger.
        files: the exported files by name.
        experiment: that trained it; None if it is not known.

    Raises:
        CorpusError: test corpora of the experiment that cannot be read.
        ResultError: a damaged result.
    """
    exported, result = open_files(files), known_result(folder)
    settings: dict[str, Any] = json.loads(files[SETTINGS])
    about = settings["about"]
    found = measured(exported, experiment) if experiment else None
    return Card(
        name=name,
        licence=about["licence"],
        languages=about["languages"],
        types=sorted({label.partition("-")[2] for label in exported.labels} - {""})
        if exported.scorer.scheme
        else exported.labels,
        metric=about["metric"],
        int8=about["int8"],
        folder_bytes=sum(map(len, files.values())),
        parameters=tagger.parameter_count,
        encoders=encoders_of(tagger.config),
        words=len(settings["vocabulary"]["words"]),
        words_before=len(tagger.vocabulary.words),
        vectors=[len(one["words"]) for one in settings["encoders"] if one["kind"] == "static"],
        system=f"{result.system}, seed {result.seed}" if result else None,
        experiment=result.experiment if result else None,
        teachers=teachers_of(experiment) if experiment else (),
        corpora=corpora_of(experiment) if experiment else (),
        scores=found.scores if found else result_scores(result) if result else {},
        scored="Of this folder on the test corpora." if found else "Of the tagger in training, on the test corpora.",
        speed=found.speed if found else None,
    )


def known_result(folder: Path) -> Result | None:
    """Return the result that a run wrote beside a tagger; None if there is none. Raises ResultError if damaged."""
    return load_result(folder) if (folder / RESULT).is_file() else None


def is_of(result: Result, experiment: Experiment) -> bool:
    """True if a student's or a teacher's settings and corpora are those of an experiment.

    Corpora are compared only within the same results versions, which name the sets that a student learns from.
    """
    if result.system != TEACHERS:
        student = {"systems": (result.system,), "seeds": (result.seed,)}
        experiment = experiment.model_copy(update={"student": experiment.student.model_copy(update=student)})
    plan, found = make_plan(experiment), result.digests
    pieces: list[TeacherPlan | StudentPlan] = [*plan.teachers, *plan.students]
    return any(
        piece.digests["settings"] == found.get("settings")
        and (piece.digests["versions"] != found.get("versions") or piece.digests["corpora"] == found.get("corpora"))
        for piece in pieces
    )


def result_scores(result: Result) -> Scores:
    """Return the counts on test by language and, except for results of earlier versions, by type."""
    if result.by_type is not None:
        return {name: {"": micro(one.scores), **one.scores} for name, one in result.by_type.items()}
    return {
        language: {"": TypeScore(sum(one.right), sum(one.predicted), sum(one.gold))}
        for language, one in result.outcomes.items()
    }


def measured(tagger: TextTagger, experiment: Experiment) -> Measured:
    """Score a tagger on the test corpora of an experiment, by type. Raises CorpusError."""
    data, scores, words, seconds = Data(experiment), dict[str, Mapping[str, TypeScore]](), 0, 0.0
    for language in experiment.languages:
        corpus, _ = data.load(language, "test")
        gold = [sentence.labels or () for sentence in corpus]
        begun = time.perf_counter()
        found = tagger.tag_sentences([sentence.tokens for sentence in corpus])
        seconds, words = seconds + time.perf_counter() - begun, words + corpus.tokens
        analysis = analyse(gold, [one.labels for one in found], tagger.scorer.scheme)
        scores[language] = {"": analysis.micro, **analysis.types}
    return Measured(scores, Speed(words / seconds, _processor()))


def corpora_of(experiment: Experiment) -> list[str]:
    """Return a line on each corpus of an experiment: its name, its origin, and its licence if it is known."""
    return [*_labelled(experiment), *_texts(experiment)]


def _labelled(experiment: Experiment) -> Iterator[str]:
    match experiment.corpus:
        case CatalogSource(name=name):
            yield _catalogued(name)
        case DemoSource():
            yield "demo: sentences from templates, generated by structkd; no licence needed"
        case FileSource():
            yield "files of one's own; their licence is unknown"


def _texts(experiment: Experiment) -> Iterator[str]:
    for text in experiment.unlabelled:
        match text.source:
            case CatalogText():
                yield f"without labels, {_catalogued(CATALOG_TEXT)}"
            case LeftOverText():
                yield "without labels: sentences that the training corpus leaves over"
            case _:
                yield "without labels: files of one's own; their licence is unknown"
    if experiment.augmented:
        yield "without labels: text made from the training corpus"


def _catalogued(name: str) -> str:
    found = catalog.entry(name)
    return f"{name}: {found.origin}; licence: {found.licence}"


def teachers_of(experiment: Experiment) -> list[str]:
    """Return a line on each kind of teacher, without paths of this machine."""
    external = experiment.teacher.external
    if external is None:
        encoders = ", ".join(encoders_of(experiment.teacher.tagger))
        who = ANSWERS[experiment.teacher.answers]
        return [f"{who}, trained by structkd: {encoders}; {experiment.teacher.tagger.hidden} LSTM units"]
    return [_source(source) for source in external.sources]


def _source(source: CheckpointConfig | HuggingFaceConfig | PredictionsConfig) -> str:
    served = "all languages" if source.languages is None else ", ".join(source.languages)
    match source:
        case HuggingFaceConfig():
            return f"{_bare(source.model)} (Hugging Face transformers), for {served}"
        case CheckpointConfig():
            return f"a tagger of structkd, for {served}"
        case _:
            return f"probabilities from files, for {served}"


def encoders_of(tagger: TaggerConfig) -> list[str]:
    """Return the encoders of a tagger in words, without paths of this machine."""
    return [_encoder(encoder) for encoder in tagger.encoders]


def _encoder(encoder: object) -> str:
    match encoder:
        case TransformerConfig():
            return f"{_bare(encoder.model)} ({'frozen' if encoder.frozen else 'fine-tuned'})"
        case StaticVectorsConfig():
            return f"static vectors ({_bare(encoder.path)})"
        case _:
            return str(getattr(encoder, "kind", "unknown"))


def _bare(name: str) -> str:
    """Return a hub's name as it is, of a path its last part."""
    return name if name.count("/") == 1 and not name.startswith((".", "~", "/")) else Path(name).name


def _processor() -> str:
    try:
        lines: Sequence[str] = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = ()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
