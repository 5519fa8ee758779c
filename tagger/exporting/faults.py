"""What cannot be exported, and what an export needs."""

from importlib.util import find_spec

from structkd.ground.extras import needs


class ExportError(ValueError):
    """A tagger that cannot be exported; the message names the part, and what to do."""


def check_packages() -> None:
    """Raise ExportError if a package is missing that an export needs."""
    for package in ("onnx", "onnxruntime"):
        if find_spec(package) is None:
            raise ExportError(f"an export {needs(package, 'export')}")
