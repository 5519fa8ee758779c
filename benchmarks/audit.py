"""The precision of `structkd audit`: errors planted in a corpus, and how many of the first findings they are.

    python -m benchmarks.audit [benchmarks/audit.toml] [--set corpus.name=wikiann --set 'languages=["en", "fa"]']

Plants wrong labels into each language's training corpus: equal numbers of spans with another type, spans with one
border moved by a word, spans removed, and spans invented; at most one in a sentence. Then it trains the teachers of the
folds, audits, and prints a row for each language. The planted corpora and the teachers are in a temporary folder.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import polars as pl
import typer

from structkd.artifacts.auditing import label_issues
from structkd.artifacts.reader import ArtifactSet
from structkd.corpora.schemes import Scheme, Span, from_spans, spans
from structkd.corpora.sentences import Corpus, Sentence
from structkd.corpora.sources.files import FileSource
from structkd.pipeline.api import Silent
from structkd.pipeline.execution.engines import choose_engine
from structkd.pipeline.execution.stages import run_teachers
from structkd.pipeline.experiment.changes import load_changed
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import Plan, TeacherPlan, make_plan
from structkd.pipeline.report.formats import as_markdown
from structkd.pipeline.results.result import load_result

KINDS = ("type", "border", "removed", "invented")


@dataclass(frozen=True)
class Planted:
    """A wrong label: words `start` to `end` (exclusive) of a sentence."""

    sentence: int
    start: int
    end: int
    kind: str


def plant(corpus: Corpus, scheme: Scheme, errors: int, seed: int) -> tuple[Corpus, list[Planted]]:
    """Return the corpus with at most `errors` wrong labels, equally many of each kind, and a list of them."""
    rng, sentences, planted = np.random.default_rng(seed), list(corpus), []
    types = sorted({span.type for sentence in corpus for span in _spans(sentence, scheme)})
    left = Counter({kind: errors // len(KINDS) for kind in KINDS})
    for place in rng.permutation(len(corpus)).tolist():
        for kind in rng.permutation(KINDS).tolist():
            if left[kind] and (change := _change(sentences[place], scheme, kind, types, rng)):
                before, after = change
                kept = [span for span in _spans(sentences[place], scheme) if span != before]
                labels = from_spans([*kept, *([after] if after else [])], len(sentences[place]), scheme)
                sentences[place] = replace(sentences[place], labels=labels)
                both = [span for span in change if span]
                start, end = min(span.start for span in both), max(span.end for span in both)
                planted.append(Planted(place, start, end, kind))
                left[kind] -= 1
                break
    return replace(corpus, sentences=tuple(sentences)), planted


def _spans(sentence: Sentence, scheme: Scheme) -> tuple[Span, ...]:
    return spans(sentence.labels or (), scheme)


def _change(
    sentence: Sentence, scheme: Scheme, kind: str, types: Sequence[str], rng: np.random.Generator
) -> tuple[Span | None, Span | None] | None:
    """Return a span and what stands in its place, either of which may be None; None if there is no such change."""
    found, length = _spans(sentence, scheme), len(sentence)
    taken = {place for span in found for place in range(span.start, span.end)}
    free = [place for place in range(length) if place not in taken and sentence.tokens[place][0].isalpha()]
    if kind == "invented":
        if not free:
            return None
        start = free[int(rng.integers(len(free)))]
        end = start + 1 + int(rng.random() < 0.5 and start + 1 in free)
        return None, Span(start, end, types[int(rng.integers(len(types)))])
    if not found:
        return None
    span = found[int(rng.integers(len(found)))]
    if kind == "removed":
        return span, None
    if kind == "type":
        others = [one for one in types if one != span.type]
        return span, replace(span, type=others[int(rng.integers(len(others)))])
    moved = [(span.start - 1, span.end), (span.start, span.end + 1), (span.start + 1, span.end)]
    moved += [(span.start, span.end - 1)]
    fits = [
        (start, end)
        for start, end in moved
        if 0 <= start < end <= length and not ({*range(start, end)} - {*range(span.start, span.end)}) & taken
    ]
    if not fits:
        return None
    start, end = fits[int(rng.integers(len(fits)))]
    return span, Span(start, end, span.type)


@dataclass(frozen=True)
class Trial:
    """The plan of an experiment over planted corpora, with the errors of each language."""

    corpus: str
    plan: Plan
    planted: dict[str, list[Planted]]


def prepare(experiment: Experiment, folder: Path, errors: int, seed: int) -> Trial:
    """Write planted corpora into the folder, and plan the teachers of the folds over them."""
    data, planted = Data(experiment), {}
    for language in experiment.languages:
        train, planted[language] = plant(data.load(language, "train")[0], experiment.scheme, errors, seed)
        dev = data.load(language, "dev")[0]
        for split, corpus in {"train": train, "dev": dev, "test": dev}.items():  # nothing is scored on test
            lines = [json.dumps({"tokens": one.tokens, "labels": one.labels}) for one in corpus]
            (folder / f"{language}-{split}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    path = str(folder / "{language}-{split}.jsonl")
    source = FileSource(name="files", path=path, reader="jsonl", scheme=experiment.scheme)
    plan = make_plan(experiment.model_copy(update={"corpus": source}), folder / "runs")
    return Trial(
        experiment.corpus.name,
        replace(plan, teachers=tuple(teacher for teacher in plan.teachers if teacher.fold)),
        planted,
    )


def precision(trial: Trial, top: int) -> list[dict[str, object]]:
    """Return a row for each language: the planted errors among the first `top` issues, and among all, by kind."""
    scheme, rows = trial.plan.experiment.scheme, []
    for language, planted in trial.planted.items():
        teachers = [teacher for teacher in trial.plan.teachers if teacher.language == language]
        issues = label_issues([ArtifactSet.open(teacher.artifacts["train"]) for teacher in teachers], scheme)
        first, all_found = found(planted, issues.head(top)), found(planted, issues)
        kinds = Counter(one.kind for one in first)
        row = {"corpus": trial.corpus, "language": language, "teachers' F1": round(fold_score(teachers), 1)}
        row |= {"planted": len(planted), "issues": len(issues), "found": len(all_found), f"in {top}": len(first)}
        row["by chance"] = round(min(top, len(issues)) * len(all_found) / max(1, len(issues)))
        rows.append(row | {kind: kinds[kind] for kind in KINDS})
    return rows


def found(planted: Sequence[Planted], issues: pl.DataFrame) -> list[Planted]:
    """Return the errors that share a word with an issue."""
    places: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for sentence, start, end in issues.select("sentence_id", "start", "end").iter_rows():
        places[sentence].append((start, end))
    return [one for one in planted if any(s < one.end and one.start < e for s, e in places[one.sentence])]


def fold_score(teachers: Sequence[TeacherPlan]) -> float:
    """Return the mean dev score of the teachers of the folds."""
    return fmean(score for teacher in teachers for score in load_result(teacher.folder).dev.values())


def main(
    experiment: Annotated[str, typer.Argument(help="A name or a file.")] = "benchmarks/audit.toml",
    changes: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE")] = None,
    errors: Annotated[int, typer.Option(help="Planted in each language, and the number of issues read.")] = 200,
    seed: int = 1,
    workers: int = 1,
) -> None:
    """Print one row a language."""
    with TemporaryDirectory() as folder:
        trial = prepare(load_changed(experiment, changes), Path(folder), errors, seed)
        run_teachers([trial.plan], choose_engine(workers), Silent())
        rows = precision(trial, errors)
    typer.echo(as_markdown([*rows[0]], [[str(cell) for cell in row.values()] for row in rows], left=2))


if __name__ == "__main__":
    typer.run(main)
