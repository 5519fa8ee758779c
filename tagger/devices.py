"""Which of several GPUs is a process's."""

import torch


def share_gpus(place: int) -> None:
    """Make this process's `torch.device("cuda")` one of the GPUs that are there, by turns of `place`."""
    if torch.cuda.is_available():
        torch.cuda.set_device(place % torch.cuda.device_count())
