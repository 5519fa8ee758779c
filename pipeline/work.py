"""What jobs do: train and run a teacher, train and score a student. Results are files, `result.json` the last."""

import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import JsonValue

from artifacts.reader import ArtifactSet
from corpora.files import clear_temporaries, digest_file, digest_json, write_json
from corpora.folds import inside, outside
from corpora.labels import LabelSet
from corpora.sentences import Corpus, label_names
from pipeline.data import Data, describe_limit
from pipeline.engine import Log, Record
from pipeline.experiment import Experiment
from pipeline.features import cost_of
from pipeline.plan import ANNOTATION_CODE, RESULT, STATE, StudentPlan, TeacherPlan, annotated, code_digest
from student.distill import distill
from tagger.checkpoint import WEIGHTS, load_tagger, save_tagger
from tagger.config import TrainingConfig
from tagger.evaluation import EvaluationSet
from tagger.features import FeatureSet
from tagger.model import Tagger
from tagger.ranks import ALONE, Ranks
from tagger.resume import Resume
from tagger.training import TrainingResult
from teachers.annotate import TextRow, annotate, text_rows
from teachers.sources.base import TeacherSource, best_paths
from teachers.sources.opening import open_source
from teachers.sources.tagger import TaggerSource
from teachers.train import train_teacher


def task_labels(experiment: Experiment) -> tuple[str, ...]:
    """The task's labels: the ordered union over the training corpora of all languages."""
    data = Data(experiment)
    corpora = [data.load(language, "train")[0] for language in experiment.languages]
    return LabelSet.union(label_names(corpora)).names


def run_teacher(experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], log: Log) -> None:
    """Stage one for one teacher: whatever of training and annotation is not done."""
    with _journal(plan.folder / "log.jsonl", log) as journal:
        teach = _foreign_teacher if experiment.teacher.external else _own_teacher
        teacher = teach(experiment, plan, labels, journal)
        if not plan.done:
            _annotate(experiment, plan, teacher, journal)


def _foreign_teacher(experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], log: Log) -> TeacherSource:
    """A teacher that was trained elsewhere; its result is its scores."""
    data, began = Data(experiment), time.perf_counter()
    assert experiment.teacher.external is not None
    teacher = open_source(
        experiment.teacher.external, plan.language, LabelSet(labels), data.scheme, experiment.torch_device()
    )
    if not plan.trained:
        row: Record = {"system": "teachers", "fold": None, "seed": experiment.teacher.seed, "updates": 0}
        for split in ("dev", "test"):
            held_out = _evaluation(data, plan.language, split, log)
            row[split] = {plan.language: held_out.score_labels(best_paths(teacher, held_out.corpus))}
        row |= {"parameters": 0, "seconds": time.perf_counter() - began}
        _write_result(plan.folder, row, experiment, plan.digests)
    return teacher


def _own_teacher(experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], log: Log) -> TeacherSource:
    """A teacher that is trained here, if it is not yet."""
    features = _features(plan, log)
    if not plan.trained:
        _train_teacher(experiment, plan, labels, features, log)
    teacher = load_tagger(plan.folder).to(experiment.torch_device())
    teacher.attach(features)
    return TaggerSource(teacher)


def _train_teacher(
    experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], features: Sequence[FeatureSet], log: Log
) -> None:
    data, settings = Data(experiment), experiment.teacher
    train = _lesson(experiment, plan, _load(data, plan.language, "train", log))
    splits = ("dev",) if plan.fold else ("dev", "test")
    held_out = {split: _evaluation(data, plan.language, split, log) for split in splits}
    resume = _resume(plan, settings.training)
    teacher, result = train_teacher(
        train,
        held_out["dev"],
        LabelSet(labels),
        tagger=settings.tagger,
        training=settings.training,
        seed=settings.seed,
        log=log,
        device=experiment.torch_device(),
        resume=resume,
        features=features,
    )
    save_tagger(teacher, plan.folder, _about(experiment, data, [plan.language]))
    scores = {split: {plan.language: corpus.score(teacher)} for split, corpus in held_out.items()}
    row = {
        "system": "teachers",
        "fold": str(plan.fold) if plan.fold else None,
        "seed": settings.seed,
        "train_sentences": len(train),
        "train_tokens": train.tokens,
    }
    _write_result(plan.folder, row | scores | _trained(teacher, result), experiment, plan.digests)
    resume.delete()


def _lesson(experiment: Experiment, plan: TeacherPlan, train: Corpus) -> Corpus:
    """What a teacher is trained on."""
    return outside(train, plan.fold, experiment.teacher.seed) if plan.fold else train


def _annotate(experiment: Experiment, plan: TeacherPlan, teacher: TeacherSource, log: Log) -> None:
    """Write whatever of a teacher's artifact sets is not there."""
    data, language = Data(experiment), plan.language
    train = _load(data, language, "train", log)
    ours = not experiment.teacher.external
    lesson = {sentence.tokens for sentence in _lesson(experiment, plan, train)} if ours else None
    write = partial(_write_set, experiment, plan, teacher, log)
    if plan.artifacts and not annotated(plan.artifacts):
        text = plan.fold is None and data.has_unlabelled(language)
        corpora = [train, *([_load(data, language, "unlabelled", log)] if text else [])]
        rows = text_rows(corpora, lesson)
        if plan.fold:
            rows = [rows[place] for place in inside(train, plan.fold, experiment.teacher.seed)]
        elif experiment.teacher.folds:
            rows = rows[len(train) :]  # the folds' teachers annotate the rest
        write(plan.artifacts, corpora, rows)
    if plan.held_out and not annotated(plan.held_out):
        corpora = [_load(data, language, split, log) for split in ("dev", "test")]
        write(plan.held_out, corpora, text_rows(corpora, lesson))


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
    provenance: dict[str, JsonValue] = {
        "teacher": plan.folder.name,
        "experiment": experiment.name,
        "language": plan.language,
        "fold": str(plan.fold) if plan.fold else None,
        "digests": dict(plan.digests),
        "weights": None if experiment.teacher.external else digest_file(plan.folder / WEIGHTS),
        "corpora": {corpus.split: corpus.digest for corpus in corpora},
        "sentences": {corpus.split: len(corpus) for corpus in corpora},
        "code": {"version": version("structkd"), "digest": code_digest(*ANNOTATION_CODE)},
        "annotation": config.model_dump(),
    }
    annotate(teacher, rows, folder, name=plan.name, config=config, provenance=provenance, log=log)


def run_student(
    experiment: Experiment, plan: StudentPlan, artifacts: tuple[Path, ...], log: Log, ranks: Ranks = ALONE
) -> None:
    """Stage two for one system and seed, from finished artifact sets; of several ranks, the first writes."""
    data, settings = Data(experiment), experiment.student
    with _journal(plan.folder / "log.jsonl", log) if ranks.first else nullcontext(log) as journal:
        sets = [ArtifactSet.open(folder) for folder in artifacts]
        dev = {language: _evaluation(data, language, "dev", journal) for language in experiment.languages}
        resume = _resume(plan, settings.training, [one.identity for one in sets])
        student, result = distill(
            sets,
            dev,
            system=plan.system,
            tagger=settings.tagger,
            training=settings.training,
            config=settings.distill,
            seed=plan.seed,
            log=journal,
            device=experiment.torch_device(),
            resume=resume,
            ranks=ranks,
            features=_features(plan, journal),
        )
        if not ranks.first:
            return
        save_tagger(student, plan.folder, _about(experiment, data, list(experiment.languages)))
        scores = {"dev": _scores(student, dev)}
        scores["test"] = _scores(
            student, {language: _evaluation(data, language, "test", journal) for language in experiment.languages}
        )
        row = {"system": plan.system, "seed": plan.seed}
        _write_result(plan.folder, row | scores | _trained(student, result), experiment, plan.digests)
        resume.delete()


def _features(plan: TeacherPlan | StudentPlan, log: Log) -> list[FeatureSet]:
    """What frozen encoders have said; the log tells what need not be computed again."""
    if plan.features:
        log({"event": "features read", "corpora": len(plan.features), **cost_of(plan.features)})
    return [FeatureSet.open(path) for path in plan.features]


def _resume(plan: TeacherPlan | StudentPlan, training: TrainingConfig, sets: Sequence[str] = ()) -> Resume:
    """Where a training keeps its state until its result is written."""
    return Resume(plan.folder / STATE, digest_json([plan.digests, *sets]), training.checkpoint_seconds)


def _scores(tagger: Tagger, corpora: Mapping[str, EvaluationSet]) -> dict[str, float]:
    return {language: corpus.score(tagger) for language, corpus in corpora.items()}


def _load(data: Data, language: str, split: Any, log: Log) -> Any:
    corpus, report = data.load(language, split)
    limited = describe_limit(corpus, report)
    if limited:
        log(limited)
    return corpus


def _evaluation(data: Data, language: str, split: Any, log: Log) -> EvaluationSet:
    return EvaluationSet(_load(data, language, split, log), data.metric, data.scheme)


def _about(experiment: Experiment, data: Data, languages: list[str]) -> Record:
    return {"experiment": experiment.name, "languages": languages, "metric": data.metric, "scheme": data.scheme}


def _trained(tagger: Tagger, result: TrainingResult) -> Record:
    return asdict(result) | {"parameters": tagger.parameter_count, "device": tagger.device.type}


def _write_result(folder: Path, row: Record, experiment: Experiment, digests: dict[str, str]) -> None:
    about = {
        "experiment": experiment.name,
        **{f"{split}_mean": fmean(row[split].values()) for split in ("dev", "test") if split in row},
        "digests": {"experiment": experiment.digest} | digests,
        "versions": {"structkd": version("structkd"), "torch": version("torch"), "python": platform.python_version()},
    }
    write_json(folder / RESULT, row | about)


@contextmanager
def _journal(path: Path, log: Log) -> Iterator[Log]:
    """Pass records on, and keep all but the single updates as JSON lines; clear away what a killed run left beside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_temporaries(path.parent)
    with path.open("a", encoding="utf-8") as file:

        def write(record: Record) -> None:
            if record["event"] not in ("update", "annotated"):
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                file.flush()
            log(record)

        yield write
