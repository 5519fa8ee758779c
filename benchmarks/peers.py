"""Public linear-chain CRFs under one set of names, each over the same scores as `crf.LinearChain`.

They come with the extra `bench`; one that is not installed is left out, and `missing` says so.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor

from benchmarks.chains import Scores

PACKAGES = {"pytorch-crf": "torchcrf", "torch-struct": "torch_struct", "supar": "supar.structs"}


@dataclass(frozen=True)
class Peer:
    """What a library offers of: log Z `[B]`, marginals of words or edges, best paths, and k best paths."""

    log_partition: Callable[[Scores], Tensor]
    marginals: Callable[[Scores], Tensor] | None
    viterbi: Callable[[Scores], object] | None


def installed() -> tuple[dict[str, Peer], list[str]]:
    """The peers that can be imported, and the names of those that cannot."""
    makers = {"pytorch-crf": _pytorch_crf, "torch-struct": _torch_struct, "supar": _supar}
    peers, missing = {}, []
    for name, module in PACKAGES.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of their dependencies
                peers[name] = makers[name](import_module(module))
        except ImportError:
            missing.append(name)
    return peers, missing


def _pytorch_crf(library: ModuleType) -> Peer:
    def model(scores: Scores) -> torch.nn.Module:
        crf: torch.nn.Module = library.CRF(scores.emissions.shape[-1], batch_first=False)
        for name in ("start_transitions", "end_transitions", "transitions"):
            delattr(crf, name)
        crf.start_transitions, crf.end_transitions, crf.transitions = scores.start, scores.end, scores.transitions
        return crf

    return Peer(
        log_partition=lambda s: model(s)._compute_normalizer(s.emissions.transpose(0, 1), s.mask.T),  # type: ignore[operator]
        marginals=None,
        viterbi=lambda s: model(s).decode(s.emissions.transpose(0, 1), s.mask.T),  # type: ignore[operator]
    )


def _torch_struct(library: ModuleType) -> Peer:
    library.LinearChainCRF.arg_constraints = {}  # not defined there: torch warns

    def chain(scores: Scores) -> torch.distributions.Distribution:
        """Edge potentials with (to, from) last; the library knows no start and end, so words fold them in."""
        words = scores.emissions.clone()
        words[:, 0] += scores.start
        last = (torch.arange(words.shape[1], device=words.device) == scores.lengths[:, None] - 1)[..., None]
        words = words + last * scores.end
        edges = scores.transitions.T + words[:, 1:, :, None]
        edges = torch.cat([edges[:, :1] + words[:, :1, None, :], edges[:, 1:]], 1)
        made: torch.distributions.Distribution = library.LinearChainCRF(edges.contiguous(), scores.lengths)
        return made

    return Peer(
        log_partition=lambda s: chain(s).partition,  # type: ignore[attr-defined]
        marginals=lambda s: chain(s).marginals,  # type: ignore[attr-defined]
        viterbi=lambda s: chain(s).argmax,  # type: ignore[attr-defined]
    )


def _supar(library: ModuleType) -> Peer:
    def chain(scores: Scores) -> torch.distributions.Distribution:
        L = scores.emissions.shape[-1]
        trans = torch.nn.functional.pad(scores.transitions, (0, 1, 0, 1))
        trans = trans + torch.nn.functional.pad(scores.start[None], (0, 1, L, 0))
        trans = trans + torch.nn.functional.pad(scores.end[:, None], (L, 0, 0, 1))
        made: torch.distributions.Distribution = library.LinearChainCRF(scores.emissions, trans, scores.lengths)
        return made

    return Peer(
        log_partition=lambda s: chain(s).log_partition,  # type: ignore[attr-defined]
        marginals=lambda s: chain(s).marginals,  # type: ignore[attr-defined]
        viterbi=lambda s: chain(s).argmax,  # type: ignore[attr-defined]
    )
