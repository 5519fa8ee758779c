"""What jobs do: train and run a teacher, train and score a student. Results are files, `result.json` the last."""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import JsonValue

from artifacts.reader import ArtifactSet
from corpora.files import clear_temporaries, digest_file, digest_json, write_json
from corpora.labels import LabelSet
from corpora.sentences import label_names
from pipeline.data import Data, describe_limit
from pipeline.engine import Log, Record
from pipeline.experiment import Experiment
from pipeline.plan import ANNOTATION_CODE, RESULT, STATE, StudentPlan, TeacherPlan, code_digest
from student.distill import distill
from tagger.checkpoint import WEIGHTS, load_tagger, save_tagger
from tagger.config import TrainingConfig
from tagger.evaluation import EvaluationSet
from tagger.model import Tagger
from tagger.ranks import ALONE, Ranks
from tagger.resume import Resume
from tagger.training import TrainingResult
from teachers.annotate import annotate, text_rows
from teachers.train import train_teacher


def task_labels(experiment: Experiment) -> tuple[str, ...]:
    """The task's labels: the ordered union over the training corpora of all languages."""
    data = Data(experiment)
    corpora = [data.load(language, "train")[0] for language in experiment.languages]
    return LabelSet.union(label_names(corpora)).names


def run_teacher(experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], log: Log) -> None:
    """Stage one for one language: whatever of training and annotation is not done."""
    with _journal(plan.folder / "log.jsonl", log) as journal:
        if not plan.trained:
            _train_teacher(experiment, plan, labels, journal)
        if not plan.annotated:
            _annotate(experiment, plan, journal)


def _train_teacher(experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], log: Log) -> None:
    data, settings = Data(experiment), experiment.teacher
    train = _load(data, plan.language, "train", log)
    dev, test = (_evaluation(data, plan.language, split, log) for split in ("dev", "test"))
    resume = _resume(plan, settings.training)
    teacher, result = train_teacher(
        train,
        dev,
        LabelSet(labels),
        tagger=settings.tagger,
        training=settings.training,
        seed=settings.seed,
        log=log,
        resume=resume,
    )
    save_tagger(teacher, plan.folder, _about(experiment, data, [plan.language]))
    scores = {"dev": {plan.language: dev.score(teacher)}, "test": {plan.language: test.score(teacher)}}
    row = {"system": "teachers", "seed": settings.seed, "train_sentences": len(train), "train_tokens": train.tokens}
    _write_result(plan.folder, row | scores, experiment, plan.digests, teacher, result)
    resume.delete()


def _annotate(experiment: Experiment, plan: TeacherPlan, log: Log) -> None:
    data = Data(experiment)
    corpora = [_load(data, plan.language, "train", log)]
    if data.has_unlabelled(plan.language):
        corpora.append(_load(data, plan.language, "unlabelled", log))
    provenance: dict[str, JsonValue] = {
        "teacher": plan.folder.name,
        "experiment": experiment.name,
        "language": plan.language,
        "digests": dict(plan.digests),
        "weights": digest_file(plan.folder / WEIGHTS),
        "corpora": {corpus.split: corpus.digest for corpus in corpora},
        "code": {"version": version("structkd"), "digest": code_digest(*ANNOTATION_CODE)},
        "annotation": experiment.teacher.annotation.model_dump(),
    }
    annotate(
        load_tagger(plan.folder),
        text_rows(corpora, {sentence.tokens for sentence in corpora[0]}),
        plan.artifacts,
        name=plan.language,
        config=experiment.teacher.annotation,
        provenance=provenance,
        log=log,
    )


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
            resume=resume,
            ranks=ranks,
        )
        if not ranks.first:
            return
        save_tagger(student, plan.folder, _about(experiment, data, list(experiment.languages)))
        scores = {"dev": _scores(student, dev)}
        scores["test"] = _scores(
            student, {language: _evaluation(data, language, "test", journal) for language in experiment.languages}
        )
        row = {"system": plan.system, "seed": plan.seed}
        _write_result(plan.folder, row | scores, experiment, plan.digests, student, result)
        resume.delete()


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


def _write_result(
    folder: Path,
    row: Record,
    experiment: Experiment,
    digests: dict[str, str],
    tagger: Tagger,
    result: TrainingResult,
) -> None:
    about = {
        "experiment": experiment.name,
        "dev_mean": fmean(row["dev"].values()),
        "test_mean": fmean(row["test"].values()),
        "parameters": tagger.parameter_count,
        "digests": {"experiment": experiment.digest} | digests,
        "versions": {"structkd": version("structkd"), "torch": version("torch"), "python": platform.python_version()},
    }
    write_json(folder / RESULT, row | asdict(result) | about)


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
