"""Spans as the labels that write them."""

from structkd.runtime.spans import Scheme, WordSpan


def span_labels(span: WordSpan, scheme: Scheme) -> list[str]:
    """Return the labels that write a span."""
    length = span.end - span.start
    prefixes = ["B"] + ["I"] * (length - 1)
    if scheme == "BIOES":
        prefixes[-1] = "E" if length > 1 else "S"
    return [f"{prefix}-{span.type}" for prefix in prefixes]
