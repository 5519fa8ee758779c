"""Sentences of similar length together, so that little is padded."""

from collections.abc import Sequence

import numpy as np


def length_batches(lengths: Sequence[int], batch_tokens: int) -> list[np.ndarray]:
    """Group places of sentences by similar length, at most `batch_tokens` words per batch including padding.

    A sentence longer than that is a batch of its own. Ties keep the order of the sentences.
    """
    order = np.argsort(np.asarray(lengths), kind="stable")
    groups, first = [], 0
    for last, place in enumerate(order):
        if last > first and (last - first + 1) * lengths[place] > batch_tokens:
            groups.append(order[first:last])
            first = last
    return [*groups, order[first:]] if len(order) else []
