"""Any tagger as a teacher: what can be asked for distributions over the label sequences of sentences."""
