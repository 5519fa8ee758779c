"""Teachers proved on dev: a teacher below the joint baseline has little to pass on in its language."""

from dataclasses import dataclass

from structkd.pipeline.experiment.grid import BASELINE, TEACHERS
from structkd.pipeline.results.comparisons import Entries, score_rows
from structkd.pipeline.results.tables import score_table


@dataclass(frozen=True)
class Proof:
    """A language's dev scores in percent, means over seeds."""

    language: str
    teacher: float
    baseline: float

    @property
    def failed(self) -> bool:
        """True if the teacher is not better than the baseline."""
        return self.teacher <= self.baseline


def proofs(entries: Entries) -> list[Proof]:
    """Return the languages of a task in which teachers and baseline have dev scores."""
    rows = score_rows(entries)
    languages = rows["language"].unique(maintain_order=True).to_list()
    lines = score_table(rows, languages, "dev", [TEACHERS, BASELINE]).systems
    teachers, baseline = (lines[name].by_language for name in (TEACHERS, BASELINE))
    return [Proof(name, teachers[name], baseline[name]) for name in languages if name in teachers and name in baseline]


def warning(entries: Entries) -> str:
    """Return a warning about teachers that are not better than the baseline on dev; empty if all are."""
    failed = [proof for proof in proofs(entries) if proof.failed]
    if not failed:
        return ""
    listed = ", ".join(f"{one.language} ({one.teacher:.2f} against {one.baseline:.2f})" for one in failed)
    return (
        f"teachers that are not better than the baseline on dev: {listed}. Distilling from them can harm: train them "
        "longer, tune them, or give them a stronger encoder"
    )
