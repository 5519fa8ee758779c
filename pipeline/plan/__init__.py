"""The plan of an experiment: its corpora and its pieces, named by digest before anything runs."""
