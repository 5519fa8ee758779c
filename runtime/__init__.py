"""A finished tagger at run time, without torch: splitting, tagging, entities, and loading of exported folders.

from structkd.runtime import load

tagger = load("exported")
for entity in tagger.tag(["Ada flew to Oslo."])[0].entities:
    print(entity.type, entity.text, entity.probability)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .folder import FolderError, load
    from .splitting import Word, split, split_blanks
    from .tagging import Entity, Labeling, Tagged, TextTagger, Wanted

__version__ = "0.1.0"

_HOMES = {
    "Entity": "tagging",
    "FolderError": "folder",
    "Labeling": "tagging",
    "Tagged": "tagging",
    "TextTagger": "tagging",
    "Wanted": "tagging",
    "Word": "splitting",
    "load": "folder",
    "split": "splitting",
    "split_blanks": "splitting",
}
__all__ = [
    "Entity",
    "FolderError",
    "Labeling",
    "Tagged",
    "TextTagger",
    "Wanted",
    "Word",
    "load",
    "split",
    "split_blanks",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
