"""Runs of the parts of `structkd tag` in this process, with a tagger that needs no training."""

from structkd.pipeline.tagging.answers import answer_fields
from structkd.pipeline.tagging.destination import Destination, opened
from structkd.pipeline.tagging.items import Reading
from structkd.pipeline.tagging.run import tag_files
from structkd.runtime.splitting import split
from structkd.runtime.tagging import TextTagger, Wanted
from tests.runtime.test_tagging import Drawn, labels_of

TAGGER = TextTagger(Drawn(labels_of("BIOES", ("PER", "LOC")), "BIOES"))
ALL = Wanted()


def tagged(path, form, kind, to, *, field="text", wanted=ALL, under=None, words_of=split, longest=100_000):
    """Tag a file into the file `to`; what was told of the progress."""
    keeps = kind == "json" or (kind, form) == ("parquet", "parquet")
    added = answer_fields(wanted, under) if keeps else frozenset()
    reading = Reading(words_of, longest, field, added, as_json=kind == "json")
    told = []
    with opened(Destination(kind, to, wanted, under, title=path.name), TAGGER, print) as output:
        tag_files(TAGGER, [path], form, reading, wanted, output, lambda read, words: told.append((read, words)))
    return told
