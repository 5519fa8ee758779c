"""What a tracker gets: every number that a teacher or a student tells, in one run for each."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from structkd.ground.records import DevScored, Finished, LeftAside, Record, Resumed, read_journal
from structkd.pipeline.execution.schedule import Listen
from structkd.pipeline.execution.stages import Display, title_of
from structkd.pipeline.execution.trackers import Kind, Run, Tracker, open_tracker
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.pieces import JOURNAL, Plan, StudentPlan, TeacherPlan
from structkd.pipeline.results.result import Result, load_result


def tracked(display: Display, kind: Kind | None, plans: Sequence[Plan]) -> Display:
    """Return a display that also tells a tracker of the pieces of some plans. Raises TrackerError."""
    return Tracked(display, open_tracker(kind), plans) if kind else display


class Tracked:
    """A display that tells a tracker, too. It runs in the one process that hears all workers."""

    def __init__(self, display: Display, tracker: Tracker, plans: Sequence[Plan]) -> None:
        self._display, self._tracker = display, tracker
        self._pieces: dict[str, tuple[Plan, TeacherPlan | StudentPlan]] = {}
        for plan in plans:
            pieces: list[TeacherPlan | StudentPlan] = [*plan.teachers, *plan.students]
            self._pieces |= {title_of(plans, plan, piece): (plan, piece) for piece in pieces}

    @contextmanager
    def watch(self, heading: str, titles: list[str]) -> Iterator[Listen]:
        """See `pipeline.execution.stages.Display`."""
        pieces = {title: _Piece(self._tracker, *self._pieces[title]) for title in titles if title in self._pieces}
        with self._display.watch(heading, titles) as listen:

            def told(title: str, record: Record) -> None:
                listen(title, record)
                try:
                    if title in pieces:
                        pieces[title].hear(record)
                except Exception as error:  # of a library, a disk or a database: the training is worth more
                    del pieces[title]
                    listen(title, LeftAside(f"tracking ({type(error).__name__}: {' '.join(str(error).split())})"))

            try:
                yield told
            finally:
                for piece in pieces.values():
                    with suppress(Exception):
                        piece.close()


class _Piece:
    """A piece's run. It is opened late: the first record of a training says whether it goes on or starts again."""

    def __init__(self, tracker: Tracker, plan: Plan, piece: TeacherPlan | StudentPlan) -> None:
        self._tracker, self._plan, self._piece = tracker, plan, piece
        self._run: Run | None = None

    def hear(self, record: Record) -> None:
        match record:
            case Resumed():
                self._open(fresh=False)
            case DevScored():
                _log(self._run or self._open(fresh=True), record)
            case Finished():
                result = load_result(self._piece.folder)
                told = [*read_journal(self._piece.folder / JOURNAL), record]
                (self._run or self._open(fresh=False)).finish(final_scalars(result, told), result.updates)
                self.close()

    def _open(self, *, fresh: bool) -> Run:
        """Open the run, and tell it what an earlier command, or one without a tracker, has left in the journal."""
        self._run = run = self._tracker.open(
            self._plan.folder, self._piece.folder.name, settings_of(self._plan.experiment, self._piece), fresh=fresh
        )
        for record in curve(read_journal(self._piece.folder / JOURNAL)):
            _log(run, record)
        return run

    def close(self) -> None:
        if self._run:
            self._run.close()


def _log(run: Run, record: DevScored) -> None:
    if record.update > run.last:
        scalars = {f"training/{name}": value for name, value in asdict(record).items() if name != "update"}
        run.log(scalars, record.update)


def curve(records: Iterable[Record]) -> list[DevScored]:
    """Return a training's scores from its journal, without those that a kill made it compute twice."""
    found: list[DevScored] = []
    for record in records:
        if isinstance(record, Resumed | DevScored):
            kept = record.update + isinstance(record, Resumed)
            found = [one for one in found if one.update < kept]
        if isinstance(record, DevScored):
            found.append(record)
    return found


def final_scalars(result: Result, told: Iterable[Record]) -> dict[str, float]:
    """Return a finished piece's scores by corpus and language, its costs, and the numbers of its other records."""
    corpora = {"dev": result.dev, "test": result.test, "zero_shot": result.zero_shot}
    found = {f"{split}/{language}": score for split, scores in corpora.items() for language, score in scores.items()}
    found |= {f"result/{name}": value for name, value in _numbers(result.model_dump()).items() if name != "seed"}
    for record in told:
        if not isinstance(record, DevScored | Resumed):
            fields = asdict(record)
            place = [fields[name] for name in ("language", "split", "set") if name in fields]
            found |= {"/".join([record.event, *place, name]): value for name, value in _numbers(fields).items()}
    return found


def _numbers(fields: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in fields.items() if isinstance(value, int | float)}


def settings_of(experiment: Experiment, piece: TeacherPlan | StudentPlan) -> dict[str, str | int | float | bool]:
    """Return the settings of a piece by dotted names; lists are JSON."""
    settings = experiment.model_dump(mode="json", exclude_none=True)
    if isinstance(piece, TeacherPlan):
        del settings["student"]
        return _flat(settings | {"language": piece.language, "fold": str(piece.fold or "")})
    return _flat(settings | {"system": piece.system, "seed": piece.seed})


def _flat(settings: dict[str, Any], before: str = "") -> dict[str, str | int | float | bool]:
    found: dict[str, str | int | float | bool] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[before + name] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
    return found
