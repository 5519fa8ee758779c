"""Linear-chain conditional random fields on tensors."""

from structkd.crf.chain import LinearChain
from structkd.crf.checks import ScoreError
from structkd.crf.logscan import FLOOR

__all__ = ["FLOOR", "LinearChain", "ScoreError"]
