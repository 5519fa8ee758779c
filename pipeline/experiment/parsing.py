"""Parsing of TOML files into typed settings, with errors that name the file, the key and what to do."""

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from structkd.corpora.settings import did_you_mean

Values = dict[str, Any]
Parsed = TypeVar("Parsed", bound=BaseModel)


class ExperimentError(ValueError):
    """An experiment file that cannot be run; the message names the file, the key and what to do."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read the values of a TOML file. Raises ExperimentError if it is not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # Windows' editors begin a file with a byte order mark
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExperimentError(f"{path}: not a TOML file: {error}") from error


def parse(kind: type[Parsed], values: dict[str, Any], place: str) -> Parsed:
    """Return typed settings. Raises ExperimentError, its message starting with `place`, for values that do not fit."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = "\n".join(f"  {_explain(problem, kind)}" for problem in _causes(error))
        raise ExperimentError(f"{place}:\n{problems}") from None


def merged(base: Values, change: Values) -> Values:
    """Return `base` with the values of `change`; tables are merged, all else is replaced."""
    inner = {key: merged(base[key], value) for key, value in change.items() if _are_tables(base.get(key), value)}
    return base | change | inner


def _are_tables(*values: Any) -> bool:
    return all(isinstance(value, dict) for value in values)


def _causes(error: ValidationError) -> list[Any]:
    """Leave out errors of lists that are too short only because pydantic dropped items with errors of their own."""
    problems = error.errors()
    places = [problem["loc"] for problem in problems]

    def follows(problem: Any) -> bool:
        place = problem["loc"]
        return any(len(other) > len(place) and other[: len(place)] == place for other in places)

    return [problem for problem in problems if not (problem["type"] == "too_short" and follows(problem))]


def _explain(problem: Any, kind: type[BaseModel]) -> str:
    if not problem["loc"]:  # a check of the whole file, whose message names the place
        return str(problem["msg"])
    place, beside = _walk(problem["loc"], kind)
    context, found = problem.get("ctx", {}), problem["input"]
    known = re.findall(r"'([^']*)'", str(context.get("expected_tags", context.get("expected", ""))))
    match problem["type"]:
        case "extra_forbidden":
            return f"{place}: unknown key{did_you_mean(str(problem['loc'][-1]), beside)}"
        case "missing":
            return f"{place}: field required"
        case "union_tag_not_found":
            return f"{place}: has no {context['discriminator']}, which says what it is"
        case "union_tag_invalid" | "literal_error":
            value = context.get("tag", found)
            return f"{place}: expected one of {', '.join(known)}, found {value!r}{did_you_mean(str(value), known)}"
        case "tuple_type":
            return f"{place}: expected a list, found {found!r}"
        case "model_type" | "model_attributes_type":
            return f"{place}: expected a table, found {found!r}"
        case "too_short":
            return f"{place}: expected at least {context['min_length']}, found {found!r}"
    said = (
        str(context["error"]) if problem["type"] == "value_error" else problem["msg"][:1].lower() + problem["msg"][1:]
    )
    return f"{place}: {said}" + ("" if isinstance(found, dict) else f", found {found!r}")


def _walk(place: tuple[int | str, ...], root: type[BaseModel]) -> tuple[str, list[str]]:
    """Return a place as the file writes it, and the keys that are known beside its last one.

    pydantic puts the tag of a kind (of a corpus, an encoder) between the keys; the file does not.
    """
    kinds: list[type[BaseModel]] = [root]
    named, beside = [], list(root.model_fields)
    for part in place:
        fields = [kind.model_fields[str(part)] for kind in kinds if str(part) in kind.model_fields]
        tagged = [kind for kind in kinds if part in _tags(kind)]
        if tagged and not fields:
            kinds = tagged
            continue
        named.append(str(part))
        if isinstance(part, int):
            continue
        beside = [key for kind in kinds for key in kind.model_fields]
        kinds = [model for field in fields for model in _models_in(field.annotation)]
    return ".".join(named), beside


def _tags(kind: type[BaseModel]) -> tuple[Any, ...]:
    keys = [key for key in ("name", "kind") if key in kind.model_fields]
    return tuple(tag for key in keys for tag in get_args(kind.model_fields[key].annotation))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in get_args(annotation) for model in _models_in(part)]
