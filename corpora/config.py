"""Settings in experiment files that several sources of corpora share."""

from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from structkd.corpora.checking import Repair
from structkd.corpora.columns import Comments
from structkd.corpora.sentences import Split
from structkd.corpora.settings import Seed, Settings


def new_setting(default: Any, description: str, **limits: Any) -> Any:
    """Return a setting that was added later; it does not change the names of runs that do not use it."""
    return Field(default, description=description, exclude_if=lambda value: value == default, **limits)


class FileFormat(Settings):
    """The format of a file of labelled sentences."""

    reader: Literal["columns", "conllu", "parquet", "jsonl"] = "columns"
    token_column: int | str = Field(0, description="a number for columns, a name for parquet and jsonl")
    label_column: int | str = Field(-1, description="a number for columns, a name for the others")
    metric: Literal["spans", "accuracy"] = "spans"
    scheme: Literal["IOB1", "IOB2", "BIOES"] = Field(
        "IOB2", description="scheme of the files' labels, if the metric is spans"
    )
    repair: Repair = new_setting(
        "none", "conlleval: labels that are not valid in the scheme are read as that scorer does"
    )
    comments: Comments = new_setting("auto", "lines of columns that begin with # and a blank; see `corpora.columns`")
    missing_label: str = new_setting("_", "of words without the key, for conllu's feats:KEY and misc:KEY")
    label_names: tuple[str, ...] | None = new_setting(
        None, "for parquet and jsonl whose labels are numbers: the first is 0's"
    )

    @model_validator(mode="after")
    def _columns_are_as_the_reader_takes_them(self) -> "FileFormat":
        for key, default in (("token_column", 0), ("label_column", -1)):
            column = getattr(self, key)
            fits = isinstance(column, int) if self.reader == "columns" else isinstance(column, str)
            if column != default and (not fits or (self.reader == "conllu" and key == "token_column")):
                raise PydanticCustomError(
                    key,
                    "found {key} = {column} for reader {reader}; columns have numbers, the others names"
                    + ("; the words of conllu are its forms" if self.reader == "conllu" else ""),
                    {"key": key, "column": repr(column), "reader": self.reader},
                )
        return self

    @model_validator(mode="after")
    def _settings_are_of_the_reader(self) -> "FileFormat":
        readers = {"comments": ("columns",), "missing_label": ("conllu",), "label_names": ("parquet", "jsonl")}
        for key, known in readers.items():
            if self.reader not in known and getattr(self, key) != type(self).model_fields[key].default:
                raise PydanticCustomError(
                    key,
                    "found {key} for reader {reader}; it belongs to {other}",
                    {"key": key, "reader": self.reader, "other": " and ".join(known)},
                )
        return self


class Limits(Settings):
    """Limits on the corpora; sentences are drawn at random by `seed`, None takes all."""

    train: int | None = Field(None, ge=1, description="sentences in each language")
    dev: int | None = Field(None, ge=1, description="sentences in each language")
    test: int | None = Field(None, ge=1, description="sentences in each language")
    seed: Seed = Field(0, description="seed of the draw")
    max_tokens: int = Field(150, ge=1, description="longest sentence in words")
    too_long: Literal["cut", "drop", "keep"] = Field("cut", description="treatment of longer sentences")

    def sentences(self, split: Split) -> int | None:
        """Return the number of sentences drawn from a split; None if there is no limit."""
        return {"train": self.train, "dev": self.dev, "test": self.test}.get(split)
