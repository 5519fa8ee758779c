"""The embedded demo corpus: generated named entities (PER, LOC, ORG; IOB2) in four languages."""

from structkd.corpora.demo.digest import generator_digest
from structkd.corpora.demo.generate import demo_corpus
from structkd.corpora.demo.grammar import LANGUAGES

__all__ = ["LANGUAGES", "demo_corpus", "generator_digest"]
