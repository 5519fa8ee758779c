"""Likely label errors of a corpus, from the answers of teachers that have not seen its sentences.

Where the gold labels and a teacher's best path contain different spans, the words of these spans are an issue. Both
ways to label the words have a probability under the teacher's chain, summed over all labels of the other words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from structkd.artifacts.header import SetHeader
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.corpora.schemes import Span, repaired, spans
from structkd.runtime.chain import Chain, ChainBatch
from structkd.runtime.spans import Scheme

COLUMNS = ["sentence_id", "language", "teacher", "seen", "tokens", "gold", "paths", "emissions"]
SCHEMA: dict[str, type[pl.DataType]] = {
    "language": pl.String,
    "sentence_id": pl.Int64,
    "start": pl.Int64,
    "end": pl.Int64,
    "score": pl.Float64,
    "kind": pl.String,
    "before": pl.String,
    "words": pl.String,
    "after": pl.String,
    "gold": pl.String,
    "gold_types": pl.String,
    "p_gold": pl.Float64,
    "teachers": pl.String,
    "teachers_types": pl.String,
    "p_teachers": pl.Float64,
    "set": pl.String,
    "row": pl.Int64,
}


@dataclass(frozen=True)
class Issue:
    """The words `start` to `end` (exclusive) of a sentence, and the spans that gold and the teacher have there."""

    start: int
    end: int
    gold: tuple[Span, ...]
    teacher: tuple[Span, ...]

    @property
    def kind(self) -> str:
        """The fault of gold, if the teacher is right: missing (no span), extra (a span), type, borders, or both."""
        if not self.gold:
            return "missing"
        if not self.teacher:
            return "extra"
        of_type = {span.type for span in self.gold} == {span.type for span in self.teacher}
        borders = [[(span.start, span.end) for span in found] for found in (self.gold, self.teacher)]
        return "type" if borders[0] == borders[1] else "borders" if of_type else "type, borders"


def issues_of(gold: Sequence[str], best: Sequence[str], scheme: Scheme | None) -> list[Issue]:
    """Return the places at which two label sequences contain different spans, in order.

    Spans that overlap are one issue. With `scheme` None labels are tags, and each word is a span.
    """
    mine, theirs = ({*_spans(labels, scheme)} for labels in (gold, best))
    groups: list[list[Span]] = []
    for span in sorted(mine ^ theirs):
        if not groups or span.start >= max(one.end for one in groups[-1]):
            groups.append([])
        groups[-1].append(span)
    return [
        Issue(
            group[0].start,
            max(span.end for span in group),
            tuple(span for span in group if span in mine),
            tuple(span for span in group if span in theirs),
        )
        for group in groups
    ]


def _spans(labels: Sequence[str], scheme: Scheme | None) -> Sequence[Span]:
    if scheme is None:
        return [Span(place, place + 1, label) for place, label in enumerate(labels)]
    return spans(repaired(labels, scheme), scheme)  # a path may be one that the scheme does not allow


def label_issues(sets: Sequence[ArtifactSet], scheme: Scheme | None) -> pl.DataFrame:
    """Return the issues of all labelled sentences, the likeliest errors first; columns as in `SCHEMA`.

    `p_gold` and `p_teachers` are the probabilities that exactly the spans of gold, or of the best path, are at the
    words of an issue. `score` is log p_gold by word, in nats: by p_gold alone, long spans would come first
    (docs/audit.md compares measures). Sentences that their teacher was trained on are left out. Reads one row group at
    a time.

    Args:
        sets: sets of any teachers; a sentence may be in one of them only.
        scheme: the labels' scheme; None for tags.
    """
    found = [pl.DataFrame(schema=SCHEMA)]
    for artifacts in sets:
        row = 0
        for table in artifacts.row_groups(COLUMNS):
            found.append(pl.DataFrame(_issues(artifacts, table, row, scheme), SCHEMA))
            row += len(table)
    return pl.concat(found).sort("score", "language", "sentence_id", "start")


def _issues(artifacts: ArtifactSet, table: pa.Table, first: int, scheme: Scheme | None) -> list[dict[str, Any]]:
    rows, names = DecodedRows(table), artifacts.header.label_set
    differs = ((rows.gold != rows.paths[:, 0]) & rows.mask).any(1)
    unseen = np.array([seen is not True for seen in rows.seen], bool)
    places = np.flatnonzero(rows.has_gold & differs & unseen)
    if not len(places):
        return []
    chains = chain_of(artifacts.header).on(rows.emissions[places], rows.lengths[places])
    cells = []
    for sentence, place in enumerate(places.tolist()):
        ids = [path[: rows.lengths[place]] for path in (rows.gold[place], rows.paths[place, 0])]
        tokens = rows.tokens[place].as_py()
        about = {
            "language": rows.language[place],
            "sentence_id": int(rows.sentence_id[place]),
            "set": str(artifacts.folder),
            "row": first + place,
        }
        for issue in issues_of(names.decode(ids[0]), names.decode(ids[1]), scheme):
            logs = [_log_prob(chains, sentence, issue, path, names.names, scheme) for path in ids]
            chances = {"p_gold": exp(logs[0]), "p_teachers": exp(logs[1]), "score": logs[0] / (issue.end - issue.start)}
            cells.append(about | _cells(issue, tokens) | chances)
    return cells


def chain_of(header: SetHeader) -> Chain:
    """Return the scores of a set's chain."""
    return Chain(np.array(header.transitions), np.array(header.start), np.array(header.end))


def _log_prob(
    chains: ChainBatch, sentence: int, issue: Issue, path: np.ndarray, names: tuple[str, ...], scheme: Scheme | None
) -> float:
    """Return the log-probability that the words of an issue have a path's labels, and that no span goes on after."""
    labels = path[issue.start : issue.end]
    prefix, _, kind = names[labels[-1]].partition("-")
    goes_on = f"I-{kind}" if scheme == "IOB2" and prefix in ("B", "I") else None
    after = np.array([[name != goes_on for name in names]])
    return float(chains.span_log_probs([sentence], [issue.start], [labels], after)[0])


def _cells(issue: Issue, tokens: Sequence[str]) -> dict[str, Any]:
    return {
        "start": issue.start,
        "end": issue.end,
        "kind": issue.kind,
        "before": " ".join(tokens[: issue.start]),
        "words": " ".join(tokens[issue.start : issue.end]),
        "after": " ".join(tokens[issue.end :]),
        "gold": _written(issue, issue.gold, tokens),
        "gold_types": _types(issue.gold),
        "teachers": _written(issue, issue.teacher, tokens),
        "teachers_types": _types(issue.teacher),
    }


def _written(issue: Issue, found: Sequence[Span], tokens: Sequence[str]) -> str:
    """Return spans as text: the type, with the words unless they are all those of the issue."""
    whole = [(issue.start, issue.end)] == [(span.start, span.end) for span in found]
    texts = (span.type if whole else f"{span.type}: {' '.join(tokens[span.start : span.end])}" for span in found)
    return "; ".join(texts) or "-"


def _types(found: Sequence[Span]) -> str:
    return ", ".join(span.type for span in found) or "-"
