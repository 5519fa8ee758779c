"""Files of labelled sentences, of any format that is known, in the scheme that is wanted."""

from pathlib import Path

from structkd.corpora.columns import read_columns
from structkd.corpora.config import FileFormat
from structkd.corpora.conllu import read_conllu
from structkd.corpora.parquet import read_parquet
from structkd.corpora.schemes import Scheme, convert
from structkd.corpora.sentences import Corpus, Sentence, Split


def read_labelled(source: FileFormat, path: Path, language: str, split: Split, scheme: Scheme | None) -> Corpus:
    """A labelled file as `source` describes it, its labels converted to `scheme`."""
    return converted(Corpus(language, split, _read_file(source, path)), source.scheme, scheme)


def _read_file(source: FileFormat, path: Path) -> tuple[Sentence, ...]:
    scheme = source.scheme if source.metric == "spans" else None
    if source.reader == "columns":
        return read_columns(
            path, token_column=source.token_column, label_column=int(source.label_column), scheme=scheme
        )
    column = str(source.label_column)
    if source.reader == "conllu":
        return read_conllu(path, column="upos" if column == "-1" else column)
    return read_parquet(path, labels="labels" if column == "-1" else column)


def converted(corpus: Corpus, source: Scheme, target: Scheme | None) -> Corpus:
    """The corpus with its labels in the scheme `target`; as it is where that is None."""
    if target is None:
        return corpus
    sentences = tuple(
        Sentence(s.tokens, None if s.labels is None else convert(s.labels, source, target)) for s in corpus
    )
    return Corpus(corpus.language, corpus.split, sentences)
