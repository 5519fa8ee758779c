"""A job of stage one: train a teacher, or open one from elsewhere, score it, and write its answers."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from pydantic import JsonValue

from structkd.corpora.faults import explained
from structkd.corpora.files import digest_file
from structkd.corpora.folds import inside, outside
from structkd.corpora.labels import LabelSet
from structkd.corpora.records import LabelsUnknown, Log, Restarted, SetWritten
from structkd.corpora.sentences import Corpus, Sentence, label_names
from structkd.pipeline.execution.claims import CLAIM, claimed
from structkd.pipeline.execution.jobs import (
    about,
    held_out,
    journal,
    load,
    made_by_training,
    open_features,
    scores,
    trained,
    trained_elsewhere,
    training_state,
    write_result,
)
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.experiment.grid import TEACHERS
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import JOURNAL, RESULT, TeacherPlan, annotated
from structkd.pipeline.plan.versions import ANNOTATION, code_digest, versions_of
from structkd.pipeline.results.provenance import made_by
from structkd.tagger.checkpoint import WEIGHTS, load_tagger, save_tagger
from structkd.tagger.description import CheckpointError
from structkd.tagger.features import FeatureSet
from structkd.teachers.annotate import TextRow, annotate, text_rows
from structkd.teachers.sources.base import TeacherSource, best_paths
from structkd.teachers.sources.opening import open_source
from structkd.teachers.sources.tagger import TaggerSource
from structkd.teachers.train import train_teacher


def task_labels(experiment: Experiment) -> tuple[str, ...]:
    """Return the task's labels: the ordered union over the training corpora of all languages."""
    data = Data(experiment)
    corpora = [data.load(language, "train")[0] for language in experiment.languages]
    return LabelSet.union(label_names(corpora)).names


def run_teacher(experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], log: Log) -> None:
    """Run stage one for one teacher: the unfinished parts of training and annotation."""
    with claimed(plan.folder / CLAIM):
        if not plan.done:  # by another process, for which this one has waited
            _teach(experiment, plan, labels, log)


def _teach(experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], log: Log) -> None:
    with journal(plan.folder / JOURNAL, log) as told:
        teach = _foreign_teacher if experiment.teacher.external else _own_teacher
        teacher = teach(experiment, plan, labels, told)
        if not plan.done:
            _annotate(experiment, plan, teacher, told)


def _foreign_teacher(experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], log: Log) -> TeacherSource:
    """Open a teacher that was trained elsewhere; its result contains its scores."""
    data, began = Data(experiment), time.perf_counter()
    assert experiment.teacher.external is not None
    teacher = open_source(
        experiment.teacher.external,
        plan.language,
        LabelSet(labels),
        data.scheme,
        experiment.torch_device(),
        open_features(plan, log),
    )
    if not plan.trained:
        sets = held_out(data, [plan.language], log)
        if experiment.teacher.external.on_disk(plan.language):
            sets["zero_shot"] = {}
        found = scores(sets, lambda corpus: corpus.outcomes_of(best_paths(teacher, corpus.corpus)))
        found |= {"system": TEACHERS, "seed": experiment.teacher.seed}
        found |= trained_elsewhere(time.perf_counter() - began)
        write_result(plan.folder, found, experiment, plan.digests)
    return teacher


def _own_teacher(experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], log: Log) -> TeacherSource:
    """Return a teacher of this project; train it if it is not trained yet."""
    features = open_features(plan, log)
    if plan.trained and (fault := _damage(plan)):
        log(Restarted(fault))
        with explained(plan.folder / RESULT, "written"):
            (plan.folder / RESULT).unlink()  # first: what follows may be killed
    if not plan.trained:
        _train_teacher(experiment, plan, labels, features, log)
    teacher = load_tagger(plan.folder).to(experiment.torch_device())
    teacher.attach(features)
    return TaggerSource(teacher)


def _damage(plan: TeacherPlan) -> str | None:
    """Return the fault of a trained teacher's checkpoint, if any."""
    try:
        load_tagger(plan.folder)
    except CheckpointError as error:
        return str(error)
    return None


def _train_teacher(
    experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], features: Sequence[FeatureSet], log: Log
) -> None:
    data, settings = Data(experiment), experiment.teacher
    train = _lesson(experiment, plan, load(data, plan.language, "train", log))
    sets = held_out(data, [plan.language], log)
    resume = training_state(plan, settings.training)
    teacher, result = train_teacher(
        train,
        sets["dev"][plan.language],
        LabelSet(labels),
        tagger=settings.tagger.in_language(plan.language),
        training=settings.training,
        seed=settings.seed,
        log=log,
        device=experiment.torch_device(),
        resume=resume,
        features=features,
    )
    save_tagger(teacher, plan.folder, about(experiment, data, [plan.language]))
    judges = {"dev": sets["dev"], "test": {}, "zero_shot": {}} if plan.fold else sets
    found = {
        "system": TEACHERS,
        "fold": str(plan.fold) if plan.fold else None,
        "seed": settings.seed,
        "train_sentences": len(train),
        "train_tokens": train.tokens,
    }
    found |= scores(judges, lambda corpus: corpus.outcomes(teacher)) | trained(teacher, result)
    write_result(plan.folder, found, experiment, made_by_training(plan, resume))
    resume.delete()


def _lesson(experiment: Experiment, plan: TeacherPlan, train: Corpus) -> Corpus:
    """Return the training data of a teacher."""
    return outside(train, plan.fold, experiment.teacher.seed) if plan.fold else train


def _annotate(experiment: Experiment, plan: TeacherPlan, teacher: TeacherSource, log: Log) -> None:
    """Write a teacher's missing artifact sets."""
    data, language = Data(experiment), plan.language
    train = load(data, language, "train", log)
    ours = not experiment.teacher.external
    lesson = {sentence.tokens for sentence in _lesson(experiment, plan, train)} if ours else None
    write = partial(_write_set, experiment, plan, teacher, log)
    for split, folder in plan.artifacts.items():
        if annotated(folder):
            continue
        corpus = train if split == "train" else load(data, language, split, log)
        rows = text_rows([corpus], lesson)
        if plan.fold:
            rows = [rows[place] for place in inside(train, plan.fold, experiment.teacher.seed)]
        write(folder, [corpus], rows)
    if plan.held_out and not annotated(plan.held_out):
        corpora = [_known(load(data, language, split, log), teacher.labels, log) for split in ("dev", "test")]
        write(plan.held_out, corpora, text_rows(corpora, lesson))


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
    folder: Path,
    corpora: Sequence[Corpus],
    rows: Sequence[TextRow],
) -> None:
    config = experiment.teacher.annotation
    made = plan.digests | made_by(plan.folder)  # other code may have trained it
    provenance: dict[str, JsonValue] = {
        "teacher": plan.folder.name,
        "experiment": experiment.name,
        "language": plan.language,
        "fold": str(plan.fold) if plan.fold else None,
        "digests": {name: made[name] for name in plan.digests},
        "weights": None if experiment.teacher.external else digest_file(plan.folder / WEIGHTS),
        "corpora": {corpus.split: corpus.digest for corpus in corpora},
        "sentences": {corpus.split: len(corpus) for corpus in corpora},
        "code": {
            "version": version("structkd"),
            "results": versions_of(ANNOTATION),
            "digest": code_digest(*ANNOTATION),
        },
        "annotation": config.model_dump(),
    }
    if any(corpus.changes for corpus in corpora):
        provenance["changes"] = {corpus.split: asdict(corpus.changes) for corpus in corpora}
    began = time.perf_counter()
    annotate(teacher, rows, folder, name=plan.name, config=config, provenance=provenance, log=log)
    log(SetWritten(folder.name, time.perf_counter() - began))
