"""Teachers of any kind: sources of distributions over the label sequences of sentences."""
