"""Linear-chain conditional random fields on tensors."""

from crf.chain import LinearChain
from crf.logscan import FLOOR

__all__ = ["FLOOR", "LinearChain"]
