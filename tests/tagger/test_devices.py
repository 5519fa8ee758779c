"""Processes share the GPUs by turns."""

import pytest
import torch

from structkd.tagger.devices import share_gpus


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_places_go_round_the_gpus():
    count = torch.cuda.device_count()
    for place in (0, 1, count):
        share_gpus(place)
        assert torch.zeros(1, device="cuda").device.index == place % count
    share_gpus(0)
