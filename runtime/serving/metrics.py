"""What the server counts, for Prometheus."""

from collections.abc import Sequence

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.requests import Request
from starlette.responses import Response

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
WORDS = (10, 30, 100, 300, 1000, 3000, 10_000)


class Metrics:
    """The metrics of one server; nothing is global."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "structkd_requests",
            "Requests to tag by HTTP status; 499: the client left.",
            ["status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "structkd_request_seconds", "From a request's head to its answer.", buckets=SECONDS, registry=registry
        )
        self.queue = Gauge("structkd_queue_requests", "Requests that wait or are being tagged.", registry=registry)
        self._texts = Counter("structkd_texts", "Texts that were tagged.", ["model"], registry=registry)
        self._words = Counter("structkd_words", "Words that were tagged.", ["model"], registry=registry)
        self._batch_requests = Histogram(
            "structkd_batch_requests", "Requests that were tagged together.", buckets=SIZES, registry=registry
        )
        self._batch_words = Histogram(
            "structkd_batch_words", "Words that were tagged together.", buckets=WORDS, registry=registry
        )

    def count(self, model: str, requests: int, words: Sequence[int]) -> None:
        """Count a batch.

        Args:
            words: of each text.
        """
        self._texts.labels(model).inc(len(words))
        self._words.labels(model).inc(sum(words))
        self._batch_requests.observe(requests)
        self._batch_words.observe(sum(words))

    async def answer(self, request: Request) -> Response:
        """Return all metrics in Prometheus's text format."""
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
