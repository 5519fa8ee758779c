"""The body of a request to tag: read within limits, and checked to the last field."""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from starlette.requests import Request

from ..lines import whole_number
from ..tagging import Wanted
from .errors import RequestError
from .limits import Limits

FIELDS = ("text", "texts", "model", "k", "marginals", "threshold")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to tag."""

    model: str
    texts: tuple[str, ...]
    wanted: Wanted


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body of a request; no more of it is ever in memory than the limit.

    Raises:
        RequestError: another content type or encoding, a body that is too long or too slow.
        ClientDisconnect: the client has gone.
    """
    _check_headers(request.headers)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.body_bytes:
        raise _too_long(f"{length} bytes", limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.receive_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body_bytes:
                    raise _too_long(f"more than {limits.body_bytes} bytes", limits)
    except TimeoutError:
        found, expected = f"{len(body)} bytes", f"the whole body within {limits.receive_seconds:g} seconds"
        raise RequestError(408, "body", found, expected, {"Connection": "close"}) from None
    return bytes(body)


def parse(body: bytes, models: Collection[str], limits: Limits) -> Asked:
    """Return what a body asks for; without a `model`, of the first one.

    Raises:
        RequestError: the first fault.
    """
    given = _document(body)
    for name in given:
        if name not in FIELDS:
            raise _wrong(_quoted(name), "an unknown field", f"only {', '.join(FIELDS)}")
    if ("text" in given) == ("texts" in given):
        found = "both text and texts" if "text" in given else "neither text nor texts"
        raise _wrong("body", found, "one of them")
    return Asked(
        model=_model(given.get("model", next(iter(models))), models),
        texts=_texts(given, limits),
        wanted=Wanted(
            threshold=float(_number(given, "threshold", float, 1)),
            k=_number(given, "k", int, limits.k),
            marginals=_flag(given, "marginals"),
        ),
    )


def _check_headers(headers: Mapping[str, str]) -> None:
    kind, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        found = _quoted(headers.get("content-type", "")) if kind else "none"
        raise RequestError(415, "Content-Type", found, "application/json")
    if headers.get("content-encoding", "identity") != "identity":
        raise RequestError(415, "Content-Encoding", _quoted(headers["content-encoding"]), "none")


def _too_long(found: str, limits: Limits) -> RequestError:
    return RequestError(413, "body", found, f"at most {limits.body_bytes}")


def _document(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(
            body.decode(),
            parse_constant=_no_constant,
            parse_int=whole_number,
            object_pairs_hook=_without_twins,
        )
    except UnicodeDecodeError as error:
        found = f"{body[error.start]:#04x} at byte {error.start + 1}"
        raise RequestError(400, "body", found, "UTF-8") from None
    except RecursionError:
        raise RequestError(400, "body", "values that are nested too deeply", "an object of plain fields") from None
    except json.JSONDecodeError as error:
        found = f"no JSON ({error.msg}: line {error.lineno}, column {error.colno})"
        raise RequestError(400, "body", found, "a JSON object") from None
    except ValueError as error:
        raise RequestError(400, "body", f"no JSON ({error})", "a JSON object") from None
    if not isinstance(given, dict):
        raise _wrong("body", _kind(given), "an object")
    return given


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _without_twins(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field that is given twice")
    return found


def _model(given: Any, models: Collection[str]) -> str:
    if not isinstance(given, str) or given not in models:
        found = _quoted(given) if isinstance(given, str) else _kind(given)
        raise _wrong("model", found, f"one of {', '.join(models)}")
    return given


def _texts(given: Mapping[str, Any], limits: Limits) -> tuple[str, ...]:
    if "text" in given:
        return (_text("text", given["text"], limits),)
    texts = given["texts"]
    if not isinstance(texts, list):
        raise _wrong("texts", _kind(texts), "an array of strings")
    if len(texts) > limits.texts:
        raise _wrong("texts", f"{len(texts)} texts", f"at most {limits.texts}")
    return tuple(_text(f"texts[{place}]", text, limits) for place, text in enumerate(texts))


def _text(field: str, text: Any, limits: Limits) -> str:
    if not isinstance(text, str):
        raise _wrong(field, _kind(text), "a string")
    if len(text) > limits.text_characters:
        raise _wrong(field, f"{len(text)} characters", f"at most {limits.text_characters}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = f"half of a surrogate pair, \\u{ord(text[error.start]):04x}, at character {error.start + 1}"
        raise _wrong(field, found, "whole characters") from None
    return text


def _number(given: Mapping[str, Any], field: str, kind: type[int] | type[float], most: int) -> Any:
    """Return a number from 0 to `most`."""
    value = given.get(field, 0)
    expected = f"{'a whole number' if kind is int else 'a number'} from 0 to {most}"
    if isinstance(value, bool) or not isinstance(value, (int, kind)):
        raise _wrong(field, _kind(value), expected)
    if not 0 <= value <= most:
        raise _wrong(field, f"{value:g}" if isinstance(value, float) else str(value)[:20], expected)
    return value


def _flag(given: Mapping[str, Any], field: str) -> bool:
    value = given.get(field, False)
    if not isinstance(value, bool):
        raise _wrong(field, _kind(value), "true or false")
    return value


def _wrong(field: str, found: str, expected: str) -> RequestError:
    return RequestError(422, field, found, expected)


_KINDS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "null",
    bool: lambda value: str(value).lower(),
    int: lambda _: "a number",
    float: lambda _: "a number",
    str: lambda _: "a string",
    list: lambda _: "an array",
    dict: lambda _: "an object",
}


def _kind(value: Any) -> str:
    return _KINDS[type(value)](value)


def _quoted(text: str) -> str:
    """Return the beginning of a client's string as printable ASCII."""
    return json.dumps(text if len(text) <= 40 else text[:40] + "...")
