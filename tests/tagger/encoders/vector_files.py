"""Files of word vectors, written byte by byte as the tools that made the formats write them."""

import struct


def write_text(path, rows, *, header=True, tail=""):
    """As word2vec writes text; `tail=" "` is fastText's; without a header GloVe's."""
    lines = [f"{word} {' '.join(repr(float(value)) for value in row)}{tail}\n" for word, row in rows]
    first = f"{len(rows)} {len(rows[0][1])}\n" if header else ""
    path.write_bytes((first + "".join(lines)).encode())


def write_word2vec(path, rows, *, between=b"\n"):
    """As word2vec writes it; gensim leaves out the newline between two words."""
    data = f"{len(rows)} {len(rows[0][1])}\n".encode()
    for word, row in rows:
        data += word.encode() + b" " + struct.pack(f"<{len(row)}f", *row) + between
    path.write_bytes(data)


def write_fasttext(
    path, words, matrix, *, buckets, min_n=2, max_n=3, version=12, model=2, labels=(), quantised=False, pruned=-1
):
    """A model whose input matrix has rows for `words`, then for the buckets, and an output matrix of one row."""
    rows, dim = len(matrix), len(matrix[0])
    data = struct.pack("<2i", 793712314, version)
    data += struct.pack("<12id", dim, 5, 1, 1, 5, 1, 2, model, buckets, min_n, max_n, 100, 1e-4)
    data += struct.pack("<3i2q", len(words) + len(labels), len(words), len(labels), 1000, pruned)
    for kind, entries in enumerate((words, labels)):
        for entry in entries:
            data += entry.encode() + b"\0" + struct.pack("<qb", 7, kind)
    data += struct.pack("<?2q", quantised, rows, dim)
    for row in matrix:
        data += struct.pack(f"<{dim}f", *row)
    data += struct.pack(f"<?2q{dim}f", False, 1, dim, *[0.0] * dim)
    path.write_bytes(data)
