"""Pretrained encoders on the GPU: features are those of the CPU, and fine-tuning reaches every layer, in bfloat16."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from benchmarks.encoders import save_encoder
from structkd.tagger.config import TransformerConfig
from structkd.tagger.encoders.transformer import FineTuned, Frozen
from structkd.tagger.features import FeatureSet
from structkd.tagger.tokens import TokenBatch
from tests.cuda.places import needs_cuda

pytestmark = needs_cuda

SENTENCES = [("the", "sea"), ("the", "sea", "never-seen", "the"), ("sea",)]
TOKENS = TokenBatch.from_sentences(SENTENCES)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    save_encoder(folder)
    return str(folder)


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 2e-3), ("bfloat16", 0.1)])
def test_features(encoder, precision, tolerance):
    config = TransformerConfig(model=encoder, layers=(2, 4), precision=precision)
    exact = Frozen(config.model_copy(update={"precision": "float32"}))
    there = Frozen(config).cuda()
    found, expected = there(TOKENS), exact(TOKENS)
    assert found.device.type == "cuda"
    assert_close(found.cpu(), expected, rtol=tolerance, atol=tolerance)


def test_features_from_disk_need_no_model(encoder, tmp_path):
    frozen = Frozen(TransformerConfig(model=encoder, layers=(2,), precision="float32")).cuda()
    frozen.write_features(tmp_path / "features.safetensors", SENTENCES, lambda done: None)
    computed = frozen(TOKENS)
    reader = Frozen(frozen.config).cuda()
    reader.attach([FeatureSet.open(tmp_path / "features.safetensors")])
    np.testing.assert_allclose(reader(TOKENS).cpu(), computed.cpu(), atol=2e-3)
    assert not reader._body


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_fine_tuning(encoder, precision, checkpointing):
    config = TransformerConfig(
        model=encoder, layers=(2,), precision=precision, frozen=False, checkpointing=checkpointing
    )
    tuned = FineTuned(config).cuda().train()
    tuned(TOKENS).square().sum().backward()
    gradients = {name: weight.grad for name, weight in tuned.named_parameters() if weight.requires_grad}
    assert all(gradient.device.type == "cuda" and gradient.isfinite().all() for gradient in gradients.values())
    assert {gradient.dtype for gradient in gradients.values()} == {torch.float32}
