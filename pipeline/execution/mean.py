"""The job of a mean of teachers: its sets come from those of its parts, and its scores from its set of dev and test."""

import time
from collections.abc import Sequence

from pydantic import JsonValue

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.stores.places import Place
from structkd.ground.records import Log, SetWritten
from structkd.pipeline.execution.annotating import about_set
from structkd.pipeline.execution.claims import CLAIM, claimed
from structkd.pipeline.execution.jobs import held_out, journal, scores, trained_elsewhere, write_result
from structkd.pipeline.execution.sharing import fetch, share
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.experiment.grid import TEACHERS
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import JOURNAL, TeacherPlan, annotated
from structkd.pipeline.plan.stored import is_shared
from structkd.teachers.annotate import annotate
from structkd.teachers.mean import mean_of


def run_mean(experiment: Experiment, plan: TeacherPlan, log: Log) -> None:
    """Write the sets of a mean of teachers, and its scores; skip what is done. Its parts must be finished."""
    with claimed(plan.folder / CLAIM), journal(plan.folder / JOURNAL, log) as told:
        fetch(plan)
        if plan.done:  # by another process, for which this one has waited
            return
        shared = plan.local and is_shared(plan.stored)
        for split, place in plan.artifacts.items():
            _write(experiment, plan, place, [part.artifacts[split] for part in plan.parts], told)
        assert plan.held_out is not None
        _write(experiment, plan, plan.held_out, [part.held_out for part in plan.parts if part.held_out], told)
        if not plan.local:
            _score(experiment, plan, plan.held_out, told)
        if not shared:
            share(plan)


def _write(experiment: Experiment, plan: TeacherPlan, place: Place, parts: Sequence[Place], log: Log) -> None:
    if annotated(place):
        return
    began, sets = time.perf_counter(), [ArtifactSet.open(part) for part in parts]
    mean, rows = mean_of(sets)
    known = sets[0].header.provenance
    provenance: dict[str, JsonValue] = about_set(experiment, plan) | {
        "corpora": known["corpora"],
        "sentences": known["sentences"],
        "parts": [one.identity for one in sets],
    }
    config = experiment.teacher.annotation
    annotate(mean, rows, place, name=plan.name, config=config, provenance=provenance, log=log)
    log(SetWritten(place.name, time.perf_counter() - began))


def _score(experiment: Experiment, plan: TeacherPlan, place: Place, log: Log) -> None:
    """Write the scores of the best paths in the set of dev and test; a mean has none on zero-shot languages."""
    began, artifacts = time.perf_counter(), ArtifactSet.open(place)
    sets = held_out(Data(experiment), [plan.language], log) | {"zero_shot": {}}
    labels: list[tuple[str, ...]] = []
    for table in artifacts.row_groups(["tokens", "paths"]):
        rows = DecodedRows(table)
        best = zip(rows.paths[:, 0], rows.lengths.tolist(), strict=True)
        labels += [artifacts.header.label_set.decode(path[:length]) for path, length in best]
    dev = len(sets["dev"][plan.language].corpus)
    of_split = {"dev": labels[:dev], "test": labels[dev:]}
    found = scores(sets, lambda corpus: corpus.outcomes_of(of_split[corpus.corpus.split]))
    found |= {"system": TEACHERS, "seed": experiment.teacher.seed} | trained_elsewhere(time.perf_counter() - began)
    write_result(plan.folder, found, experiment, plan.digests)
