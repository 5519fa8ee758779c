"""The pieces of an experiment as a table."""

from structkd.pipeline.plan.pieces import STATE, Plan, StudentPlan, TeacherPlan, annotated
from structkd.pipeline.plan.stored import is_kept
from structkd.pipeline.report.page.tables import TableView


def pieces_table(plan: Plan, *, students: bool = True) -> TableView:
    """Return all pieces in the order in which they are made: their state, and their folders."""
    rows = [("features", f"{one.language} {one.split}", _state(is_kept(one)), str(one.path)) for one in plan.features]
    for teacher in plan.teachers:
        rows.append(("teacher", teacher.name, _state(is_kept(teacher), teacher), str(teacher.folder)))
        sets = [*teacher.artifacts.items(), *([("dev and test", teacher.held_out)] if teacher.held_out else [])]
        rows += [("set", f"{teacher.name} {split}", _state(annotated(path)), str(path)) for split, path in sets]
    for one in plan.students if students else ():
        rows.append(("student", f"{one.system} seed {one.seed}", _state(is_kept(one), one), str(one.folder)))
    left = sum(row[2] != "finished" for row in rows)
    title = f"{plan.experiment.name}: {len(rows) - left} of {len(rows)} pieces are finished"
    return TableView(title, ("piece", "of", "state", "folder"), rows, left=4)


def _state(done: bool, piece: TeacherPlan | StudentPlan | None = None) -> str:
    if done:
        return "finished"
    return "begun" if piece and (piece.folder / STATE).is_file() else "to do"
