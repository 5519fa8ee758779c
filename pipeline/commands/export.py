"""`structkd export`: a trained tagger as a folder that needs neither torch nor this package."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from structkd.pipeline.commands.console import write
from structkd.pipeline.commands.options import Changes, TaggerFolder

if TYPE_CHECKING:
    from structkd.pipeline.experiment.experiment import Experiment

LICENCE = typer.Option(help="Licence of what you export: a name of spdx.org/licenses, or other.")
WORDS = typer.Option(min=0, help="Keep the N most frequent words of the vocabulary.", show_default="all")
VECTORS = typer.Option(min=0, help="Keep a file of vectors' first N words, beside those of the vocabulary.")
SUBWORDS = typer.Option(
    help="Text, a sentence a line: keep the subwords of its words alone, of a pretrained encoder.", exists=True
)
EXPERIMENT = typer.Option(
    help="The experiment that trained it, a name or a path that ends in .toml. Its teachers and corpora stand in the "
    "card, with the scores and the speed of the exported tagger on the test corpora.",
)


def export(
    student: TaggerFolder,
    out: Annotated[Path, typer.Argument(help="The folder to write, new or empty.")],
    licence: Annotated[str, LICENCE],
    int8: Annotated[bool, typer.Option("--int8", help="Round weights to 8 bits.")] = False,
    words: Annotated[int | None, WORDS] = None,
    vectors: Annotated[int, VECTORS] = 0,
    subwords: Annotated[list[Path] | None, SUBWORDS] = None,
    experiment: Annotated[str | None, EXPERIMENT] = None,
    changes: Changes = None,
) -> None:
    """Export a tagger: a folder with all that its use needs, and a model card."""
    from structkd.tagger.exporting.faults import check_packages

    if not licence.strip():
        raise typer.BadParameter("found no name of a licence; expected one of spdx.org/licenses, or other")
    check_packages()
    from structkd.pipeline.experiment.changes import load_if_named
    from structkd.pipeline.report.card_facts import make_card
    from structkd.pipeline.report.model_card import render
    from structkd.runtime.folder import CARD
    from structkd.tagger.description import TaggerDescription, describe, scored
    from structkd.tagger.exporting.folder import check_new, exported_files, write_folder
    from structkd.tagger.texts import TorchScorer, load_text_tagger

    check_new(out)
    metric, described = scored(student).metric, describe(student, TaggerDescription)
    trained_by = load_if_named(experiment, changes)
    _check_experiment(student, described.about, trained_by)
    scorer = load_text_tagger(student).scorer
    assert isinstance(scorer, TorchScorer)
    about = {"licence": licence, "metric": metric, "int8": int8, "languages": described.about.get("languages", [])}
    text = _words(subwords) if subwords else None
    files = exported_files(scorer, about, words=words, rows=vectors, text=text, int8=int8)
    card = make_card(out.absolute().name, student, scorer.tagger, files, trained_by)
    files[CARD] = render(card).encode()
    write_folder(out, files)
    write(f"{out}: {sum(map(len, files.values())) / 1e6:.2f} MB; structkd.runtime.load({str(out)!r}) opens it")


def _words(files: list[Path]) -> list[str]:
    """Return the distinct words of text."""
    from structkd.corpora.lines import read_lines
    from structkd.runtime.splitting import split

    return sorted({word.text for file in files for line in read_lines(file) for word in split(line)})


def _check_experiment(student: Path, about: "dict[str, Any]", experiment: "Experiment | None") -> None:
    """Refuse an experiment that has not trained the student."""
    from structkd.pipeline.report.card_facts import is_of, known_result

    if not experiment:
        return
    name = about.get("experiment")
    if name not in (None, experiment.name):
        raise typer.BadParameter(f"{student} was trained by the experiment {name!r}, found {experiment.name!r}")
    result = known_result(student)
    if result and not is_of(result, experiment):
        raise typer.BadParameter(
            f"{student} was trained with other settings or corpora than those of {experiment.name!r}; repeat each "
            "--set of its training, or leave out --experiment"
        )
