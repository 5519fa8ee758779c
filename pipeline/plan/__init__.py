"""What an experiment consists of: its corpora and its pieces, named by digest before anything runs."""
