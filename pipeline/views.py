"""Artifact sets for a terminal: summaries, paths, and posteriors as a heat strip."""

from itertools import pairwise

from rich.console import Group
from rich.table import Table
from rich.text import Text

from artifacts.inspection import SentenceView, SetSummary
from artifacts.reader import ArtifactSet

SHADES = "·░▒▓█"


def summary_table(artifacts: ArtifactSet, summary: SetSummary) -> Table:
    """A set in numbers."""
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
        "paths a sentence": f"{summary.paths_per_sentence:.2f}",
        "probability of the best path": f"{summary.best_path_probability:.3f} (mean)",
        "entropy of the posteriors": f"{summary.entropy:.4f} nats a word (mean)",
        "best path agrees with gold": accuracy,
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def sentence_panel(view: SentenceView, paths: int) -> Group:
    """A sentence with its words down the side: gold, best paths, and each word's posteriors as a heat strip."""
    shown = view.paths[:paths]
    table = Table(title=f"sentence {view.sentence_id}, {view.language}", title_justify="left", pad_edge=False)
    heads = ("word", "gold", *(f"path {rank}" for rank in range(1, len(shown) + 1)), "posteriors", "likeliest")
    for head in heads:
        table.add_column(head, no_wrap=True)
    for place, word in enumerate(view.tokens):
        gold = "-" if view.gold is None else view.gold[place]
        labels = [_against(path.labels[place], shown[0].labels[place]) for path in shown]
        posteriors = view.posteriors[place].tolist()
        likeliest = max(range(len(posteriors)), key=posteriors.__getitem__)
        strip = Text("".join(map(_shade, posteriors)), style="on grey15")
        table.add_row(Text(word), gold, *labels, strip, f"{view.labels[likeliest]} {100 * posteriors[likeliest]:.0f}%")
    table.add_section()
    table.add_row("p(path)", "", *(f"{path.probability:.4f}" for path in shown))
    table.add_row("weight", "", *(f"{path.weight:.4f}" for path in shown))
    return Group(table, Text(_legend(view.labels), style="dim"))


def _against(label: str, best: str) -> Text:
    """A label of a lesser path: faint where it agrees with the best one."""
    return Text(label, style="" if label != best else "dim")


def _shade(probability: float) -> str:
    return SHADES[min(len(SHADES) - 1, int(probability * len(SHADES)))]


def _legend(labels: tuple[str, ...]) -> str:
    steps = [100 * place // len(SHADES) for place in range(len(SHADES) + 1)]
    shades = ", ".join(f"{shade} {low} to {high}%" for shade, (low, high) in zip(SHADES, pairwise(steps), strict=True))
    return f"posteriors, from the left: {' '.join(labels)}\n{shades.strip()}"
