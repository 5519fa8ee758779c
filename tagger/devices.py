"""Where tensors go: a GPU if there is one, and which of several is a process's; and in which precision."""

import torch

from structkd.tagger.config import Precision


def found_device() -> torch.device:
    """The GPU of this process; the CPU if there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def share_gpus(place: int) -> None:
    """Make this process's `torch.device("cuda")` one of the GPUs that are there, by turns of `place`."""
    if torch.cuda.is_available():
        torch.cuda.set_device(place % torch.cuda.device_count())


def precision_on(device: torch.device, wanted: Precision) -> torch.dtype:
    """That of a pretrained encoder's passes."""
    low = wanted == "bfloat16" or (wanted == "auto" and computes_bfloat16(device))
    return torch.bfloat16 if low else torch.float32


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the processor multiplies bfloat16 itself; emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))


def mixed_precision(device: torch.device, wanted: Precision) -> torch.autocast:
    """Passes in `precision_on`; weights stay as they are."""
    low = precision_on(device, wanted) == torch.bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=low)
