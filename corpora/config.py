"""Settings that sources of corpora share, as experiment files state them."""

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from structkd.corpora.sentences import Split
from structkd.corpora.settings import Settings


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


class Limits(Settings):
    """How much of the corpora to use; sentences are drawn at random by `seed`, None takes all."""

    train: int | None = Field(None, ge=1, description="sentences in each language")
    dev: int | None = Field(None, ge=1, description="sentences in each language")
    test: int | None = Field(None, ge=1, description="sentences in each language")
    seed: int = Field(0, ge=0, description="of the draw")
    max_tokens: int = Field(150, ge=1, description="longest sentence in words")
    too_long: Literal["cut", "drop", "keep"] = Field("cut", description="what becomes of longer ones")

    def sentences(self, split: Split) -> int | None:
        """How many of a split are drawn; None for one that has no limit here."""
        return {"train": self.train, "dev": self.dev, "test": self.test}.get(split)
