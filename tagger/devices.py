"""The device and the precision of tensors: a GPU if there is one, divided among processes if there are several."""

import torch

from structkd.tagger.config import Precision


def found_device() -> torch.device:
    """Return the GPU of this process; the CPU if there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def share_gpus(place: int) -> None:
    """Make `torch.device("cuda")` of this process one of the GPUs, by `place` in turn."""
    if torch.cuda.is_available():
        torch.cuda.set_device(place % torch.cuda.device_count())


def gpu_name() -> str:
    """Return the unique name of the GPU of this process; empty if there is none."""
    return str(torch.cuda.get_device_properties("cuda").uuid) if torch.cuda.is_available() else ""


def precision_on(device: torch.device, wanted: Precision) -> torch.dtype:
    """Return the precision of a pretrained encoder's passes."""
    low = wanted == "bfloat16" or (wanted == "auto" and computes_bfloat16(device))
    return torch.bfloat16 if low else torch.float32


def computes_bfloat16(device: torch.device) -> bool:
    """True if the processor multiplies bfloat16 itself; emulated, bfloat16 is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))


def mixed_precision(device: torch.device, wanted: Precision) -> torch.autocast:
    """Run passes in the precision of `precision_on`; weights do not change."""
    low = precision_on(device, wanted) == torch.bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=low)
