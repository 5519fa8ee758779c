"""Issues, contradictions and uncertain sentences for a terminal: readable at 80 columns."""

from collections.abc import Sequence

import polars as pl
from rich.table import Table
from rich.text import Text

_CONTEXT = 4  # words on each side
_WORD = 20  # characters of a word of the context
_EXAMPLES = 3
_IDS = 5


def issues_table(issues: pl.DataFrame, top: int) -> Table:
    """Return the first issues, their words in brackets and in context."""
    table = _table("Likely label errors", ["sentence", "words", "gold", "teachers"], ["p(gold)", "p(theirs)"])
    for row in issues.head(top).iter_rows(named=True):
        chances = (f"{row[name]:.4f}" for name in ("p_gold", "p_teachers"))
        table.add_row(f"{row['language']} {row['sentence_id']}", _context(row), row["gold"], row["teachers"], *chances)
    return table


def patterns_table(issues: pl.DataFrame, top: int) -> Table:
    """Return the most frequent pairs of what gold and the teachers say, with their most frequent words."""
    pairs = ["gold_types", "teachers_types", "kind"]
    counted = issues.group_by(pairs).agg(
        pl.len().alias("times"), pl.col("words").value_counts(sort=True).head(_EXAMPLES).struct.field("words")
    )
    table = _table("Patterns", ["gold", "teachers say", "gold's fault, if they are right", "words"], ["times"])
    for row in counted.sort("times", *pairs, descending=[True, False, False, False]).head(top).iter_rows(named=True):
        examples = "; ".join(map(_shortened, row["words"]))
        table.add_row(row["gold_types"], row["teachers_types"], row["kind"], examples, str(row["times"]))
    return table


def contradictions_table(ways: pl.DataFrame, top: int) -> Table:
    """Return sentences with the same words and different labels; a row is one way to label a sentence."""
    table = _table("Same words, different labels", ["sentences", "words", "labels that differ"], ["times"])
    groups = ways.partition_by("language", "sentence", maintain_order=True)
    for group in groups[:top]:
        for row in group.iter_rows(named=True):
            ids = row["sentence_ids"].split()
            more = f" and {len(ids) - _IDS} more" if len(ids) > _IDS else ""
            begin = _shortened(row["sentence"], 60)
            table.add_row(
                f"{row['language']} {' '.join(ids[:_IDS])}{more}", begin, row["differs_at"], str(row["sentences"])
            )
    return table


def uncertain_table(sentences: pl.DataFrame, top: int) -> Table:
    """Return the sentences that the teachers are least sure of."""
    table = _table("Worth labelling next", ["sentence", "words"], ["p(best)", "nats a word"])
    for row in sentences.head(top).iter_rows(named=True):
        numbers = (f"{row['p_best']:.4f}", f"{row['nats_a_word']:.3f}")
        table.add_row(f"{row['language']} {row['sentence_id']}", _plain(row["sentence"]), *numbers)
    return table


def _table(title: str, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for head in texts:
        table.add_column(head, overflow="fold")
    for head in numbers:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _context(row: dict[str, str]) -> Text:
    before, after = row["before"].split(), row["after"].split()
    text = Text(" ".join((["..."] if len(before) > _CONTEXT else []) + [*map(_shortened, before[-_CONTEXT:])]))
    text.append(" " if before else "").append(f"[{_plain(row['words'])}]", style="bold").append(" " if after else "")
    return text.append(" ".join([*map(_shortened, after[:_CONTEXT])] + (["..."] if len(after) > _CONTEXT else [])))


def _shortened(text: str, length: int = _WORD) -> str:
    plain = _plain(text)
    return plain if len(plain) <= length else f"{plain[:length]}..."


def _plain(text: str) -> str:
    """Return a text in one line."""
    return " ".join(text.split())
