"""A report as experiments would fill it: 4 tasks, 8 systems, 3 seeds. `python -m tests.pipeline.page.example FILE`."""

import random
import sys
from pathlib import Path

from structkd.artifacts.inspection import PathView
from structkd.pipeline.report.page.charts import (
    Bar,
    Bars,
    Bin,
    Cost,
    Costs,
    Curve,
    Difference,
    Differences,
    Estimate,
    Line,
    Lines,
    Panel,
    Point,
    Reliability,
)
from structkd.pipeline.report.page.model import Page, Section
from structkd.pipeline.report.page.render import render
from structkd.pipeline.report.page.sentences import SentenceCard
from structkd.pipeline.report.page.tables import TableView

SYSTEMS = ("baseline", "emission", "top-k", "top-wk", "posterior", "posterior+top-k", "posterior+top-wk", "exact")
GAPS = (0, 12, 26, 29, 38, 35, 41, 44)
TASKS = ("CoNLL NER", "WikiAnn NER", "ABSA", "UD tagging")
LANGUAGES = ("en", "de", "nl", "es", "fa", "he", "ta", "eu")
LABELS = ("O", *(f"{part}-{kind}" for kind in ("PER", "ORG", "LOC", "MISC") for part in "BIES"))
SENTENCES = {
    "en": "Angela Merkel visited Acme Corp. in Berlin .",
    "de": "Gestern sprach Frau Schmidt vor der Universität Leipzig .",
    "es": "El Real Madrid ganó en Sevilla .",
    "he": "אנגלה מרקל ביקרה בברלין .",
    "fa": "آنگلا مرکل از برلین دیدن کرد .",
}
GOLD = {
    "en": "B-PER E-PER O B-ORG E-ORG O S-LOC O",
    "de": "O O O S-PER O O B-ORG E-ORG O",
    "es": "O B-ORG E-ORG O O S-LOC O",
    "he": "B-PER E-PER O S-LOC O",
    "fa": "B-PER E-PER O S-LOC O O O",
}


def card(place: int, language: str, chance: random.Random) -> SentenceCard:
    tokens, gold = tuple(SENTENCES[language].split()), tuple(GOLD[language].split())
    teacher = _changed(gold, chance, 0.06)
    weights = sorted((chance.random() ** 3 for _ in range(4)), reverse=True)
    paths = tuple(
        PathView(labels, 0.9 * weight / sum(weights), weight / sum(weights))
        for labels, weight in zip([teacher, *(_changed(teacher, chance, 0.2) for _ in range(3))], weights, strict=True)
    )
    return SentenceCard(
        name=f"test {place}",
        language=language,
        tokens=tokens,
        gold=None if place % 9 == 8 else gold,
        labels=LABELS,
        paths=paths,
        posteriors=tuple(_posterior(label, chance) for label in teacher),
        predictions={system: _changed(gold, chance, 0.12 - 0.01 * rank) for rank, system in enumerate(SYSTEMS)},
        seen=(None, True, False)[place % 3],
    )


def _changed(labels: tuple[str, ...], chance: random.Random, rate: float) -> tuple[str, ...]:
    return tuple(chance.choice(LABELS) if chance.random() < rate else label for label in labels)


def _posterior(likeliest: str, chance: random.Random) -> tuple[float, ...]:
    weights = [0.4 * chance.random() ** 60 + (4 * chance.random() if label == likeliest else 0) for label in LABELS]
    return tuple(weight / sum(weights) for weight in weights)


def scores(chance: random.Random) -> TableView:
    rows = []
    for rank, system in enumerate(SYSTEMS):
        values = [78 + 0.09 * GAPS[rank] + chance.gauss(0, 0.5) for _ in LANGUAGES]
        marks = ["*" if GAPS[rank] > 20 and chance.random() < 0.7 else "" for _ in LANGUAGES]
        cells = [f"{value:.2f}{mark}" for value, mark in zip(values, marks, strict=True)]
        rows.append((system, *cells, f"{sum(values) / len(values):.2f}{'†' if rank > 3 else ''}", f"{GAPS[rank]}%"))
    best = frozenset(
        (max(range(len(rows)), key=lambda row: float(rows[row][column].rstrip("*†%"))), column)
        for column in range(1, len(LANGUAGES) + 3)
    )
    note = (
        "* better than baseline at p < 0.05, † at p < 0.01 (paired approximate randomisation over sentences and seeds)."
    )
    return TableView("Strict span F1 on test", ("system", *LANGUAGES, "mean", "gap closed"), tuple(rows), 1, note, best)


def bars(chance: random.Random) -> Bars:
    groups = [[tuple(chance.gauss(gap, 5) for _ in range(3)) for _ in TASKS] for gap in GAPS[1:]]
    named = tuple(Bar(system, tuple(values)) for system, values in zip(SYSTEMS[1:], groups, strict=True))
    return Bars("Share of the gap closed", "gap closed (%)", TASKS, named, "Bars are means over seeds, dots the seeds.")


def curves(chance: random.Random) -> Lines:
    def course(gap: int) -> tuple[Point, ...]:
        return tuple(
            Point(x, tuple(78 + 0.09 * gap - 45 * 0.5 ** (x / 300) + chance.gauss(0, 0.4) for _ in range(3)))
            for x in range(100, 3100, 100)
        )

    lines = tuple(Line(system, course(gap)) for system, gap in zip(SYSTEMS, GAPS, strict=True))
    return Lines(
        "Learning curves",
        "updates",
        "dev F1",
        lines,
        y_from=70,
        note="Means over seeds, in bands from least to greatest; the axis begins at 70.",
    )


def against_k(chance: random.Random) -> Lines:
    lines = tuple(
        Line(
            system,
            tuple(
                Point(k, tuple(80 + k**0.2 + gain + chance.gauss(0, 0.2) for _ in range(3))) for k in (1, 2, 4, 8, 16)
            ),
        )
        for system, gain in (("top-k", 0.0), ("top-wk", 0.4))
    )
    return Lines("Score against K", "K, paths a sentence", "test F1", lines, log_x=True)


def differences(chance: random.Random) -> Differences:
    def estimate(gap: int) -> Estimate:
        value = 0.06 * gap + chance.gauss(0, 0.6)
        return Estimate(value, (value - 0.7, value + 0.7))

    systems = tuple(
        Difference(system, tuple(estimate(gap) for _ in LANGUAGES), estimate(gap))
        for system, gap in zip(SYSTEMS[1:], GAPS[1:], strict=True)
    )
    note = "Dots are means over seeds, lines 95% intervals of the bootstrap over sentences."
    return Differences("System minus baseline by language", "difference of F1 (points)", LANGUAGES, systems, note)


def costs() -> Costs:
    stages = (
        Cost("train 8 teachers", 5312.4, 2_310_000_000, 412_000_000),
        Cost("annotate", 734.2, 1_720_000_000, 96_400_000),
        Cost("distil one student", 2891.0, 1_940_000_000, 58_300_000),
        Cost("evaluate", 41.7, 880_000_000, None),
    )
    return Costs(
        "Cost of each stage", stages, "On two cores; time is summed over processes that ran one after another."
    )


def reliability(chance: random.Random) -> Reliability:
    def curve(name: str, sureness: float) -> Curve:
        places = [(bin_ + 0.5) / 15 for bin_ in range(4, 15)]
        return Curve(
            name,
            tuple(
                Bin(
                    x,
                    min(1.0, max(0.0, x - sureness * (1 - x) * 2 + chance.gauss(0, 0.02))),
                    int(20 * 1.9 ** (15 * x - 4)),
                )
                for x in places
            ),
        )

    panels = tuple(Panel(name, (curve("seen", -0.12), curve("unseen", 0.14))) for name in LANGUAGES[:4])
    return Reliability(
        "Are teachers as sure as they are right?", panels, "ECE: expected calibration error over 15 bins."
    )


def example(sentences: int = 240, seed: int = 1) -> Page:
    chance = random.Random(seed)
    languages = list(SENTENCES)
    return Page(
        title="Structure-level distillation, eight systems",
        subtitle="Four tasks, eight languages, three seeds; students share one multilingual tagger",
        sections=(
            Section(
                "Scores",
                "Students learn from monolingual teachers, and know all languages. The gap is that between the "
                "baseline, which learns from gold labels alone, and the teachers.",
                (scores(chance),),
                (bars(chance), differences(chance)),
            ),
            Section("Training", "", (), (curves(chance), against_k(chance))),
            Section("Teachers", "", (), (reliability(chance),)),
            Section("Cost", "", (), (costs(),)),
        ),
        provenance=(("experiment", "4f1c" * 16), ("corpora", "90ab" * 16), ("code", "structkd 0.1.0, c7ea502")),
        systems=SYSTEMS,
        sentences=tuple(card(place, languages[place % len(languages)], chance) for place in range(sentences)),
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(example()), "utf-8")
