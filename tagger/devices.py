"""Where tensors go: a GPU where there is one, and which of several is a process's."""

import torch


def found_device() -> torch.device:
    """The GPU of this process; the CPU where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def share_gpus(place: int) -> None:
    """Make this process's `torch.device("cuda")` one of the GPUs that are there, by turns of `place`."""
    if torch.cuda.is_available():
        torch.cuda.set_device(place % torch.cuda.device_count())
