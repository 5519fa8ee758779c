"""Requests that arrive together are tagged together, by one thread.

An idle server tags a request at once. While it tags, others arrive; then it takes of those that wait, oldest first, up
to `BATCH_CHARACTERS`. A request with more text than that is taken in parts, and goes to the back of the queue after
each: no request keeps the others waiting for longer than one batch.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate, islice

from ..records import record
from ..splitting import SplittingError, Word, split
from ..tagging import TextTagger
from .errors import RequestError, busy
from .metrics import Metrics
from .parsing import Asked

BATCH_CHARACTERS = 20_000
"""About 4,000 words: a batch of `tagging`, and some 0.1 s."""


@dataclass(eq=False, slots=True)
class _Job:
    """A request that waits, with the records that it has so far."""

    asked: Asked
    answer: "asyncio.Future[list[str]]"
    done: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Part:
    """The next texts of a request."""

    job: _Job
    texts: Sequence[str]


_Outcome = list[str] | Exception


class Batcher:
    """The queue in front of taggers.

    Args:
        taggers: by the model's name; only the batcher's thread calls them.
        most: requests that wait or are being tagged.
    """

    def __init__(self, taggers: Mapping[str, TextTagger], most: int, metrics: Metrics) -> None:
        self._taggers, self._most, self._metrics = taggers, most, metrics
        self._jobs: dict[_Job, None] = {}  # in their order
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "tagging")
        metrics.queue.set_function(lambda: len(self._jobs))

    async def answer(self, asked: Asked) -> list[str]:
        """Return the record of each text in JSON, in order. If this is cancelled, the queue forgets the request.

        Raises:
            RequestError: too many requests wait, or a text cannot be split.
        """
        if not asked.texts:
            return []
        if len(self._jobs) >= self._most:
            raise busy(f"{len(self._jobs)} requests that wait", f"fewer than {self._most}")
        job = _Job(asked, asyncio.get_running_loop().create_future())
        self._jobs[job] = None
        self._arrived.set()
        try:
            return await job.answer
        finally:
            self._jobs.pop(job, None)

    async def run(self) -> None:
        """Tag what arrives, until this is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while parts := self._take():
                outcomes = await loop.run_in_executor(self._thread, self._tag, parts)
                for part, outcome in zip(parts, outcomes, strict=True):
                    self._settle(part.job, outcome)

    def _take(self) -> list[_Part]:
        """Take the next texts of requests that want the same of the same model, the oldest request first."""
        parts: list[_Part] = []
        room = BATCH_CHARACTERS
        for job in self._jobs:
            if room > 0 and (not parts or _alike(job.asked, parts[0].job.asked)):
                texts = job.asked.texts[len(job.done) :]
                count = _fitting(texts, room)
                parts.append(_Part(job, texts[:count]))
                room -= sum(map(len, texts[:count]))
        return parts

    def _settle(self, job: _Job, outcome: _Outcome) -> None:
        """Keep the records of a part; answer a request that is complete, and put others at the end of the queue."""
        self._jobs.pop(job, None)
        if job.answer.done():  # nobody waits for it any more
            return
        if isinstance(outcome, Exception):
            job.answer.set_exception(outcome)
            return
        job.done.extend(outcome)
        if len(job.done) == len(job.asked.texts):
            job.answer.set_result(job.done)
        else:
            self._jobs[job] = None

    # -- in the thread ------------------------------------------------------------------------------------------

    def _tag(self, parts: Sequence[_Part]) -> list[_Outcome]:
        """Return the records of each part. If one fails, each is tagged alone, so that no other fails with it."""
        try:
            return [*self._records(parts)]
        except Exception as error:  # whatever it is, it is the answer to one request, and the others go on
            if len(parts) == 1:
                return [error]
            return [outcome for part in parts for outcome in self._tag([part])]

    def _records(self, parts: Sequence[_Part]) -> list[list[str]]:
        asked = parts[0].job.asked
        words = [found for part in parts for found in _split(part)]
        texts = [text for part in parts for text in part.texts]
        tagged = self._taggers[asked.model].tag_words(texts, words, asked.wanted)
        self._metrics.count(asked.model, len(parts), list(map(len, words)))
        records = (json.dumps(record(one), ensure_ascii=False, allow_nan=False) for one in tagged)
        return [list(islice(records, len(part.texts))) for part in parts]


def _alike(one: Asked, other: Asked) -> bool:
    return one.model == other.model and one.wanted == other.wanted


def _fitting(texts: Sequence[str], room: int) -> int:
    """Return how many of the texts have this many characters together: at least one."""
    for count, length in enumerate(accumulate(map(len, texts)), 1):
        if length >= room:
            return count
    return len(texts)


def _split(part: _Part) -> list[list[Word]]:
    found = []
    for place, text in enumerate(part.texts, len(part.job.done)):
        try:
            found.append(split(text))
        except SplittingError as error:
            raise RequestError(
                422,
                f"texts[{place}]" if len(part.job.asked.texts) > 1 else "text",
                str(error).removeprefix("found ").partition(";")[0],
                "words with blanks between them, or a server with ICU",
            ) from None
    return found
