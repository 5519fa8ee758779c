"""A training step and an annotation keep to their device, and wait for it no more than they must."""

import pytest
import torch

from structkd.corpora.labels import LabelSet
from structkd.crf import LinearChain
from structkd.crf.reach import Reach
from structkd.student.objectives import SYSTEMS, Signals, distillation_loss
from structkd.tagger.config import TaggerConfig
from structkd.tagger.model import Tagger
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary
from tests.elsewhere import elsewhere
from tests.small import small_encoders

LABELS = LabelSet(("O", "S-LOC", "B-PER", "E-PER"))
B, T, K, L = 3, 4, 2, len(LABELS)
TOKENS = TokenBatch.from_sentences([["a", "b"], ["a", "b", "never-seen", "a"], ["b"]])


@pytest.fixture(autouse=True)
def known_content(monkeypatch):
    """What a chain asks its content for: how far scores lie apart, their extremes, and whether the lengths fit."""
    monkeypatch.setattr(LinearChain, "_extremes", (0.0, 0.0, 0.0))
    monkeypatch.setattr(LinearChain, "_reach", Reach(1.0, constrained=False))
    monkeypatch.setattr("structkd.crf.recursions.check_lengths", lambda lengths, words: None)


def student_on(device):
    with device:
        config = TaggerConfig(encoders=(*small_encoders(6, 4, 5),), hidden=6)
        return Tagger(config, Vocabulary.build({"a": 2, "b": 1}, min_count=1), LABELS)


def signals_on(device):
    with device:
        return Signals(
            gold=torch.zeros(B, T, dtype=torch.int64),
            has_gold=torch.ones(B, dtype=torch.bool),
            paths=torch.zeros(B, K, T, dtype=torch.int64),
            weights=torch.ones(B, K),
            counts=torch.ones(B, dtype=torch.int64),
            log_posteriors=torch.zeros(B, T, L),
            emissions=torch.zeros(B, T, L),
            marginals=torch.zeros(B, T, L),
            edge_counts=torch.zeros(B, L, L),
        )


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_training_step(system):
    with elsewhere() as device:
        student = student_on(device)
        loss = distillation_loss(SYSTEMS[system], student(TOKENS), signals_on(device), temperature=2.0, weight=0.5)
        loss.backward()
        used = [weights.grad for weights in student.parameters() if weights.grad is not None]
        assert {gradient.device for gradient in used} == {device}


def test_an_annotation():
    with elsewhere() as device, torch.inference_mode():
        chain = student_on(device)(TOKENS)
        for found in (*chain.kbest(K), chain.log_marginals, chain.log_partition, chain.viterbi()):
            assert found.device == device


def test_a_tensor_of_another_device_is_found():
    with elsewhere() as device, pytest.raises(AssertionError, match=r"aten::gather: \['cpu', 'meta'\]"):
        torch.zeros(2, 2, device=device).gather(1, torch.zeros(2, 2, dtype=torch.int64))
