"""What all settings of experiment files have in common."""

from collections.abc import Sequence
from string import Formatter

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Settings(BaseModel):
    """Frozen settings; unknown keys and numbers that are not finite are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def template(*known: str, needed: Sequence[str] = ()) -> AfterValidator:
    """For a text that has no names in braces but the `known` ones, and all that are `needed`."""

    def check(text: str) -> str:
        names = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        for name in sorted(names - {*known}):
            raise ValueError(f"{{{name}}} is not known here, only {', '.join(f'{{{k}}}' for k in known)}")
        for name in needed:
            if name not in names:
                raise ValueError(f"{{{name}}} is missing: one file cannot be all of them")
        return text

    return AfterValidator(check)


def named_once(names: Sequence[str]) -> None:
    """For validators: raises PydanticCustomError where a name is there twice."""
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise PydanticCustomError("twice", "found {name} twice; name it once", {"name": twice[0]})
