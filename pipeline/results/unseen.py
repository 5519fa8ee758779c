"""Scores without the test sentences that stand in the training corpus, or in the text that students learn from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import compress

import polars as pl

from structkd.corpora.sentences import Split
from structkd.ground.files import digest_json
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.results.comparisons import Entries
from structkd.pipeline.results.findings import TableFindings, TaskFindings
from structkd.pipeline.results.result import ResultError
from structkd.pipeline.results.rows import BY_TYPE, SCHEMA

Masks = Mapping[str, Sequence[bool]]
"""For each language and test sentence: true if it stands in no text that one of the experiments learns from."""


def without_seen(table: TableFindings) -> TableFindings:
    """Return a table's findings with test scores of unseen sentences alone. The corpora are read.

    All rows of a task leave out the same sentences: those of the training corpora, and of the texts of any row.

    Raises:
        CorpusError: a corpus that is missing.
        ResultError: scores of another test corpus, or a language without unseen sentences.
    """
    return replace(table, tasks=tuple(map(_task, table.tasks)))


def _task(task: TaskFindings) -> TaskFindings:
    masks = unseen_masks(task.experiments.values())
    sweep = {label: {value: kept(cells, masks) for value, cells in one.items()} for label, one in task.sweep.items()}
    left_out = sum(len(mask) - sum(mask) for mask in masks.values())
    title = f"{task.title}, without {left_out} test sentences that stand in train or in text"
    entries = Entries({label: kept(cells, masks) for label, cells in task.entries.items()})
    return replace(task, title=title, entries=entries, sweep=sweep)


def unseen_masks(experiments: Iterable[Experiment]) -> Masks:
    """Return the test sentences of each language whose words stand in no text that the experiments learn from."""
    known: dict[str, set[tuple[str, ...]]] = {}
    test: dict[str, list[tuple[str, ...]]] = {}
    read = set[str]()
    for data in map(Data, experiments):
        for language in data.experiment.languages:
            splits: list[Split] = ["train", *(set(data.texts(language)) & {*data.experiment.student.transfer})]
            for split in splits:
                identity = digest_json(data.identity(language, split))
                if identity not in read:
                    read.add(identity)
                    found = data.load(language, split)[0]
                    known.setdefault(language, set()).update(sentence.tokens for sentence in found)
            if language not in test:
                test[language] = [sentence.tokens for sentence in data.load(language, "test")[0]]
    return {language: [words not in known[language] for words in sentences] for language, sentences in test.items()}


def kept(cells: pl.DataFrame, masks: Masks) -> pl.DataFrame:
    """Return cells with outcomes and test scores of the sentences whose mask is true.

    Types and errors are null: their counts are those of all sentences.
    """
    outcomes = [[_kept(one, masks[one["language"]]) for one in row or ()] for row in cells["outcomes"].to_list()]
    test = [[{"language": one["language"], "score": _score(one)} for one in row] for row in outcomes]
    return cells.with_columns(
        pl.Series("outcomes", outcomes, cells.schema["outcomes"]),
        pl.Series("test", test, cells.schema["test"]),
        *(pl.lit(None, SCHEMA[name]).alias(name) for name in BY_TYPE if name in cells.columns),
    )


def _kept(one: Mapping[str, Sequence[int]], mask: Sequence[bool]) -> dict[str, Sequence[int]]:
    if len(mask) != len(one["right"]) or not any(mask):
        raise ResultError(
            f"{one['language']}: scores of {len(one['right'])} test sentences, of which the corpora have {len(mask)}, "
            f"{sum(mask)} of them unseen; these sentences cannot be left out"
        )
    return {"language": one["language"]} | {
        key: list(compress(one[key], mask)) for key in ("right", "predicted", "gold")
    }


def _score(one: Mapping[str, Sequence[int]]) -> float:
    """See `tagger.scoring.score_of`, which loads seqeval."""
    return 200 * sum(one["right"]) / max(1, sum(one["predicted"]) + sum(one["gold"]))
