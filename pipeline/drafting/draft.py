"""The text of a first experiment file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from structkd.corpora.config import FileFormat
from structkd.corpora.labelled import read_labelled
from structkd.corpora.sentences import Corpus, CorpusError, Split
from structkd.corpora.survey import size_of
from structkd.pipeline.drafting.formats import guess_format
from structkd.pipeline.drafting.names import NamedFiles, named_files

_SUFFIXES = (".conll", ".bio", ".iob", ".iob2", ".bioes", ".tsv", ".conllu", ".parquet", ".jsonl", ".ndjson", ".txt")


def draft(given: Sequence[Path]) -> str:
    """Return the text of an experiment file for files, or for all corpora in folders.

    Raises:
        CorpusError: files whose names or contents cannot be understood.
    """
    labelled, texts = named_files(_files(given))
    splits: list[Split] = ["train", "dev", "test"]
    paths = [labelled.path(language, split) for language in labelled.languages for split in splits]
    found = guess_format(paths[0], paths[1:])
    corpora = {
        language: {
            split: read_labelled(found, labelled.path(language, split), language, split, None) for split in splits
        }
        for language in labelled.languages
    }
    return "\n".join(
        [
            *_about(labelled, corpora, found),
            *_corpus(labelled, found),
            *(_text(texts) if texts else _NO_TEXT),
            *_models(sum(one["train"].tokens for one in corpora.values()), len(corpora)),
        ]
    )


def _files(given: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        if not path.exists():
            raise CorpusError(f"{path}: no such file or folder")
        inside = sorted(one for one in path.rglob("*") if one.suffix in _SUFFIXES and one.is_file())
        if path.is_dir() and not inside:
            raise CorpusError(f"{path}: holds no file that ends in {', '.join(_SUFFIXES)}")
        found += inside if path.is_dir() else [path]
    return list(dict.fromkeys(found))


def _about(files: NamedFiles, corpora: Mapping[str, Mapping[Split, Corpus]], found: FileFormat) -> list[str]:
    lines = [f'title = "{", ".join(files.languages)}"', "# What the files hold:"]
    for language, splits in corpora.items():
        sizes = [size_of(corpus) for corpus in splits.values()]
        counts = ", ".join(f"{one.split} {one.sentences:,} sentences ({one.words:,} words)" for one in sizes)
        lines.append(f"#   {language}: {counts}")
    types = {kind for splits in corpora.values() for corpus in splits.values() for kind in size_of(corpus).types}
    lines.append(f"# {'Types of spans' if found.metric == 'spans' else 'Tags'}: {_listed(sorted(types))}")
    return [*lines, f"languages = {as_toml(list(files.languages))}", ""]


def _corpus(files: NamedFiles, found: FileFormat) -> list[str]:
    renamed = {split: name for split, name in files.splits.items() if name != split}
    settings = {"name": "files", "path": files.pattern, **({"splits": renamed} if renamed else {})}
    settings |= found.model_dump(exclude_defaults=True)
    settings |= {"scheme": found.scheme} if found.metric == "spans" else {}
    notes = {
        "repair": "  # some labels follow nothing that they could continue; they are read as conlleval reads them",
        "scheme": "  # of the files; the taggers use BIOES",
        "label_column": "  # which column the labels stand in, or are called",
        "metric": "  # of tags, one a word",
    }
    return ["[corpus]", *(f"{key} = {as_toml(value)}{notes.get(key, '')}" for key, value in settings.items()), ""]


def _text(texts: NamedFiles) -> list[str]:
    path = texts.pattern.replace("{split}", texts.splits["unlabelled"])
    return [
        "# Text without labels, for the teachers to annotate: what students learn most from.",
        "[unlabelled]",
        f"path = {as_toml(path)}",
        f"languages = {as_toml(list(texts.languages))}",
        "",
    ]


_NO_TEXT = [
    "# Students learn most from text that has no labels. Put one sentence a line into a file for each language:",
    "# [unlabelled]",
    '# path = "data/{language}.txt"',
    "",
]


def _models(words: int, languages: int) -> list[str]:
    """Settings to begin with: about ten epochs, within limits."""
    batch = 500
    teacher = min(3000, max(400, 10 * words // languages // batch))
    student = min(6000, max(800, 10 * words // batch))
    return [
        "# First to change: a pretrained encoder in place of words and characters, see docs/teachers.md:",
        '# encoders = [{ kind = "transformer", model = "intfloat/multilingual-e5-small", frozen = false }]',
        "[teacher.tagger]",
        'encoders = [{ kind = "words", dropout = 0.4 }, { kind = "char-cnn" }]',
        "hidden = 200",
        "dropout = 0.5",
        "",
        "[teacher.training]",
        f"updates = {teacher}",
        f"batch_tokens = {batch}",
        f"evaluate_every = {max(1, teacher // 10)}",
        "",
        "[student]",
        "# The baseline learns from labels alone; the gap between it and the teachers is what there is to gain.",
        'systems = ["baseline", "posterior+top-wk"]',
        "seeds = [1]  # more seeds, and the table has intervals",
        "",
        "[student.tagger]",
        'encoders = [{ kind = "words", dropout = 0.4 }, { kind = "char-cnn" }]',
        "hidden = 200",
        "dropout = 0.5",
        "",
        "[student.training]",
        f"updates = {student}",
        f"batch_tokens = {batch}",
        f"evaluate_every = {max(1, student // 10)}",
        "",
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def as_toml(value: Any) -> str:
    """Return a value as TOML has it on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {as_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)  # texts, numbers and truth values are written as in TOML
