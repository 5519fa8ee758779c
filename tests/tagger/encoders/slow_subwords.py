"""fastText's n-grams and hash, one character and one byte at a time."""


def slow_hash(text):
    value = 2166136261
    for byte in text.encode():
        signed = byte - 256 if byte > 127 else byte
        value = ((value ^ (signed % 2**32)) * 16777619) % 2**32
    return value


def slow_ngrams(word, min_n, max_n):
    marked = f"<{word}>"
    return [
        marked[first : first + n]
        for n in range(min_n, max_n + 1)
        for first in range(len(marked) - n + 1)
        if marked[first : first + n] not in ("<", ">") or 0 < first < len(marked) - 1
    ]
