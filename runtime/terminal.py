"""Safe text for a terminal: no control character of a corpus, a file name or a model reaches it."""

# C0, DEL and C1, which begin escape sequences; what reorders the text around it; line and paragraph separators.
_CONTROLS = {*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_VISIBLE = {code: _PICTURES.get(code, 0xFFFD) for code in _CONTROLS - {ord("\t"), ord("\n")}}


def printable(text: str) -> str:
    """Replace each control character except tab and line feed by a visible sign, one cell wide."""
    return text.translate(_VISIBLE)
