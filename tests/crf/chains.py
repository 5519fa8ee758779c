"""Random chains for property tests."""

import torch
from hypothesis import strategies as st

from structkd.crf import LinearChain


@st.composite
def chains(draw, *, max_length=4, max_labels=4, dtype=torch.float64, forbid=False, batch=None):
    """A small batch of chains with garbage at padding; with `forbid`, some transitions and starts are -inf."""
    lengths = draw(st.lists(st.integers(1, max_length), min_size=1, max_size=3)) if batch is None else batch
    labels = draw(st.integers(2 if forbid else 1, max_labels))
    scale = draw(st.sampled_from([0.3, 1.0, 8.0, 60.0]))
    padding = draw(st.integers(0, 2))
    return random_chain(
        lengths, labels, scale, draw(st.integers(0, 2**31)), padding=padding, dtype=dtype, forbid=forbid
    )


def random_chain(lengths, labels, scale, seed=0, *, spread=None, padding=0, dtype=torch.float64, forbid=False):
    """A batch of chains whose scores are normal: transitions, start and end times `scale`, emissions times `spread`."""
    generator = torch.Generator().manual_seed(seed) if isinstance(seed, int) else seed
    spread, T = scale if spread is None else spread, max(lengths) + padding

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    emissions = normal(len(lengths), T, labels) * spread
    for row, length in enumerate(lengths):
        emissions[row, length:] = 1e4 * normal(T - length, labels)
    transitions, start, end = normal(labels, labels) * scale, normal(labels) * scale, normal(labels) * scale
    if forbid:  # label 0 may follow and be followed by anything, so every sentence keeps a possible sequence
        banned = torch.rand(labels, labels, generator=generator) < 0.4
        banned[0], banned[:, 0] = False, False
        transitions[banned], start[1] = -torch.inf, -torch.inf
    return _chain(emissions, transitions, start, end, lengths, dtype)


def constrained(scheme, lengths, *, scale=1.0, spread=1.0, seed=0, dtype=torch.float64, types=("A", "B")):
    """A batch of chains that allow the valid sequences of a scheme and no others."""
    prefixes = {"IOB2": "BI", "BIOES": "BIES"}[scheme]
    labels = ["O", *(f"{prefix}-{kind}" for kind in types for prefix in prefixes)]
    chain = random_chain(lengths, len(labels), scale, seed, spread=spread, padding=2)
    transitions, start, end = chain.transitions.clone(), chain.start.clone(), chain.end.clone()
    for j, label in enumerate(labels):
        start[j] = start[j] if label[0] in "OBS" else -torch.inf
        end[j] = -torch.inf if scheme == "BIOES" and label[0] in "BI" else end[j]
        for k, following in enumerate(labels):
            opened = label[0] in ("BI" if scheme == "BIOES" else "BIES")
            goes_on = following[0] in "IE"
            same = label[1:] == following[1:]
            valid = (opened and same) if goes_on else not (opened and scheme == "BIOES")
            if not valid:
                transitions[j, k] = -torch.inf
    return _chain(chain.emissions, transitions, start, end, lengths, dtype)


def alone(chain, b):
    """One sentence of a batch, without the others and without padding."""
    n = int(chain.lengths[b])
    return LinearChain(
        emissions=chain.emissions[b : b + 1, :n],
        transitions=chain.transitions,
        start=chain.start,
        end=chain.end,
        lengths=chain.lengths[b : b + 1],
    )


def widened(chain):
    """The same scores in float64."""
    parts = ("emissions", "transitions", "start", "end")
    return LinearChain(**{name: getattr(chain, name).double() for name in parts}, lengths=chain.lengths)


def _chain(emissions, transitions, start, end, lengths, dtype):
    return LinearChain(
        emissions=emissions.to(dtype),
        transitions=transitions.to(dtype),
        start=start.to(dtype),
        end=end.to(dtype),
        lengths=torch.tensor(lengths),
    )
