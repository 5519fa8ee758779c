"""How many sentences of each language an epoch has."""

from collections.abc import Mapping


def epoch_counts(available: Mapping[str, int], exponent: float) -> dict[str, int]:
    """Share as many sentences as there are among languages, in proportion to n^exponent.

    1 gives every language what it has, 0 all the same. Rounded by largest remainder, so that the sum is kept.
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
