"""Artifact sets for a terminal: summaries, paths, and posteriors as a heat strip."""

import re
from collections.abc import Sequence
from itertools import pairwise

import polars as pl
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from structkd.artifacts.comparison import SetDifference
from structkd.artifacts.inspection import PathView, SentenceView, SetSummary
from structkd.artifacts.reader import ArtifactSet

SHADES = "·░▒▓█"
_WORD = 20  # characters of a word where only its place matters
_STRIP = 12  # labels of which a strip of shades is shown: more are neither told apart nor fit beside the words


def summary_table(artifacts: ArtifactSet, summary: SetSummary) -> Table:
    """Return a set in numbers."""
    table = Table(title=str(artifacts.folder), show_header=False, title_justify="left")
    accuracy = "-" if summary.best_path_accuracy is None else f"{100 * summary.best_path_accuracy:.2f}%"
    languages = ", ".join(
        f"{name}: {count.total} sentences, {count.labelled} labelled" for name, count in summary.languages.items()
    )
    columns = ", ".join(
        f"{name} {size / summary.tokens:.1f}"
        for name, size in sorted(summary.column_bytes.items(), key=lambda item: -item[1])
    )
    rows = {
        "teacher": str(summary.teacher),
        "identity": artifacts.identity,
        "languages": languages,
        "words": str(summary.tokens),
        "labels": ", ".join(artifacts.labels),
        "shards": f"{len(artifacts.manifest.shards)}, {summary.bytes_per_token:.1f} bytes a word",
        "bytes a word by column": columns,
        "paths a sentence": f"{summary.paths_per_sentence:.2f}{_drawn(artifacts)}",
        "probability of the best path": f"{summary.best_path_probability:.3f} (mean)",
        "entropy of the posteriors": f"{summary.entropy:.4f} nats a word (mean)",
        "best path agrees with gold": accuracy,
    }
    if hidden := artifacts.header.hidden:
        rows["hidden states"] = f"{hidden.dim} of {hidden.size} dimensions"
    for name, value in rows.items():
        table.add_row(name, value)
    table.columns[1].overflow = "fold"
    return table


def _drawn(artifacts: ArtifactSet) -> str:
    return ", drawn from the chain beside the best one" if artifacts.header.paths == "sampled" else ""


def difference_view(first: ArtifactSet, second: ArtifactSet, difference: SetDifference) -> Group:
    """Return the differences of two sets: first their content, then their answers about the sentences of both."""
    counts = {name: (str(one), str(other)) for name, (one, other) in difference.counts.items()}
    header = {key: (_value(one), _value(other)) for key, (one, other) in difference.header.items()}
    identity = {"identity": (first.identity, second.identity)}
    parts: list[RenderableType] = [_pairs(first, second, identity | header | counts)]
    if first.identity == second.identity:
        parts.append(Text("the sets have the same identity: what made them is equal"))
    elif not header:
        parts.append(Text("provenance, layout and label sets are equal"))
    if difference.chain is None:
        parts.append(Text("the label sets differ: scores and paths are not compared"))
    parts.append(_shared_table(difference))
    return Group(*parts)


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _pairs(first: ArtifactSet, second: ArtifactSet, rows: dict[str, tuple[str, str]]) -> Table:
    """Return pairs of values; differences are bold."""
    table = Table("", title="what the sets are", title_justify="left")
    for artifacts in (first, second):
        table.add_column(str(artifacts.folder), overflow="fold")
    for name, (one, other) in rows.items():
        style = "bold" if one != other else "dim"
        table.add_row(name, _shortened(one), _shortened(other), style=style)
    return table


def _shortened(value: str) -> str:
    """Return the beginning of a digest, which is enough to distinguish digests."""
    return f"{value[:16]}..." if re.fullmatch("[0-9a-f]{64}", value) else value


def _shared_table(difference: SetDifference) -> Table:
    title = "what they say of the sentences that both have"
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_row("sentence ids in both", str(difference.shared))
    table.add_row("of these with other words", str(difference.other_tokens))
    if difference.chain is not None:
        table.add_row("largest difference of a chain score", f"{difference.chain:.6g}")
    if scores := difference.scores:
        forth, back = scores.kl
        table.add_row("compared", f"{scores.sentences} sentences, {scores.tokens} words")
        table.add_row("best paths that differ", f"{100 * scores.best_path_differs:.2f}% of sentences")
        table.add_row("labels that differ on best paths", f"{100 * scores.best_path_label_differs:.2f}% of words")
        table.add_row("KL of the posteriors", f"{forth:.6f} nats a word (mean); the other way {back:.6f}")
        table.add_row("difference of log p(best path)", f"{scores.best_path_log_prob:.6f} nats (mean)")
        table.add_row("difference of log Z", f"{scores.log_partition:.6f} nats (mean)")
    return table


def sentences_table(frame: pl.DataFrame) -> Table:
    """Return sentences, one a row: where they are, their numbers, and their text. It is readable at 80 columns."""
    shown = frame.drop("sentence_id", "teacher", "language", strict=False)
    table = Table(*(name.replace("_", " ") for name in shown.columns), pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    for row in shown.iter_rows():
        table.add_row(*(_chance(cell) if isinstance(cell, float) else str(cell) for cell in row))
    return table


def sentence_panel(view: SentenceView, paths: int) -> Group:
    """Return a sentence with one word per row, and below it the differences of other paths from the best one.

    It is readable at 80 columns for any words and labels: long ones continue in the next line.
    """
    few = len(view.labels) <= _STRIP
    heads = ["", "word", "gold", "path 1", *(["posteriors"] if few else []), "likeliest"]
    table = Table(*heads, title=_sentence_title(view), title_justify="left", pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    best = view.paths[0].labels
    for place, word in enumerate(view.tokens):
        gold = "-" if view.gold is None else view.gold[place]
        posteriors = view.posteriors[place].tolist()
        strip = [Text("".join(map(_shade, posteriors)), style="on grey15")] if few else []
        table.add_row(str(place + 1), word, gold, best[place], *strip, _likeliest(view.labels, posteriors))
    shown = _paths_table(view, view.paths[:paths])
    return Group(table, shown, *([Text(_legend(view.labels), style="dim")] if few else []))


def _likeliest(labels: tuple[str, ...], posteriors: list[float]) -> str:
    """Return the likeliest label, and the next one if it has a chance."""
    order = sorted(range(len(labels)), key=posteriors.__getitem__, reverse=True)[:2]
    chances = [(labels[place], round(100 * posteriors[place])) for place in order]
    return ", ".join(f"{label} {chance}%" for rank, (label, chance) in enumerate(chances) if chance or not rank)


def _paths_table(view: SentenceView, shown: Sequence[PathView]) -> Table:
    """Return each path's probability and weight, and the words whose labels differ from the best path's."""
    table = Table("path", "p(path)", "weight", "differs from path 1 at", pad_edge=False)
    table.columns[-1].overflow = "fold"
    best = shown[0].labels
    for rank, path in enumerate(shown, 1):
        changes = (
            f"{place} {_shortened_word(word)}: {label}"
            for place, (word, label, other) in enumerate(zip(view.tokens, path.labels, best, strict=True), 1)
            if label != other
        )
        table.add_row(str(rank), _chance(path.probability), _chance(path.weight), "; ".join(changes))
    return table


def _shortened_word(word: str) -> str:
    """Return the beginning of a word; the whole word is in the table of words."""
    return word if len(word) <= _WORD else f"{word[:_WORD]}..."


def _chance(probability: float) -> str:
    return f"{probability:.4f}" if probability >= 5e-5 else f"{probability:.1e}"


def _sentence_title(view: SentenceView) -> str:
    trained = {True: ", trained on it", False: ", not trained on it", None: ""}[view.seen]
    return f"sentence {view.sentence_id}, {view.language}, by {view.teacher}{trained}"


def _shade(probability: float) -> str:
    return SHADES[min(len(SHADES) - 1, int(probability * len(SHADES)))]


def _legend(labels: tuple[str, ...]) -> str:
    steps = [100 * place // len(SHADES) for place in range(len(SHADES) + 1)]
    shades = ", ".join(f"{shade} {low} to {high}%" for shade, (low, high) in zip(SHADES, pairwise(steps), strict=True))
    return f"posteriors, from the left: {' '.join(labels)}\n{shades.strip()}"
