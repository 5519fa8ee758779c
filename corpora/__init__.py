"""Sentences, label sets and schemes, readers, the catalog, and the embedded demo corpus."""
