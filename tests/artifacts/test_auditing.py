"""Label errors, contradictions and uncertain sentences, in sets whose every label sequence can be listed."""

import numpy as np
import polars as pl
import pytest
import torch

from structkd.artifacts.annotations import Annotations
from structkd.artifacts.auditing import SCHEMA, issues_of, label_issues
from structkd.artifacts.codec import encode
from structkd.artifacts.duplicates import contradictions
from structkd.artifacts.header import SetHeader
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import shard_schema
from structkd.artifacts.uncertainty import most_uncertain
from structkd.artifacts.writer import ShardWriter
from structkd.crf import LinearChain
from tests.crf.enumeration import enumerate_paths

LABELS = ("O", "B-LOC", "I-LOC", "B-PER")


def write(folder, sentences, *, seed=0, seen=False):
    """A set of (words, gold or None) with random scores, as a teacher would annotate it; and its chain."""
    rng, L, T = np.random.default_rng(seed), len(LABELS), max(len(words) for words, _ in sentences)
    lengths = torch.tensor([len(words) for words, _ in sentences])
    scores = {"transitions": (L, L), "start": L, "end": L}
    chain = LinearChain(
        emissions=torch.from_numpy(rng.normal(size=(len(sentences), T, L)).astype(np.float16)).double(),
        lengths=lengths,
        **{name: torch.from_numpy(rng.normal(size=size)) for name, size in scores.items()},
    )
    paths, log_probs, counts = chain.kbest(2)
    rows = encode(
        shard_schema(L),
        sentence_ids=range(len(sentences)),
        language="en",
        teacher="en fold 1 of 2",
        seen=seen,
        tokens=[words for words, _ in sentences],
        gold=[None if gold is None else np.array([LABELS.index(label) for label in gold]) for _, gold in sentences],
        annotations=Annotations(
            lengths=lengths.numpy(),
            paths=paths.numpy(),
            counts=counts.numpy(),
            log_probs=log_probs.numpy(),
            log_posteriors=chain.log_marginals.numpy(),
            emissions=chain.emissions.numpy(),
            log_partition=chain.log_partition.numpy(),
        ),
    )
    header = SetHeader(
        labels=LABELS,
        provenance={},
        **{name: getattr(chain, name).tolist() for name in ("transitions", "start", "end")},
    )
    with ShardWriter(folder, header, shard_rows=4, row_group_rows=2) as writer:
        writer.write(rows)
    return ArtifactSet.open(folder), chain


def random_sentences(seed, many=8):
    rng = np.random.default_rng(seed)
    starts = {"O": ["O", "B-LOC", "B-PER"], "B-PER": ["O", "B-LOC", "B-PER"]}
    sentences = []
    for number in range(many):
        gold = ["O"]
        for _ in range(int(rng.integers(1, 5))):
            gold.append(str(rng.choice(starts.get(gold[-1], LABELS))))
        sentences.append(([f"w{number}.{place}" for place in range(len(gold) - 1)], gold[1:]))
    return [(words, gold) for words, gold in sentences if gold[0] != "I-LOC"]


@pytest.mark.parametrize("seed", range(3))
def test_chances_and_ranks_are_those_of_all_label_sequences(tmp_path, seed):
    sentences = random_sentences(seed)
    artifacts, chain = write(tmp_path, sentences, seed=seed)
    issues = label_issues([artifacts], "IOB2")
    assert issues.columns == list(SCHEMA)
    assert len(issues)
    for row in issues.iter_rows(named=True):
        listed = enumerate_paths(chain, row["sentence_id"])
        gold = [LABELS.index(label) for label in sentences[row["sentence_id"]][1]]
        best = listed.paths[listed.scores.argmax()].tolist()
        for name, path in (("p_gold", gold), ("p_teachers", best)):
            assert row[name] == pytest.approx(_listed(listed, path, row["start"], row["end"]), rel=1e-5)
        assert row["score"] == pytest.approx(np.log(row["p_gold"]) / (row["end"] - row["start"]))
        assert artifacts.polars()["tokens"][row["row"]].to_list() == sentences[row["sentence_id"]][0]
    assert issues["score"].is_sorted()


def _listed(listed, path, start, end):
    """The probability of the path's labels from start to end, without an I- that goes on after them."""
    goes_on = LABELS.index("I-LOC") if "LOC" in LABELS[path[end - 1]] else None
    fits = [
        one[start:end] == path[start:end] and (end == len(one) or one[end] != goes_on) for one in listed.paths.tolist()
    ]
    return float(listed.log_probs.exp()[torch.tensor(fits)].sum())


def kinds(gold, best, scheme="BIOES"):
    return [(one.start, one.end, one.kind) for one in issues_of(gold.split(), best.split(), scheme)]


def test_words_of_overlapping_spans_are_one_issue():
    assert kinds("O B-PER E-PER O", "O B-ORG E-ORG O") == [(1, 3, "type")]
    assert kinds("B-PER E-PER O", "B-PER I-PER E-PER") == [(0, 3, "borders")]
    assert kinds("S-PER S-PER O", "B-PER E-PER O") == [(0, 2, "borders")]
    assert kinds("B-PER E-PER O", "O S-ORG O") == [(0, 2, "type, borders")]
    assert kinds("S-PER O S-LOC", "O O O") == [(0, 1, "extra"), (2, 3, "extra")]
    assert kinds("O O", "S-PER S-LOC") == [(0, 1, "missing"), (1, 2, "missing")]
    assert kinds("NOUN VERB", "NOUN AUX", None) == [(1, 2, "type")]
    assert kinds("O S-PER", "O I-PER") == []  # read as conlleval does, this path contains the same span


def test_what_the_teacher_was_trained_on_is_left_out(tmp_path):
    artifacts, _ = write(tmp_path, random_sentences(0), seen=True)
    assert not len(label_issues([artifacts], "IOB2"))


def test_sentences_with_the_same_words_and_other_labels_are_contradictions(tmp_path):
    sentences = [
        (["Ada", "flew"], ["B-PER", "O"]),
        (["Oslo", "won"], ["B-LOC", "O"]),
        (["Ada", "flew"], ["B-LOC", "O"]),
        (["Oslo", "won"], ["B-LOC", "O"]),
        (["Ada", "flew"], ["B-PER", "O"]),
        (["Ada", "flew"], None),
    ]
    artifacts, _ = write(tmp_path, sentences)
    assert contradictions([artifacts]).rows() == [
        ("en", "Ada flew", "B-PER O", "Ada B-PER", 2, "0 4"),
        ("en", "Ada flew", "B-LOC O", "Ada B-LOC", 1, "2"),
    ]


def test_text_is_ranked_by_the_best_path_once_each(tmp_path):
    texts = [(words, None) for words, _ in random_sentences(1)]
    artifacts, chain = write(tmp_path / "all", [*texts, (["x"], ["O"]), texts[0]])
    ranked = most_uncertain([artifacts])
    assert ranked["sentence"].n_unique() == len(ranked) == len(texts)
    assert ranked["nats_a_word"].is_sorted(descending=True)
    for row in ranked.iter_rows(named=True):
        best = float(enumerate_paths(chain, row["sentence_id"]).log_probs.max())
        assert row["p_best"] == pytest.approx(np.exp(best), rel=1e-5)
        assert row["nats_a_word"] == pytest.approx(-best / row["words"], rel=1e-5)


def test_of_text_only_the_first_may_be_kept(tmp_path):
    artifacts, _ = write(tmp_path, [(words, None) for words, _ in random_sentences(2)])
    assert most_uncertain([artifacts], 3).equals(most_uncertain([artifacts]).head(3))


def test_a_set_without_labels_has_no_issues(tmp_path):
    artifacts, _ = write(tmp_path, [(["a"], None)])
    assert label_issues([artifacts], "IOB2").schema == pl.Schema(SCHEMA)
    assert not len(contradictions([artifacts]))
