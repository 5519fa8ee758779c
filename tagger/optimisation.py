"""The optimiser: its parameter groups and their learning rates over a training."""

from collections import defaultdict

import torch
from torch import nn

from structkd.tagger.config import TrainingConfig
from structkd.tagger.encoders.base import Encoder
from structkd.tagger.model import CHAIN, Tagger


def make_optimizer(tagger: Tagger, config: TrainingConfig) -> torch.optim.AdamW:
    """Return AdamW over all trained parameters, one group per learning rate.

    A fine-tuned encoder's layers have their own rates, see `TransformerConfig`. The chain's scores learn `chain_rate`
    times as fast as the other parameters that start from nothing.
    """
    rates = {name: config.learning_rate for name, parameter in tagger.named_parameters() if parameter.requires_grad}
    rates |= dict.fromkeys(CHAIN, config.learning_rate * config.chain_rate)
    for prefix, module in tagger.named_modules():
        if isinstance(module, Encoder):
            rates |= {f"{prefix}.{name}": rate for name, rate in module.learning_rates()}
    groups: dict[float, list[nn.Parameter]] = defaultdict(list)
    for name, parameter in tagger.named_parameters():
        if name in rates:
            groups[rates[name]].append(parameter)
    return torch.optim.AdamW(
        [{"params": parameters, "peak": rate} for rate, parameters in groups.items()],
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        fused=True,  # an eighth of the time over a large vocabulary's embeddings
    )


def set_learning_rates(optimizer: torch.optim.Optimizer, config: TrainingConfig, update: int) -> None:
    """Set the rates for an update, counted from 1: linearly up over the warm-up, then linearly down to 0."""
    if update <= config.warmup:
        share = update / config.warmup
    else:
        share = 1 - (update - 1 - config.warmup) / (config.updates - config.warmup)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share
