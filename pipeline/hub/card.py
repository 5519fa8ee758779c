"""The card of an artifact set, in the Hub's form."""

import json
import re

from structkd.artifacts.manifest import SHARDS, Manifest

_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")  # what the Hub takes


def dataset_card(manifest: Manifest, licence: str) -> str:
    """Return the card's text: what the rows are, by language, and whose they are."""
    languages = [name for name in manifest.languages if _LANGUAGE_CODE.fullmatch(name)]
    counts = "\n".join(
        f"| {name} | {count.labelled} | {count.unlabelled} |" for name, count in manifest.languages.items()
    )
    teacher = manifest.header.provenance.get("teacher")
    return f"""---
license: {json.dumps(licence)}
language: {json.dumps(languages)}
task_categories: [token-classification]
tags: [structkd, knowledge-distillation]
configs:
- config_name: default
  data_files: {json.dumps(SHARDS)}
---

# Answers of a teacher to {manifest.rows} sentences

An artifact set of structkd: a row is a sentence, with the label sequences, posteriors and emission scores that a
teacher gives it. `{manifest.identity}` is the digest of everything that determines the rows.

- Teacher: `{teacher}`
- Labels: {", ".join(f"`{label}`" for label in manifest.header.labels)}
- Words: {manifest.tokens}

| language | labelled sentences | unlabelled sentences |
| --- | ---: | ---: |
{counts}

The rows contain the text of the corpus, and its gold labels where it has them. The licence above is that of the text,
as whoever pushed the set has named it. Names of people in the text are in the rows, too.

`structkd pull datasets/OWNER/NAME FOLDER` checks every shard against `manifest.json`.
"""
