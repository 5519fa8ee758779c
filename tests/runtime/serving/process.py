"""A server in a process of its own, whose taggers need no training: what they say depends on the words alone."""

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from structkd.runtime.chain import Chain
from structkd.runtime.serving import Limits, serve
from structkd.runtime.tagging import TextTagger

SPANS = ("O", *(f"{prefix}-{kind}" for kind in ("PER", "LOC") for prefix in "BIES"))
HOSTILE = ("O", *(f"S-{kind}" for kind in ("<img src=x onerror=alert(1)>", "__proto__", "\u202e}</style>", "x" * 200)))
MODELS = {"spans": (SPANS, "BIOES"), "words": (("DET", "NOUN", "VERB"), None), "hostile": (HOSTILE, "BIOES")}
SLOW, BROKEN = "slowly", "broken"


class WordScorer:
    """Scores that depend on the words and their places; SLOW takes half a second, and BROKEN is a defect."""

    def __init__(self, labels, scheme):
        rng = np.random.default_rng(len(labels))
        L = len(labels)
        self.labels, self.scheme = labels, scheme
        self.chain = Chain(*(rng.normal(0, 1, size) for size in ((L, L), L, L)))
        self._table = rng.normal(0, 2, (97, L)).astype(np.float32)

    def emissions(self, sentences):
        found = np.zeros((len(sentences), max(map(len, sentences)), len(self.labels)), np.float32)
        for b, words in enumerate(sentences):
            for i, word in enumerate(words):
                found[b, i] = self._table[(sum(map(ord, word)) + i) % 97]
                if word == BROKEN:
                    raise ArithmeticError("a defect")
                if word == SLOW:
                    time.sleep(0.5)
        return found


def taggers(names):
    return {name: TextTagger(WordScorer(*MODELS[name])) for name in names}


@contextmanager
def running(*names, command=None, **limits):
    """A server of these models; yields its process, with its `port` and the `line` that it began with."""
    command = command or [sys.executable, "-m", __name__, json.dumps(limits), *(names or ("spans",))]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as process:
        try:
            process.line = process.stderr.readline()
            found = re.search(r"http://\S+:(\d+)", process.line)
            assert found, process.line + process.stderr.read()
            process.port = int(found[1])
            yield process
        finally:
            process.kill()


def stopped(process, number=signal.SIGTERM):
    """The exit code of a server that is asked to stop."""
    process.send_signal(number)
    return process.wait(60)


def tell(line):
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main(limits, *names):
    sys.modules["icu4py.breakers"] = None  # a script without blanks is an error here
    serve(
        taggers(names),
        port=0,
        limits=Limits(**json.loads(limits)),
        tell=tell,
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests that were started with nohup hand on that it is ignored
    main(*sys.argv[1:])
