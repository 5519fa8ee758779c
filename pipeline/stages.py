"""The two stages: find what is not done, and have an engine do it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipeline import features
from pipeline.engine import Engine, FirstAlone, InProcess, Job, Listen
from pipeline.plan import STATE, Plan, StudentPlan, TeacherPlan

if TYPE_CHECKING:
    from tagger.ranks import Ranks


class Display(Protocol):
    """Shows progress while jobs run."""

    def watch(self, heading: str, titles: list[str]) -> AbstractContextManager[Listen]:
        """A listener for the records of the jobs with these titles."""
        ...


def _run_features(plan: Plan, pieces: Sequence[TeacherPlan | StudentPlan], engine: Engine, display: Display) -> None:
    """What frozen encoders say of the corpora that some teachers or students need, where it is not there yet."""
    needed = {path for piece in pieces for path in piece.features}
    waiting = [one for one in plan.features if one.path in needed and not one.done]
    if waiting:
        jobs = [
            Job(f"features {one.language} {one.split}", partial(features.run_features, plan.experiment, one))
            for one in waiting
        ]
        _run("Features of frozen encoders", jobs, engine, display)


def run_teachers(plan: Plan, engine: Engine, display: Display) -> int:
    """Stage one. Returns how many teachers had anything left to do."""
    _clear([teacher.folder for teacher in plan.teachers if teacher.trained])
    waiting = [teacher for teacher in plan.teachers if not teacher.done]
    if not waiting:
        return 0
    _run_features(plan, waiting, engine, display)
    from pipeline import teach  # loads torch, which a finished experiment never needs

    labels = teach.task_labels(plan.experiment)
    jobs = [
        Job(f"teacher {teacher.name}", partial(teach.run_teacher, plan.experiment, teacher, labels))
        for teacher in waiting
    ]
    _run("Stage one: teachers", jobs, engine, display)
    return len(waiting)


def run_students(plan: Plan, engine: Engine, display: Display, ranks: "Ranks | None" = None) -> int:
    """Stage two, once stage one is done; each student by all `ranks`. Returns how many students were trained."""
    _clear([student.folder for student in plan.students if student.done])
    waiting = [student for student in plan.students if not student.done]
    if not waiting:
        return 0
    _run_features(plan, waiting, FirstAlone(InProcess(), ranks) if ranks else engine, display)
    from pipeline import learn

    train = partial(learn.run_student, ranks=ranks) if ranks else learn.run_student
    jobs = [
        Job(f"{student.system} seed {student.seed}", partial(train, plan.experiment, student)) for student in waiting
    ]
    _run("Stage two: students", jobs, engine, display)
    return len(waiting)


def _clear(finished: list[Path]) -> None:
    """Take away the states of runs that were killed between their result and the end."""
    for folder in finished:
        (folder / STATE).unlink(missing_ok=True)


def _run(heading: str, jobs: list[Job], engine: Engine, display: Display) -> None:
    with display.watch(heading, [job.title for job in jobs]) as listen:
        engine.run(jobs, listen)
