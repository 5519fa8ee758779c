"""The two stages: find unfinished pieces, and let an engine make them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from structkd.pipeline.execution import features
from structkd.pipeline.execution.claims import CLAIM
from structkd.pipeline.execution.engines import Engine, InProcess
from structkd.pipeline.execution.schedule import Job, Listen, set_name
from structkd.pipeline.execution.sharing import fetch_finished
from structkd.pipeline.plan.features import FeaturePlan
from structkd.pipeline.plan.pieces import STATE, Plan, StudentPlan, TeacherPlan, annotated

if TYPE_CHECKING:
    from structkd.tagger.ranks import Ranks


class Display(Protocol):
    """A display of progress while jobs run."""

    def watch(self, heading: str, titles: list[str]) -> AbstractContextManager[Listen]:
        """Return a context with a listener for the records of the jobs with these titles."""
        ...


def run_teachers(plans: Sequence[Plan], engine: Engine, display: Display) -> int:
    """Run stage one of some experiments. Returns the number of teachers that had work left."""
    fetch_finished(plans)
    # One teacher can have other sets in another experiment: of other texts, or with other annotation.
    teachers = {(teacher.folder, teacher.sets): (plan, teacher) for plan in plans for teacher in plan.teachers}
    _clear(STATE, [teacher.folder for _, teacher in teachers.values() if teacher.local])
    _clear(CLAIM, [teacher.folder for _, teacher in teachers.values() if teacher.done])
    _clear(CLAIM, [text.folder for _, teacher in teachers.values() for text in teacher.texts.values() if text.done])
    waiting = [(plan, teacher) for plan, teacher in teachers.values() if not teacher.done]
    if not waiting:
        return 0
    _check([plan for plan, _ in waiting])
    _run_features(waiting, engine, display)
    _run("Stage one: teachers", _teaching(plans, waiting), engine, display)
    return len(waiting)


def _teaching(plans: Sequence[Plan], waiting: Sequence[tuple[Plan, TeacherPlan]]) -> list[Job]:
    """Return the jobs of some teachers: those that make them, and those of their sets of text, text by text."""
    from structkd.pipeline.execution import mean, ranges, teach  # load torch, which a finished experiment never needs

    labels = {id(plan): teach.task_labels(plan.experiment) for plan in {id(plan): plan for plan, _ in waiting}.values()}
    jobs: list[Job] = []
    sets: dict[Path, list[ranges.TextSet]] = {}
    for plan, teacher in waiting:
        title = title_of(plans, plan, teacher)
        arguments = plan.experiment, teacher, labels[id(plan)]
        needs = tuple(chain.from_iterable(_names(plans, plan, one) for one in teacher.needs))
        run = partial(mean.run_mean, *arguments[:2]) if teacher.parts else partial(teach.run_teacher, *arguments)
        jobs.append(Job(title, run, needs=needs))
        for split, text in teacher.texts.items():
            if not annotated(teacher.artifacts[split]):
                sets.setdefault(text.folder, []).append(ranges.TextSet(title, *arguments, split))
    for folder, of_text in sets.items():
        text = of_text[0].text
        title = f"text {text.language} {text.split}"
        jobs += ranges.text_jobs(title if len(plans) == 1 else f"{title} {folder.name[-8:]}", of_text)
    return jobs


def _names(plans: Sequence[Plan], plan: Plan, teacher: TeacherPlan) -> list[str]:
    """Return the names of the last jobs of a teacher."""
    title = title_of(plans, plan, teacher)
    return [title, *(set_name(title, split) for split in teacher.texts)]


def run_students(plans: Sequence[Plan], engine: Engine, display: Display, ranks: "Ranks | None" = None) -> int:
    """Run stage two after stage one. Returns the number of trained students.

    All `ranks` train each student. The first decides what is left to do: another machine may finish a piece at any
    moment, and ranks that ask one after the other would hear different answers.
    """
    students = {student.folder: (plan, student) for plan in plans for student in plan.students}
    first = ranks is None or ranks.first
    done = [student.done for _, student in students.values()] if first else []
    if ranks:
        done = ranks.from_first(done)
    waiting = [piece for piece, is_done in zip(students.values(), done, strict=True) if not is_done]
    if first:
        finished = [folder for folder, is_done in zip(students, done, strict=True) if is_done]
        for name in (STATE, CLAIM):
            _clear(name, finished)
        _run_features(waiting, engine, display)
    if not waiting:
        return 0
    from structkd.pipeline.execution import learn

    train = partial(learn.run_student, ranks=ranks) if ranks else learn.run_student
    jobs = [
        Job(
            title_of(plans, plan, student),
            partial(train, plan.experiment, student),
        )
        for plan, student in sorted(waiting, key=lambda pair: pair[1].seed)
    ]
    _run("Stage two: students", jobs, InProcess() if ranks else engine, display)
    return len(waiting)


def _check(plans: Sequence[Plan]) -> None:
    """Raise errors early that students would find only after all teachers: no GPU, unusable encoders."""
    from structkd.tagger.encoders.stack import check_encoders

    experiments = {id(plan): plan.experiment for plan in plans}.values()
    for experiment in experiments:
        experiment.torch_device()
    for tagger in {experiment.student.tagger for experiment in experiments}:
        check_encoders(tagger.encoders)


def title_of(plans: Sequence[Plan], plan: Plan, piece: TeacherPlan | StudentPlan) -> str:
    """Return the title of the job that makes a piece; jobs of several experiments also have the folder's digest."""
    title = f"teacher {piece.name}" if isinstance(piece, TeacherPlan) else f"{piece.system} seed {piece.seed}"
    return title if len(plans) == 1 else f"{plan.experiment.name} {title} {piece.folder.name[-8:]}"


def _run_features(pieces: Sequence[tuple[Plan, TeacherPlan | StudentPlan]], engine: Engine, display: Display) -> None:
    """Compute missing features of frozen encoders for the corpora of some teachers or students."""
    needed = {path for _, piece in pieces for path in piece.features}
    experiments = {id(plan): plan.experiment for plan, _ in pieces}
    found = {one.path: (id(plan), one) for plan, _ in pieces for one in plan.features}
    waiting: dict[tuple[int, str, str], list[FeaturePlan]] = {}
    for path, (place, one) in found.items():
        if path in needed and not one.done:
            waiting.setdefault((place, one.digest, one.language), []).append(one)
    if waiting:
        jobs = [
            Job(f"features {language} {digest[:8]}", partial(features.run_features, experiments[place], plans))
            for (place, digest, language), plans in waiting.items()
        ]
        _run("Features of frozen encoders", jobs, engine, display)


def _clear(name: str, finished: list[Path]) -> None:
    """Remove the files of runs that were killed between their result and their end."""
    for path in (folder / name for folder in finished):
        with suppress(OSError):  # a disk that is mounted read-only; what is left over means nothing
            path.unlink(missing_ok=True)


def _run(heading: str, jobs: list[Job], engine: Engine, display: Display) -> None:
    with display.watch(heading, list(dict.fromkeys(job.title for job in jobs))) as listen:
        engine.run(jobs, listen)
