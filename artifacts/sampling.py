"""The number of sentences of each language in an epoch."""

from collections.abc import Mapping


def epoch_counts(available: Mapping[str, int], exponent: float) -> dict[str, int]:
    """Divide an epoch's sentences among the languages in proportion to n^exponent; the total stays the same.

    With 1 every language keeps its number of sentences; with 0 all have the same number. Rounding is by largest
    remainder.
    """
    total = sum(available.values())
    largest = max(available.values())
    # n / largest keeps the power from overflowing; the proportions are the same.
    weights = {language: (count / largest) ** exponent for language, count in available.items()}
    scale = total / sum(weights.values())
    shares = {language: weight * scale for language, weight in weights.items()}
    counts = {language: int(share) for language, share in shares.items()}
    by_remainder = sorted(shares, key=lambda language: (counts[language] - shares[language], language))
    for language in by_remainder[: total - sum(counts.values())]:
        counts[language] += 1
    return counts
