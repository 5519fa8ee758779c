"""The model card of an exported tagger, in the form of Hugging Face: `README.md`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from structkd.corpora.schemes import Metric
from structkd.tagger.analysis import TypeScore
from structkd.tagger.config import METRIC_NAMES

Lines = Iterator[str]
Scores = Mapping[str, Mapping[str, TypeScore]]
"""By language, then by type; the type "" stands for all."""


@dataclass(frozen=True)
class Speed:
    """Words a second on a test set with one thread, and the processor."""

    words_a_second: float
    processor: str


@dataclass(frozen=True)
class Card:
    """What a card says. None and empty parts are said to be unknown."""

    name: str
    licence: str
    languages: Sequence[str]
    types: Sequence[str]
    """Of spans, or the tags."""
    metric: Metric
    int8: bool
    folder_bytes: int
    parameters: int
    encoders: Sequence[str]
    words: int
    """Words of the vocabulary in the folder."""
    words_before: int
    """Words of the vocabulary in training."""
    vectors: Sequence[int] = ()
    """The number of words of each table of static vectors."""
    system: str | None = None
    experiment: str | None = None
    teachers: Sequence[str] = ()
    corpora: Sequence[str] = ()
    scores: Scores = field(default_factory=dict)
    scored: str = ""
    """How the scores came about."""
    speed: Speed | None = None


def render(card: Card) -> str:
    """Return the card's text."""
    return "\n".join([*_front_matter(card), *_body(card)]) + "\n"


def _front_matter(card: Card) -> Lines:
    """Yield the YAML that the hub reads. JSON strings are YAML strings."""
    yield "---"
    yield "language:"
    for language in card.languages:
        yield f"- {_quoted(language)}"
    yield f"license: {_quoted(card.licence)}"
    yield "library_name: structkd"
    yield "pipeline_tag: token-classification"
    tags = ["structkd", "onnx", "token-classification", "knowledge-distillation", "crf"]
    yield "tags:"
    for tag in [*tags, *(["int8"] if card.int8 else [])]:
        yield f"- {tag}"
    yield "metrics:"
    for metric in ("f1", "precision", "recall") if card.metric == "spans" else ("accuracy",):
        yield f"- {metric}"
    yield "---"
    yield ""


def _body(card: Card) -> Lines:
    task = "entities" if card.metric == "spans" else "words"
    yield f"# {card.name}"
    yield ""
    yield f"A tagger of {task} in {', '.join(card.languages)}, made by structkd. It labels {', '.join(card.types)}."
    yield from _section("Use")
    yield from (
        "```python",
        "from structkd.runtime import load",
        "",
        f"tagger = load({json.dumps(card.name)})",
        'print(tagger.tag(["A text to tag."])[0].' + ("entities)" if card.metric == "spans" else "labels)"),
        "```",
    )
    yield from _section("Training")
    yield from _origin(card)
    yield from _section("Scores")
    yield from _scores(card)
    yield from _section("Size and speed")
    yield from _size(card)
    yield from _section("Intended use")
    yield (
        f"Tagging of {', '.join(card.languages)} text that resembles its training corpora. Have its answers checked by "
        "a person before they decide anything about people."
    )
    yield from _section("Limits")
    yield (
        "Other languages, other kinds of text and other types of label have not been tried unless scores are above. "
        f"Probabilities are those of the model. A text is read in parts of 500 words at most. {_rounded(card)}"
    )
    yield from _section("Personal data")
    yield from _personal(card)


def _section(title: str) -> Lines:
    yield ""
    yield f"## {title}"
    yield ""


def _origin(card: Card) -> Lines:
    yield f"- Experiment: {card.experiment or 'unknown'}"
    yield f"- Objective: {card.system or 'unknown'}"
    for title, lines in (("Teachers", card.teachers), ("Corpora", card.corpora)):
        if not lines:
            yield f"- {title}: unknown"
        for line in lines:
            yield f"- {title}: {line}"
    yield f"- Encoders: {', '.join(card.encoders)}"
    yield f"- Licence of this folder: {card.licence}"


def _scores(card: Card) -> Lines:
    if not card.scores:
        yield "Unknown: no result was kept beside the tagger, and it was exported without its experiment."
        return
    spans = card.metric == "spans"
    metric = METRIC_NAMES[card.metric]
    yield f"{metric[0].upper()}{metric[1:]} in percent. {card.scored}"
    yield ""
    heads = ["language", "type", *(["precision", "recall", "F1"] if spans else ["F1"]), "support"]
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for language, types in card.scores.items():
        for name, counts in types.items():
            shown = [counts.precision, counts.recall, counts.f1] if spans else [counts.f1]
            cells = [language, _cell(name) or "all", *(f"{score:.2f}" for score in shown), f"{counts.gold:,}"]
            yield f"| {' | '.join(cells)} |"


def _size(card: Card) -> Lines:
    yield f"- Folder: {card.folder_bytes / 1e6:.2f} MB{' (weights in 8 bits)' if card.int8 else ''}, without this card"
    yield f"- Trained parameters: {card.parameters:,}"
    if card.speed is None:
        yield "- Speed: unknown"
    else:
        yield (
            f"- Speed: {card.speed.words_a_second:,.0f} words a second with one thread on {card.speed.processor}, "
            "in batches, entities and probabilities included"
        )


def _rounded(card: Card) -> str:
    return "Weights are rounded to 8 bits, so a few labels differ from those of the tagger in training." * card.int8


def _personal(card: Card) -> Lines:
    if card.words:
        share = f"{card.words:,}" if card.words == card.words_before else f"{card.words:,} of {card.words_before:,}"
        yield (
            f"`structkd.json` lists {share} words of the training text, lower-cased, the most frequent first. Rare "
            "words among them can be names of private persons. `structkd export --words N` keeps the N most frequent "
            "alone; all others are then read by their characters or subwords, or as unknown."
        )
    else:
        yield "The folder lists no words of the training text."
    for count in card.vectors:
        yield ""
        yield f"It also lists {count:,} words of a file of vectors; all others have no vector there."


def _quoted(text: Any) -> str:
    return json.dumps(text, ensure_ascii=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
