"""The base of all settings in experiment files."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

_NAME_BYTES = 100  # a folder's name has more in it: a split, a fold, a digest
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)  # by Windows
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f/\\:*?\"<>|]")


class Settings(BaseModel):
    """Frozen settings; unknown keys and numbers that are not finite are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _checked_name(name: str) -> str:
    """Return the name if every system can have a file of that name; for validators."""
    if not name:
        fault = "it is empty"
    elif found := _NOT_IN_NAMES.search(name):
        fault = f"it has {found[0]!r} in it"
    elif name != name.strip() or name[0] == "." or name[-1] == ".":
        fault = "it begins or ends with a point or a blank"
    elif _RESERVED.fullmatch(name):
        fault = "Windows reserves it"
    elif len(name.encode()) > _NAME_BYTES:
        fault = f"it has {len(name.encode())} bytes, more than {_NAME_BYTES}"
    else:
        return name
    raise ValueError(f"expected a name that a file can have ({fault})")


FileName = Annotated[str, AfterValidator(_checked_name)]
"""A part of a file's name: a language, an experiment."""

Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""The seed of random numbers; tables store it in 64 bits."""


def template(*known: str, needed: Sequence[str] = ()) -> AfterValidator:
    """Return a validator of texts: names in braces are `known` ones, and all `needed` ones are there."""

    def check(text: str) -> str:
        try:
            holes = [hole for hole in Formatter().parse(text) if hole[1] is not None]
        except ValueError as error:
            raise ValueError(f"{error}; a brace that is meant is written twice") from None
        for _, name, form, conversion in holes:
            if form or conversion:
                wrong = f"{name}{'!' + conversion if conversion else ''}{':' + form if form else ''}"
                raise ValueError(f"{{{wrong}}} asks for a format; write {{{name}}}")
        names = {str(name) for _, name, _, _ in holes}
        for name in sorted(names - {*known}):
            raise ValueError(f"{{{name}}} is not known here, only {', '.join(f'{{{k}}}' for k in known)}")
        for name in needed:
            if name not in names:
                raise ValueError(f"{{{name}}} is missing: one file cannot be all of them")
        return text

    return AfterValidator(check)


def named_once(names: Sequence[str]) -> None:
    """Raise PydanticCustomError if a name occurs twice; for validators."""
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise PydanticCustomError("twice", "found {name} twice; name it once", {"name": twice[0]})


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of an error about `word`: the nearest known word, if one is near."""
    lowered = {one.lower(): one for one in known}
    nearest = get_close_matches(word.lower(), lowered, n=1, cutoff=0.5)
    return f"; did you mean {lowered[nearest[0]]}?" if nearest else ""
