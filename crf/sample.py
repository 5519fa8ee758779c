"""Label sequences drawn from a chain: forward filtering, backward sampling."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def sample(
    filtered: Float[Tensor, "B T L"],
    transitions: Float[Tensor, "L L"],
    mask: Bool[Tensor, "B T"],
    n: int,
    generator: torch.Generator | None,
    uniforms: Float[Tensor, "B {n} T"] | None = None,
) -> Int[Tensor, "B {n} T"]:
    """Draw n independent sequences per sentence, 0 at padding; `uniforms` decide the draws if they are given.

    p(y_i | y_{i+1}, x) is proportional to exp(filtered[i, y_i] + transitions[y_i, y_{i+1}]), where `filtered` is the
    log weight of the words up to i by the label of word i.
    """
    (B, T, L), into = filtered.shape, transitions.mT.contiguous()
    label = torch.zeros(B, n, dtype=torch.long, device=filtered.device)
    labels = []
    for i in range(T - 1, -1, -1):
        logits = filtered[:, i, None].expand(B, n, L)
        if i + 1 < T:
            logits = logits + mask[:, i + 1, None, None] * into[label]
        if uniforms is None:
            drawn = torch.multinomial(logits.softmax(-1).view(-1, L), 1, generator=generator).view(B, n)
        else:
            drawn = _inverse(logits.double().softmax(-1).cumsum(-1), uniforms[:, :, i, None])
        label = drawn * mask[:, i, None]
        labels.append(label)
    return torch.stack(labels[::-1], 2)


def _inverse(shares: Float[Tensor, "B n L"], uniforms: Float[Tensor, "B n 1"]) -> Int[Tensor, "B n"]:
    """Return the label in whose part of the cumulated shares each number falls."""
    return (shares[..., :-1] <= uniforms * shares[..., -1:]).sum(-1)
