"""`structkd vectors`: make a file of static word vectors from a pretrained encoder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from structkd.pipeline.commands.console import write
from structkd.pipeline.commands.options import Changes, ExperimentName
from structkd.pipeline.experiment.changes import load_changed
from structkd.pipeline.experiment.experiment import Experiment

if TYPE_CHECKING:
    from structkd.corpora.sentences import Split


def vectors(
    experiment: ExperimentName,
    output: Annotated[Path, typer.Argument(help="The file to write; its name must end in .bin.")],
    encoder: Annotated[str, typer.Option(help="A pretrained encoder, as under [[...encoders]]: a folder or a name.")],
    dim: Annotated[int, typer.Option(min=1, help="Numbers of a vector.")] = 64,
    layer: Annotated[int, typer.Option(help="The encoder's layer: 0 is the embeddings, -1 the last.")] = -1,
    words: Annotated[
        Path | None,
        typer.Option(help="Further words, one a line, each encoded by itself.", exists=True, dir_okay=False),
    ] = None,
    changes: Changes = None,
) -> None:
    """Make static word vectors from a pretrained encoder and the words of an experiment's training text."""
    if output.suffix != ".bin":
        raise typer.BadParameter(f"{output}: expected a name that ends in .bin, by which word2vec's files are known")
    from structkd.tagger.config import TransformerConfig
    from structkd.tagger.vectors.making import word_vectors, write_word2vec

    sentences = _sentences(load_changed(experiment, changes))
    others = words.read_text("utf-8").split("\n") if words else []
    config = TransformerConfig(model=encoder, layers=(layer,), subwords="mean")
    found, made = word_vectors(config, sentences, filter(None, others), dim)
    write_word2vec(output, found, made)
    write(f"{output}: {len(found)} words, {dim} numbers each")


def _sentences(experiment: Experiment) -> list[tuple[str, ...]]:
    """Return the words of each sentence that students may learn from."""
    from structkd.pipeline.plan.corpora import Data

    data, found = Data(experiment), list[tuple[str, ...]]()
    for language in experiment.languages:
        splits: tuple[Split, ...] = ("train", *data.texts(language))
        found += [sentence.tokens for split in splits for sentence in data.load(language, split)[0]]
    return found
