"""Files of labelled sentences, of any known format, in any known scheme."""

from dataclasses import replace
from pathlib import Path

from structkd.corpora.columns import read_columns
from structkd.corpora.config import FileFormat
from structkd.corpora.conllu import read_conllu
from structkd.corpora.jsonl import read_jsonl
from structkd.corpora.parquet import read_parquet
from structkd.corpora.schemes import Scheme, convert
from structkd.corpora.sentences import Corpus, Reading, Sentence, Split


def read_labelled(source: FileFormat, path: Path, language: str, split: Split, scheme: Scheme | None) -> Corpus:
    """Read a labelled file in the format of `source`, and convert its labels to `scheme`."""
    found = _read_file(source, path)
    return converted(Corpus(language, split, found.sentences, found.changes), source.scheme, scheme)


def _read_file(source: FileFormat, path: Path) -> Reading:
    scheme = source.scheme if source.metric == "spans" else None
    column = None if source.label_column == -1 else str(source.label_column)
    if source.reader == "columns":
        return read_columns(
            path,
            token_column=int(source.token_column),
            label_column=int(source.label_column),
            scheme=scheme,
            repair=source.repair,
            comments=source.comments,
        )
    if source.reader == "conllu":
        missing = source.missing_label
        return read_conllu(path, column=column or "upos", scheme=scheme, repair=source.repair, missing_label=missing)
    read = read_jsonl if source.reader == "jsonl" else read_parquet
    return read(
        path,
        tokens="tokens" if source.token_column == 0 else str(source.token_column),
        labels=column or "labels",
        names=source.label_names,
        scheme=scheme,
        repair=source.repair,
    )


def converted(corpus: Corpus, source: Scheme, target: Scheme | None) -> Corpus:
    """Return the corpus with its labels in the scheme `target`; unchanged if that is None."""
    if target is None:
        return corpus
    sentences = tuple(
        Sentence(s.tokens, None if s.labels is None else convert(s.labels, source, target)) for s in corpus
    )
    return replace(corpus, sentences=sentences)
