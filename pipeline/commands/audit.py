"""`structkd audit`: likely label errors, contradictions, and text that is worth labelling."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from structkd.corpora.settings import did_you_mean
from structkd.pipeline.commands.console import make_console
from structkd.pipeline.commands.frames import check_output, write_frame
from structkd.pipeline.commands.options import Changes, ExperimentName, Runs, runs_again, runs_place
from structkd.pipeline.experiment.changes import load_changed
from structkd.pipeline.experiment.parsing import ExperimentError
from structkd.pipeline.plan.pieces import RUNS, Plan, annotated, make_plan

if TYPE_CHECKING:
    import polars as pl

    from structkd.artifacts.reader import ArtifactSet
    from structkd.corpora.sentences import Split

PATTERNS = 10

Top = Annotated[int, typer.Option(min=1, help="Number of rows of each table.")]
Languages = Annotated[
    list[str] | None, typer.Option("--language", help="Only this language; may be repeated.", show_default="all")
]
Output = Annotated[Path | None, typer.Option(help="A .parquet or .csv file for all rows of the first table.")]
Unlabelled = Annotated[
    bool, typer.Option("--unlabelled", help="Rank the unlabelled text instead: what is worth labelling next.")
]


def audit(
    experiment: ExperimentName = "demo",
    top: Top = 20,
    language: Languages = None,
    output: Output = None,
    unlabelled: Unlabelled = False,
    runs: Runs = str(RUNS),
    changes: Changes = None,
) -> None:
    """List likely label errors of the training corpora, by teachers that have not seen the sentences."""
    check_output(output)
    plan = make_plan(load_changed(experiment, changes), runs_place(runs))
    wanted = _languages(plan, language)
    again = "".join(f" --set {change}" for change in changes or ()) + runs_again(runs)
    if not unlabelled:
        _check_unseen(plan, experiment + again)
    sets = _sets(plan, wanted, "unlabelled" if unlabelled else "train", experiment + again)
    console = make_console()
    found = _uncertain(console, sets, top, output) if unlabelled else _issues(console, plan, sets, top)
    if output:
        write_frame(output, found)
        console.print(f"{output}: {len(found):,} rows", soft_wrap=True)


def _languages(plan: Plan, given: Sequence[str] | None) -> tuple[str, ...]:
    known = plan.experiment.languages
    for name in given or ():
        if name not in known:
            listed = f"{plan.experiment.name} has {', '.join(known)}"
            raise ExperimentError(f"--language {name}: {listed}{did_you_mean(name, known)}")
    return tuple(given) if given else known


def _check_unseen(plan: Plan, command: str) -> None:
    """Raise ExperimentError if the teachers have seen the sentences; print a warning if nobody knows."""
    teacher = plan.experiment.teacher
    if teacher.external:
        warning = "warning: the teachers were trained elsewhere; errors in sentences that they have seen are not found"
        make_console(stderr=True).print(warning, style="yellow", soft_wrap=True)
    elif not teacher.folds:
        raise ExperimentError(
            f"{plan.experiment.name}: teacher.folds is 0, so each teacher was trained on the sentences that it "
            "annotates, and repeats their errors; train teachers of folds with\n"
            f"  structkd teachers {command} --set teacher.folds=5\nthen run\n"
            f"  structkd audit {command} --set teacher.folds=5"
        )


def _sets(plan: Plan, languages: Sequence[str], split: "Split", command: str) -> "list[ArtifactSet]":
    from structkd.artifacts.reader import ArtifactSet

    mine = [teacher for teacher in plan.teachers if teacher.language in languages and split in teacher.lessons]
    if not mine:
        raise ExperimentError(f"{plan.experiment.name}: no unlabelled text; name some under [unlabelled]")
    for teacher in mine:
        if not annotated(teacher.lessons[split]):
            raise ExperimentError(
                f"{teacher.lessons[split]}: not finished; run `structkd teachers {command}`, which makes it"
            )
    return [ArtifactSet.open(teacher.lessons[split], verify=False) for teacher in mine]


def _issues(console: Console, plan: Plan, sets: "Sequence[ArtifactSet]", top: int) -> "pl.DataFrame":
    from structkd.artifacts.auditing import label_issues
    from structkd.artifacts.duplicates import contradictions
    from structkd.pipeline.plan.corpora import Data
    from structkd.pipeline.report.audits import contradictions_table, issues_table, patterns_table

    found, ways = label_issues(sets, Data(plan.experiment).scheme), contradictions(sets)
    places = found.select("language", "sentence_id").n_unique()
    words, sentences = (sum(getattr(one, what) for one in sets) for what in ("tokens", "rows"))
    console.print(
        f"{sentences:,} sentences, {words:,} words: the teachers differ from gold at {len(found):,} places in "
        f"{places:,} sentences",
        soft_wrap=True,
    )
    if len(found):
        console.print(issues_table(found, top))
        console.print(patterns_table(found, min(top, PATTERNS)))
    if len(ways):
        console.print(contradictions_table(ways, top))
    return found


def _uncertain(console: Console, sets: "Sequence[ArtifactSet]", top: int, output: Path | None) -> "pl.DataFrame":
    from structkd.artifacts.uncertainty import most_uncertain
    from structkd.pipeline.report.audits import uncertain_table

    found = most_uncertain(sets, None if output else top)
    console.print(uncertain_table(found, top))
    return found
