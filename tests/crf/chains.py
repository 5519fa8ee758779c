"""Random chains for property tests."""

import torch
from hypothesis import strategies as st

from crf import LinearChain


@st.composite
def chains(draw, *, max_length=4, max_labels=4, dtype=torch.float64, forbid=False, batch=None):
    """A small batch of chains with garbage at padding; with `forbid`, some transitions and starts are -inf."""
    lengths = draw(st.lists(st.integers(1, max_length), min_size=1, max_size=3)) if batch is None else batch
    labels = draw(st.integers(2 if forbid else 1, max_labels))
    spread = draw(st.sampled_from([0.3, 1.0, 8.0, 60.0]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    padding = draw(st.integers(0, 2))
    return random_chain(lengths, labels, spread, generator, padding=padding, dtype=dtype, forbid=forbid)


def random_chain(lengths, labels, spread, generator, *, padding=0, dtype=torch.float64, forbid=False):
    """A batch of chains whose scores are normal with the given spread."""
    T = max(lengths) + padding

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).mul(spread).to(dtype)

    emissions = normal(len(lengths), T, labels)
    for row, length in enumerate(lengths):
        emissions[row, length:] = 1e4 * normal(T - length, labels)
    transitions, start = normal(labels, labels), normal(labels)
    if forbid:  # label 0 may follow and be followed by anything, so every sentence keeps a possible sequence
        banned = torch.rand(labels, labels, generator=generator) < 0.4
        banned[0], banned[:, 0] = False, False
        transitions[banned], start[1] = -torch.inf, -torch.inf
    return LinearChain(
        emissions=emissions,
        transitions=transitions,
        start=start,
        end=normal(labels),
        lengths=torch.tensor(lengths),
    )
