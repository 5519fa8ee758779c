"""Files of word vectors, memory-mapped: opening a file finds its words, reading touches only the wanted rows."""
