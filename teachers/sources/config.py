"""Settings in experiment files of teachers that were trained elsewhere."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from structkd.corpora.settings import Settings, template
from structkd.tagger.config import PRECISION, Precision, Subword

ModelScheme = Literal["IO", "IOB1", "IOB2", "BIOES"]
TaskScheme = Literal["IOB2", "BIOES"]
Unmapped = Literal["error", "renormalise", "outside"]
Rule = Literal["mean", "product"]


class SourceError(ValueError):
    """An unusable teacher; the message names it, what was found, what was expected and what to do."""


class _Source(Settings):
    languages: tuple[str, ...] | None = Field(None, description="languages that it serves; None: all")
    weight: float = Field(1.0, gt=0, description="weight of this source if several are combined")


class LabelConfig(Settings):
    """The mapping from a teacher's labels to the task's; see `teachers.sources.mapping`."""

    labels: tuple[str, ...] | None = Field(
        None, description="the teacher's labels in its order; None: the source's own list"
    )
    scheme: ModelScheme = Field("IOB2", description="scheme of the teacher's labels, if the task has spans")
    rename: dict[str, str] = Field({}, description="from the teacher's types (for spans) or tags to the task's")
    unmapped: Unmapped = Field(
        "error",
        description="if label sets differ: an error; renormalise: drop the mass of labels that the task lacks and "
        "renormalise the rest; outside: move it to O",
    )


class CheckpointConfig(_Source):
    """A tagger of this project."""

    kind: Literal["checkpoint"] = "checkpoint"
    folder: Annotated[str, template("language")] = Field(description="folder of the checkpoint; may contain {language}")

    def folder_of(self, language: str) -> Path:
        """Return the folder of a language's checkpoint."""
        return Path(self.folder.format(language=language))


class HuggingFaceConfig(_Source, LabelConfig):
    """A token classification model of Hugging Face transformers."""

    kind: Literal["huggingface"] = "huggingface"
    model: Annotated[str, template("language")] = Field(
        description="a local folder, a name or name@revision; may contain {language}"
    )
    subwords: Subword = Field("first", description="the subword whose distribution the word takes, or the mean")
    window: int | None = Field(None, ge=1, description="subwords at once; None: the model's own limit")
    precision: Precision = Field("auto", description=PRECISION)

    def model_of(self, language: str) -> str:
        """Return the name of a language's model."""
        return self.model.format(language=language)


class PredictionsConfig(_Source, LabelConfig):
    """Probabilities on disk, see `teachers.sources.predictions`."""

    kind: Literal["predictions"] = "predictions"
    path: Annotated[str, template("language", "split")] = Field(
        description=".jsonl or .parquet; contains {split}, may contain {language}"
    )

    def file(self, language: str, split: str) -> Path:
        """Return the file for a corpus."""
        return Path(self.path.format(language=language, split=split))


SourceConfig = Annotated[CheckpointConfig | HuggingFaceConfig | PredictionsConfig, Field(discriminator="kind")]


class SourcesConfig(Settings):
    """The teachers of an experiment: each language has the sources that serve it, combined if there are several."""

    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    combine: Rule = Field("mean", description="mean of posteriors, or product of experts")

    @model_validator(mode="after")
    def _a_file_is_of_one_corpus(self) -> "SourcesConfig":
        for source in self.sources:
            if isinstance(source, PredictionsConfig) and "{split}" not in source.path:
                raise ValueError(f"found path = {source.path!r}; a file is of one corpus: put {{split}} into it")
        return self

    def on_disk(self, language: str) -> bool:
        """True if a language's teacher only answers for text that has a file."""
        return any(isinstance(source, PredictionsConfig) for source in self.serving(language))

    def serving(self, language: str) -> tuple[SourceConfig, ...]:
        """Return the sources of a language. Raises SourceError if none serves it."""
        serving = tuple(source for source in self.sources if source.languages is None or language in source.languages)
        if not serving:
            served = sorted({known for source in self.sources for known in source.languages or ()})
            raise SourceError(
                f"teacher.external.sources: none serves {language!r}, only {', '.join(served)}; "
                "add it to the `languages` of one, or leave them out"
            )
        return serving
