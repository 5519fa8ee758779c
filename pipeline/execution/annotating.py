"""Writing a teacher's answers about its own corpora, and what names every set: header and provenance."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version

from pydantic import JsonValue

from structkd.artifacts.stores.places import Place
from structkd.corpora.folds import inside
from structkd.corpora.labels import LabelSet
from structkd.corpora.prepared import PreparedText
from structkd.corpora.sentences import Corpus, Sentence
from structkd.ground.files import digest_file
from structkd.ground.records import LabelsUnknown, Log, SetWritten
from structkd.pipeline.execution.hidden import hidden_source
from structkd.pipeline.execution.jobs import lesson, load
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import TeacherPlan, annotated
from structkd.pipeline.plan.versions import ANNOTATION, code_digest, versions_of
from structkd.pipeline.results.provenance import made_by
from structkd.tagger.checkpoint import WEIGHTS, load_tagger
from structkd.tagger.features import FeatureSet
from structkd.teachers.annotate import TextRow, TrainedOn, annotate, text_rows
from structkd.teachers.sources.base import TeacherSource
from structkd.teachers.sources.opening import open_source
from structkd.teachers.sources.tagger import TaggerSource


def open_teacher(
    experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], features: Sequence[FeatureSet]
) -> TeacherSource:
    """Open a teacher that is trained, here or elsewhere."""
    device = experiment.torch_device()
    if external := experiment.teacher.external:
        return open_source(external, plan.language, LabelSet(labels), Data(experiment).scheme, device, features)
    teacher = load_tagger((plan.joint or plan).folder).to(device)
    teacher.attach(features)
    return hidden_source(experiment, plan, teacher) if experiment.teacher.annotation.hidden else TaggerSource(teacher)


def trained_on(experiment: Experiment, plan: TeacherPlan, train: Corpus) -> TrainedOn:
    """Return the sentences that a teacher was trained on, by their words."""
    if experiment.teacher.external:
        return None
    data, corpora = Data(experiment), [lesson(experiment, plan, train)]
    if plan.joint:
        corpora += [data.load(other, "train")[0] for other in experiment.languages if other != plan.language]
    return {sentence.tokens for corpus in corpora for sentence in corpus}


def annotate_own(experiment: Experiment, plan: TeacherPlan, teacher: TeacherSource, log: Log) -> None:
    """Write a teacher's missing sets of its training corpus, and of dev and test."""
    own, held_out = _missing(plan.artifacts.get("train")), _missing(plan.held_out)
    if not (own or held_out):
        return
    data, language = Data(experiment), plan.language
    train = load(data, language, "train", log)
    known = trained_on(experiment, plan, train)
    write = partial(_write_set, experiment, plan, teacher, log)
    if own:
        rows = text_rows([train], known)
        if plan.fold:
            rows = [rows[place] for place in inside(train, plan.fold, experiment.teacher.seed)]
        write(own, [train], rows)
    if held_out:
        corpora = [_known(load(data, language, split, log), teacher.labels, log) for split in ("dev", "test")]
        write(held_out, corpora, text_rows(corpora, known))


def _missing(folder: Place | None) -> Place | None:
    return None if folder is None or annotated(folder) else folder


def _known(corpus: Corpus, labels: LabelSet, log: Log) -> Corpus:
    """Remove the gold labels of sentences with a label that no training corpus has, because it has no id."""
    fits = [sentence.labels is None or labels.ids.keys() >= set(sentence.labels) for sentence in corpus]
    if not all(fits):
        log(LabelsUnknown(corpus.split, fits.count(False)))
    pairs = zip(corpus, fits, strict=True)
    sentences = (sentence if fit else Sentence(sentence.tokens) for sentence, fit in pairs)
    return replace(corpus, sentences=tuple(sentences))


def _write_set(
    experiment: Experiment,
    plan: TeacherPlan,
    teacher: TeacherSource,
    log: Log,
    folder: Place,
    corpora: Sequence[Corpus],
    rows: Sequence[TextRow],
) -> None:
    began = time.perf_counter()
    annotate(
        teacher,
        rows,
        folder,
        name=plan.name,
        config=experiment.teacher.annotation,
        provenance=provenance_of(experiment, plan, corpora),
        log=log,
    )
    log(SetWritten(folder.name, time.perf_counter() - began))


def provenance_of(
    experiment: Experiment, plan: TeacherPlan, corpora: Sequence[Corpus | PreparedText]
) -> dict[str, JsonValue]:
    """Return the provenance of a teacher's set over some corpora."""
    provenance: dict[str, JsonValue] = about_set(experiment, plan) | {
        "weights": None if experiment.teacher.external else digest_file((plan.joint or plan).folder / WEIGHTS),
        "corpora": {corpus.split: corpus.digest for corpus in corpora},
        "sentences": {corpus.split: len(corpus) for corpus in corpora},
    }
    if any(corpus.changes for corpus in corpora):
        provenance["changes"] = {corpus.split: asdict(corpus.changes) for corpus in corpora}
    return provenance


def about_set(experiment: Experiment, plan: TeacherPlan) -> dict[str, JsonValue]:
    """Return the part of a set's provenance that does not depend on its text."""
    made = plan.digests | made_by(plan.folder)  # other code may have trained it
    return {
        "teacher": plan.folder.name,
        "experiment": experiment.name,
        "language": plan.language,
        "fold": str(plan.fold) if plan.fold else None,
        "digests": {name: made[name] for name in plan.digests},
        "code": {
            "version": version("structkd"),
            "results": versions_of(ANNOTATION),
            "digest": code_digest(*ANNOTATION),
        },
        "annotation": experiment.teacher.annotation.model_dump(),
    }
