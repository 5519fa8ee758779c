"""The forward-backward algorithm as textbooks have it: log space, float64, one sentence at a time, -inf and all.

Where listing all label sequences would take too long, this is the specification.
"""

import torch

from structkd.crf import LinearChain


def forward_backward(chain: LinearChain, sentence: int) -> tuple[torch.Tensor, torch.Tensor]:
    """log Z and the marginals `[n, L]` of one sentence."""
    n = int(chain.lengths[sentence])
    words = chain.emissions[sentence, :n].detach().double().clone()
    steps = chain.transitions.detach().double()
    words[0] += chain.start.detach().double()
    words[-1] += chain.end.detach().double()
    before, after = [words[0]], [torch.zeros_like(words[0])]
    for i in range(1, n):
        before.append((before[-1][:, None] + steps).logsumexp(0) + words[i])
        after.append((steps + (words[n - i] + after[-1])).logsumexp(1))
    log_partition = before[-1].logsumexp(0)
    return log_partition, (torch.stack(before) + torch.stack(after[::-1]) - log_partition).exp()
