"""Stands in for a GPU where there is none: torch's meta device, which knows shapes and devices alone."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_BETWEEN = ("aten::_to_copy", "aten::copy_")


class OneDevice(TorchDispatchMode):
    """Raises AssertionError for an operation on tensors of several devices, copies and single numbers aside.

    The meta device checks no more than some of them itself. What asks for a tensor's content is an error of its own.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        inputs = [leaf for leaf in tree_leaves([args, kwargs or {}]) if isinstance(leaf, torch.Tensor)]
        devices = {tensor.device.type for tensor in inputs if tensor.dim()}
        assert len(devices) < 2 or func.name().split(".")[0] in _BETWEEN, f"{func.name()}: {sorted(devices)}"
        return func(*args, **(kwargs or {}))


@contextmanager
def elsewhere() -> Iterator[torch.device]:
    """A device on which all that was not moved there is an error. It has no mixed precision."""
    with OneDevice(), patch("torch.autocast", lambda *_, **__: nullcontext()):
        yield torch.device("meta")
