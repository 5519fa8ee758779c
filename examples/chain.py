"""Use the linear chain alone: it needs no corpus and no teacher. `python examples/chain.py`."""

import torch

import structkd

LABELS = ("O", "B", "I")
FORBIDDEN = torch.tensor([[0.0, 0.0, -torch.inf], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])  # from O to I


def make_chain(emissions: torch.Tensor) -> structkd.LinearChain:
    """Two sentences of 4 and 2 words, over labels of which I never begins a sentence and never follows O."""
    start, end = torch.tensor([0.0, 0.0, -torch.inf]), torch.zeros(3)
    return structkd.LinearChain(
        emissions=emissions, transitions=FORBIDDEN, start=start, end=end, lengths=torch.tensor([4, 2])
    )


def main() -> None:
    torch.manual_seed(0)
    teacher = make_chain(torch.randn(2, 4, len(LABELS)))
    paths, log_probs, counts = teacher.kbest(3)
    for sentence, length in enumerate(teacher.lengths.tolist()):
        for rank in range(counts[sentence]):
            path = [LABELS[label] for label in paths[sentence, rank, :length]]
            print(f"sentence {sentence}: {log_probs[sentence, rank].exp():.3f} {' '.join(path)}")
    print("entropy in nats:", teacher.entropy().tolist())

    emissions = torch.zeros(2, 4, len(LABELS), requires_grad=True)  # a student that learns the whole distribution
    optimizer = torch.optim.LBFGS([emissions], line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        divergence = teacher.kl(make_chain(emissions)).sum()
        divergence.backward()
        return divergence

    before = loss().item()
    optimizer.step(loss)
    print(f"KL(teacher, student): {before:.3f} before, {loss().item():.3f} after")


if __name__ == "__main__":
    main()
