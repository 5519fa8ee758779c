"""A page of texts with their entities highlighted: one HTML file, without scripts and without the network."""

from collections.abc import Sequence
from html import escape
from importlib import resources

from structkd.pipeline.tagging.items import Chunk
from structkd.pipeline.tagging.outputs import Emit
from structkd.runtime.tagging import Entity, Tagged
from structkd.runtime.terminal import printable

_HEAD = """<!DOCTYPE html>
<html lang="und">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<header lang="en">
<h1>{title}</h1>
<p class="note">Point at an entity, or tap it, to see its probability; the line under it is as long as that.</p>
</header>
<form lang="en" autocomplete="off"><fieldset><legend>Types that are highlighted</legend>
{types}
</fieldset></form>
<main>
<ol>"""
_TYPE = '<label class="t{place}"><input type="checkbox" checked id="t{place}">{name}</label>'
# Hues far from each other, whatever the number of types.
_COLOURS = (
    ".t{place} {{ --back: light-dark(oklch(0.92 0.06 {hue}), oklch(0.34 0.06 {hue})); "
    "--line: light-dark(oklch(0.6 0.15 {hue}), oklch(0.72 0.13 {hue})); "
    "--name: light-dark(oklch(0.42 0.12 {hue}), oklch(0.86 0.08 {hue})); }}\n"
    "body:has(#t{place}:not(:checked)) mark.t{place} {{ padding: 0; background: none; }}\n"
    "body:has(#t{place}:not(:checked)) mark.t{place} small {{ display: none; }}\n"
)
_GOLDEN_ANGLE = 137.508


class Page:
    """An output that is an HTML page.

    Args:
        emit: writes a piece of the page.
        types: types of entities, in the order of the legend.
        title: names what was tagged.
    """

    def __init__(self, emit: Emit, types: Sequence[str], title: str) -> None:
        self._emit, self._title = emit, title
        self._places = {name: place for place, name in enumerate(types)}
        self._begun = False

    def write(self, chunk: Chunk, found: Sequence[Tagged]) -> None:
        """See `Output`."""
        self._begin()
        for tagged in found:
            self._emit(f"<li>{self._text(tagged)}</li>")

    def close(self) -> None:
        """See `Output`."""
        self._begin()
        self._emit("</ol>\n</main>\n</body>\n</html>")

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        style = (resources.files("structkd.pipeline.tagging") / "page.css").read_text("utf-8")
        places = self._places.items()
        hues = [(20 + round(_GOLDEN_ANGLE * place)) % 360 for place in range(len(places))]
        colours = "".join(_COLOURS.format(place=place, hue=hue) for place, hue in enumerate(hues))
        types = "\n".join(_TYPE.format(place=place, name=_safe(name)) for name, place in places)
        self._emit(_HEAD.format(title=_safe(self._title), style=style + colours, types=types))

    def _text(self, tagged: Tagged) -> str:
        if not tagged.words:
            return '<p class="text none" lang="en">no words</p>'
        pieces, done = [], 0
        for entity in tagged.entities:
            pieces += [_safe(tagged.text[done : entity.start]), self._mark(entity)]
            done = entity.end
        return f'<p class="text" dir="auto">{"".join(pieces)}{_safe(tagged.text[done:])}</p>'

    def _mark(self, entity: Entity) -> str:
        return (
            f'<mark class="t{self._places[entity.type]}" tabindex="0" style="--chance: {entity.probability:.2%}">'
            f"{_safe(entity.text)}<small>{_safe(entity.type)}<span>{entity.probability:.4f}</span></small></mark>"
        )


def _safe(text: str) -> str:
    return escape(printable(text))
