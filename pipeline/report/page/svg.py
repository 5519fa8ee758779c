"""Adapting matplotlib's SVG to a page: no external names, colours that CSS can change, a name for screen readers."""

import re
from xml.etree import ElementTree

XMLNS = "http://www.w3.org/2000/svg"
_DROPPED = {"metadata", "style"}
_GEOMETRY = ("d", "x", "y", "transform")


def inline(text: str, label: str) -> str:
    """Return a drawing for HTML."""
    return _written(_cleaned(text, label))


def standalone(text: str, label: str, css: str, schemes: str) -> str:
    """Return a drawing for a file, with its size in points; `schemes` is a value of CSS's color-scheme."""
    root = _cleaned(text, label)
    _, _, width, height = root.attrib["viewBox"].split()
    root.attrib |= {"xmlns": XMLNS, "width": width, "height": height}
    style = ElementTree.Element("style")
    style.text = f"svg {{ color-scheme: {schemes}; }}\n{css}"
    root.insert(0, style)
    return _written(root) + "\n"


def _cleaned(text: str, label: str) -> ElementTree.Element:
    root = ElementTree.fromstring(text)
    referenced = set(re.findall(r'(?:href="|url\()#([\w-]+)', text))
    for element in root.iter():
        for child in [child for child in element if _plain(child.tag) in _DROPPED]:
            element.remove(child)
        element.tag = _plain(element.tag)
        element.attrib = _attributes(element.attrib, referenced)
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-label": label,
        "font-family": "system-ui, sans-serif",
        "stroke-linejoin": "round",  # what the style sheet that was dropped says
    }
    return root


def _attributes(found: dict[str, str], referenced: set[str]) -> dict[str, str]:
    """Turn styles into attributes, which a page's CSS can override; remove unused ids."""
    attributes = {_plain(name): value for name, value in found.items() if name not in ("style", "id")}
    if found.get("id") in referenced:
        attributes["id"] = found["id"]
    for name in _GEOMETRY:
        if name in attributes:
            attributes[name] = _shortened(attributes[name])
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    for declaration in filter(None, found.get("style", "").split(";")):
        name, value = (part.strip() for part in declaration.split(":", 1))
        if name != "font-family":
            attributes[name] = value
    return attributes


def _shortened(geometry: str) -> str:
    numbers = re.sub(r"\d+\.\d+", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), geometry)
    return " ".join(numbers.split())


def _plain(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition("}")[2]


def _written(root: ElementTree.Element) -> str:
    for element in root.iter():  # indentation is half of the bytes
        if not (element.text or "").strip():
            element.text = None
        element.tail = None
    return ElementTree.tostring(root, encoding="unicode")
