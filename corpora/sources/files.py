"""Your own files as a source."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from structkd.corpora.config import FileFormat, new_setting
from structkd.corpora.labelled import read_labelled
from structkd.corpora.lengths import LengthReport
from structkd.corpora.sentences import Corpus, Split
from structkd.corpora.settings import template
from structkd.corpora.sources.base import CorpusRequest


class FileSource(FileFormat):
    """Your own files."""

    name: Literal["files"]
    path: Annotated[str, template("language", "split", needed=["split"])] = Field(
        description="contains {split}, may contain {language}"
    )
    splits: dict[Split, str] = new_setting(
        {}, 'what stands for {split} in the names, where it is another word: dev = "valid"'
    )

    @property
    def settings(self) -> dict[str, Any]:
        """The format of the files."""
        return self.model_dump(exclude={"path", "splits"})

    @property
    def makes_text(self) -> bool:
        """False: files of text are a source of their own."""
        return False

    def identity(self, wanted: CorpusRequest) -> dict[str, Any]:
        """Return the identity: the file's digest and its format."""
        return wanted.identity([wanted.file_digest(self._file(wanted)), self.settings])

    def load(self, wanted: CorpusRequest) -> tuple[Corpus, LengthReport]:
        """Read one of the files."""
        path = self._file(wanted)
        return wanted.take(read_labelled(self, path, wanted.language, wanted.split, wanted.scheme))

    def _file(self, wanted: CorpusRequest) -> Path:
        return Path(self.path.format(language=wanted.language, split=self.splits.get(wanted.split, wanted.split)))
