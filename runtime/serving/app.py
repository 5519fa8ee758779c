"""The routes of the server."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from time import perf_counter

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..tagging import TextTagger
from .batching import Batcher
from .errors import RequestError, busy
from .limits import Limits
from .metrics import Metrics
from .openapi import document
from .page import page_routes
from .parsing import Asked, parse, read_body

GONE = 499
"""The status, as nginx writes it, of a request whose client left."""
_log = logging.getLogger(__name__)


def make_app(taggers: Mapping[str, TextTagger], limits: Limits) -> Starlette:
    """Return the application; the first tagger answers requests that name none."""
    metrics = Metrics()
    batcher = Batcher(taggers, limits.queue, metrics)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        running = asyncio.create_task(batcher.run())
        yield
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    models = [
        {"name": name, "labels": list(tagger.labels), "entities": tagger.scorer.scheme is not None}
        for name, tagger in taggers.items()
    ]
    endpoint = TagEndpoint(list(taggers), limits, batcher, metrics)
    app = Starlette(
        routes=[
            Route("/tag", endpoint.answer, methods=["POST"]),
            _fixed("/health", {"status": "ok"}),
            _fixed("/models", {"models": models}),
            _fixed("/openapi.json", document(list(taggers), limits)),
            Route("/metrics", metrics.answer),
            *page_routes(),
        ],
        exception_handlers={HTTPException: _refuse},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


class TagEndpoint:
    """`POST /tag`."""

    def __init__(self, models: list[str], limits: Limits, batcher: Batcher, metrics: Metrics) -> None:
        self._models, self._limits, self._batcher, self._metrics = models, limits, batcher, metrics

    async def answer(self, request: Request) -> Response:
        """Answer a request, whatever it holds, and count it."""
        began = perf_counter()
        try:
            response = await self._records(request)
        except RequestError as error:
            response = _refusal(error)
        except ClientDisconnect:
            response = Response(status_code=GONE)
        except asyncio.CancelledError:  # the time of a graceful stop is over
            response = _refusal(busy("a server that stops", "an answer within its time to stop"))
        except Exception:
            _log.exception("a defect")
            response = _refusal(RequestError(500, None, "a defect of the server, which its log describes", "none"))
        self._metrics.requests.labels(response.status_code).inc()
        self._metrics.seconds.observe(perf_counter() - began)
        return response

    async def _records(self, request: Request) -> Response:
        asked = parse(await read_body(request, self._limits), self._models, self._limits)
        records = await self._tagged(request, asked)
        body = f'{{"model": {json.dumps(asked.model)}, "records": [{", ".join(records)}]}}'
        return Response(body, media_type="application/json")

    async def _tagged(self, request: Request, asked: Asked) -> list[str]:
        """Wait for the records, but not for too long, nor for a client that has left."""
        answer = asyncio.ensure_future(self._batcher.answer(asked))
        leaves = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait((answer, leaves), timeout=self._limits.wait_seconds, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if leaves.done():
                raise ClientDisconnect
            raise busy("no answer yet", f"one within {self._limits.wait_seconds:g} seconds")
        finally:
            answer.cancel()
            leaves.cancel()


async def _left(request: Request) -> None:
    """Wait until the client leaves."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _fixed(path: str, content: object) -> Route:
    """Return the route of an answer that never changes."""
    body = json.dumps(content).encode()

    async def answer(request: Request) -> Response:
        return Response(body, media_type="application/json")

    return Route(path, answer)


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer a request for another path or method."""
    assert isinstance(error, HTTPException)
    part, found = ("method", request.method) if error.status_code == 405 else ("path", request.url.path)
    paths = [route.path for route in request.app.routes]
    allowed = (error.headers or {}).get("Allow", f"one of {', '.join(paths)}")
    return _refusal(RequestError(error.status_code, part, json.dumps(found[:100]), allowed, error.headers))


def _refusal(error: RequestError) -> Response:
    return JSONResponse(error.document(), error.status, error.headers)
