"""A first experiment file from a person's own corpora: names, formats, and settings to begin with."""
