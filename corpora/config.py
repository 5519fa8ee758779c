"""Settings of where sentences come from, as experiment files state them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from structkd.corpora.settings import Settings, template


class DemoSource(Settings):
    """The generated corpus, made on the spot."""

    name: Literal["demo"]
    seed: int = Field(1, ge=0, description="of the generator")
    train: dict[str, int] = Field(description="sentences by language")
    dev: int = Field(200, ge=1, description="sentences in each language")
    test: int = Field(500, ge=1, description="sentences in each language")
    unlabelled: int = Field(0, ge=0, description="sentences in each language for the teachers to annotate")


class CatalogSource(Settings):
    """Corpora of the catalog, found under $STRUCTKD_CORPORA."""

    name: Literal["conll", "absa", "wikiann", "ud", "conllu"]


class FileFormat(Settings):
    """What a file of labelled sentences looks like."""

    reader: Literal["columns", "conllu", "parquet"] = "columns"
    token_column: int = Field(0, description="for columns")
    label_column: int | str = Field(-1, description="a number for columns, a name for conllu and parquet")
    metric: Literal["spans", "accuracy"] = "spans"
    scheme: Literal["IOB1", "IOB2", "BIOES"] = Field("IOB2", description="of the files, where the metric is spans")

    @model_validator(mode="after")
    def _column_is_as_the_reader_takes_it(self) -> "FileFormat":
        if isinstance(self.label_column, int) != (self.reader == "columns") and self.label_column != -1:
            raise PydanticCustomError(
                "label_column",
                "found label_column = {column} for reader {reader}; columns have numbers, conllu and parquet names",
                {"column": repr(self.label_column), "reader": self.reader},
            )
        return self


class FileSource(FileFormat):
    """Your own files."""

    name: Literal["files"]
    path: Annotated[str, template("language", "split", needed=["split"])] = Field(
        description="with {language} and {split} in it"
    )


Source = Annotated[DemoSource | CatalogSource | FileSource, Field(discriminator="name")]


class Limits(Settings):
    """How much of the corpora to use; sentences are drawn at random by `seed`, None takes all."""

    train: int | None = Field(None, ge=1, description="sentences in each language")
    dev: int | None = Field(None, ge=1, description="sentences in each language")
    test: int | None = Field(None, ge=1, description="sentences in each language")
    seed: int = Field(0, ge=0, description="of the draw")
    max_tokens: int = Field(150, ge=1, description="longest sentence in words")
    too_long: Literal["cut", "drop", "keep"] = Field("cut", description="what becomes of longer ones")


class UnlabelledText(Settings):
    """Text that the teachers annotate beside their training corpora."""

    path: Annotated[str, template("language")] = Field(
        "catalog",
        description="`catalog`; `train`: the training sentences that limits.train leaves over, without their labels; "
        "or a path with {language}: a sentence a line",
    )
    languages: tuple[str, ...] | None = Field(None, description="those that have it; None: all of the experiment")
    sentences: int | None = Field(None, ge=1, description="in each language")

    def serves(self, language: str) -> bool:
        """Whether a language of the experiment has such text."""
        return self.languages is None or language in self.languages


class AugmentedText(Settings):
    """Text made from the training corpora for the teachers to annotate; see `corpora.augment`."""

    copies: int = Field(3, ge=1, description="of each training sentence, changed each time")
    replace: float = Field(0.2, ge=0, le=1, description="probability that a word becomes another one of the corpus")
    mask: float = Field(0.0, ge=0, le=1, description="probability that a word is masked")
    join: float = Field(0.5, ge=0, le=1, description="probability that a sentence is cut and joined with another one")
    seed: int = Field(0, ge=0, description="of all that is drawn")


class ZeroShot(Settings):
    """Languages that nobody is trained on, to be scored."""

    name: Literal["zeroshot-wikiann", "zeroshot-ud"]
    languages: tuple[str, ...] = Field(min_length=1)
    sentences: int | None = Field(None, ge=1, description="in each language")
