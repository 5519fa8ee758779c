"""Files of word vectors, memory-mapped: opening one finds where its words stand, reading touches the rows asked for."""
