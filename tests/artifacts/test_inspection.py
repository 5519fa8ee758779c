import numpy as np
import pytest

from structkd.artifacts.annotations import Annotations
from structkd.artifacts.codec import encode
from structkd.artifacts.header import SetHeader
from structkd.artifacts.inspection import place_of, sentence_view, summary
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError, shard_schema
from structkd.artifacts.writer import ShardWriter


@pytest.fixture
def small(tmp_path):
    """Two sentences over two labels with values that can be checked by hand."""
    header = SetHeader(
        labels=("O", "X"), transitions=[[0.0] * 2] * 2, start=[0.0] * 2, end=[0.0] * 2, provenance={"teacher": "me"}
    )
    with np.errstate(divide="ignore"):
        posteriors = np.log(np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.25, 0.75], [0.0, 0.0]]]))
    rows = encode(
        shard_schema(2),
        sentence_ids=[7, 8],
        language=["en", "de"],
        teacher=["me", "you"],
        seen=[None, True],
        tokens=[["a", "b"], ["c"]],
        gold=[np.array([0, 1]), None],
        annotations=Annotations(
            lengths=np.array([2, 1]),
            paths=np.array([[[0, 0], [1, 0]], [[1, 0], [0, 0]]]),
            counts=np.array([2, 1]),
            log_probs=np.log(np.array([[0.6, 0.2], [0.75, 1.0]], np.float32)),
            log_posteriors=posteriors,
            emissions=np.zeros((2, 2, 2)),
            log_partition=np.zeros(2),
        ),
    )
    with ShardWriter(tmp_path, header, row_group_rows=1) as writer:
        writer.write(rows)
    return ArtifactSet.open(tmp_path)


def test_a_summary_of_values_worked_out_by_hand(small):
    found = summary(small)
    assert (found.teacher, found.sentences, found.tokens, found.labelled) == ("me", 2, 3, 1)
    assert {language: count.total for language, count in found.languages.items()} == {"en": 1, "de": 1}
    assert found.paths_per_sentence == 1.5
    entropy = np.log(2) - 0.25 * np.log(0.25) - 0.75 * np.log(0.75)
    assert found.entropy == pytest.approx(entropy / 3, rel=1e-3)
    assert found.best_path_probability == pytest.approx((0.6 + 0.75) / 2)
    assert found.best_path_accuracy == 0.5
    assert found.bytes_per_token == (small.folder / "part-00000.parquet").stat().st_size / 3
    assert list(found.column_bytes) == small.table().schema.names
    assert 0 < sum(found.column_bytes.values()) < found.bytes_per_token * 3


def test_a_sentence_with_names_and_probabilities(small):
    view = sentence_view(small, place_of(small, 7))
    assert (view.sentence_id, view.language, view.tokens, view.gold) == (7, "en", ("a", "b"), ("O", "X"))
    assert (view.teacher, view.seen) == ("me", None)
    assert [path.labels for path in view.paths] == [("O", "O"), ("X", "O")]
    assert [path.probability for path in view.paths] == pytest.approx([0.6, 0.2])
    assert [path.weight for path in view.paths] == pytest.approx([0.75, 0.25])
    np.testing.assert_allclose(view.posteriors, [[0.5, 0.5], [1, 0]], rtol=1e-3)
    assert view.labels == ("O", "X")
    other = sentence_view(small, 1)
    assert (other.gold, other.teacher, other.seen) == (None, "you", True)


def test_an_unknown_sentence_is_refused(small):
    with pytest.raises(ArtifactError, match="found 0 sentences with the id 9 among 2"):
        place_of(small, 9)
