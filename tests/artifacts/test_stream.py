from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.artifacts.header import SetHeader
from structkd.artifacts.manifest import Manifest
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.sampling import epoch_counts
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stream import SET_COLUMN, Share, StreamConfig, epoch_sentences, stream_epoch
from structkd.artifacts.writer import ShardWriter
from tests.artifacts.examples import batch, header, rows_of, write_set
from tests.examples import examples


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Three languages: one in both sets, one that shares row groups, 150 sentences."""
    folder = tmp_path_factory.mktemp("sets")
    return [
        write_set(folder / "first", sentences={"en": 33, "de": 57}, teacher="first", seed=1),
        write_set(folder / "second", sentences={"nl": 10, "en": 50}, teacher="second", seed=2),
    ]


def keys(tables):
    return [(row[SET_COLUMN], row["sentence_id"]) for row in rows_of(tables)]


def order(sets, config, epoch=0, columns=("sentence_id",)):
    return [keys([table]) for table in stream_epoch(sets, columns, config, epoch)]


configs = st.builds(
    StreamConfig,
    batch_tokens=st.integers(1, 60),
    seed=st.integers(0, 2**40),
    pool_rows=st.integers(1, 200),
    labelled_only=st.booleans(),
)


@examples(20)
@given(config=configs, epoch=st.integers(0, 100))
def test_each_wanted_sentence_occurs_exactly_once(sets, config, epoch):
    wanted = [
        (number, row["sentence_id"])
        for number, one in enumerate(sets)
        for row in one.table(["sentence_id", "gold"]).to_pylist()
        if row["gold"] is not None or not config.labelled_only
    ]
    found = keys(stream_epoch(sets, ["sentence_id"], config, epoch))
    assert sorted(found) == sorted(wanted)
    assert epoch_sentences(sets, config) == len(wanted)


@examples(5)
@given(config=configs)
def test_what_provenance_says_does_not_change_the_order(tmp_path_factory, sets, config):
    """As the digest of the code: a set made again by code with one comment more is read as before."""
    again = [
        write_set(tmp_path_factory.mktemp("again"), sentences={"en": 33, "de": 57}, teacher=teacher, seed=1)
        for teacher in ("a", "b", "c")
    ]
    assert len({tuple(map(tuple, order([one, sets[1]], config))) for one in [sets[0], *again]}) == 1


@examples(20)
@given(config=configs, epoch=st.integers(0, 100))
def test_a_batch_keeps_its_budget_or_is_one_sentence(sets, config, epoch):
    for table in stream_epoch(sets, [], config, epoch):
        lengths = DecodedRows(table).lengths
        assert len(lengths) * lengths.max() <= config.batch_tokens or len(lengths) == 1


@examples(10)
@given(config=configs, epoch=st.integers(0, 100))
def test_the_order_is_the_same_whatever_was_read_before_and_whichever_columns(sets, config, epoch):
    first = order(sets, config, epoch)
    other = stream_epoch(sets, ["sentence_id"], config, epoch + 1)
    next(other)
    reopened = [ArtifactSet.open(one.folder) for one in sets]
    assert order(reopened, config, epoch, ["sentence_id", "gold", "emissions", "language"]) == first


@examples(20)
@given(config=configs, epoch=st.integers(0, 100), data=st.data())
def test_an_epoch_goes_on_from_any_batch(sets, config, epoch, data):
    columns = sets[0].table().schema.names
    whole = [table.to_pylist() for table in stream_epoch(sets, columns, config, epoch)]
    start = data.draw(st.integers(0, len(whole) + 3))
    rest = [table.to_pylist() for table in stream_epoch(sets, columns, config, epoch, start=start)]
    assert rest == whole[start:]


def test_batches_that_are_left_out_are_read_for_their_tokens_alone(sets, monkeypatch):
    read, plain = [], ArtifactSet.read_row_group

    def noting(self, shard, group, columns=None):
        read.append(tuple(columns))
        return plain(self, shard, group, columns)

    monkeypatch.setattr(ArtifactSet, "read_row_group", noting)
    config = StreamConfig(batch_tokens=30, seed=0, pool_rows=15)
    batches = len(list(stream_epoch(sets, ["emissions"], config, 0)))
    everything = len(read)
    read.clear()
    assert len(list(stream_epoch(sets, ["emissions"], config, 0, start=batches - 1))) == 1
    assert sum("emissions" in columns for columns in read) <= everything / 4


@examples(20)
@given(config=configs, epoch=st.integers(0, 100), world=st.integers(1, 5))
def test_shares_of_equally_many_batches_make_up_the_whole_ones(sets, config, epoch, world):
    whole = order(sets, config, epoch)
    shares = [
        [keys([table]) for table in stream_epoch(sets, ["sentence_id"], config, epoch, share=Share(rank, world))]
        for rank in range(world)
    ]
    for batch_keys, *parts in zip(whole, *shares, strict=True):
        assert [part == batch_keys[rank::world] for rank, part in enumerate(parts)] == [True] * world


def test_row_groups_that_hold_other_languages_than_the_manifest_says_are_refused(tmp_path):
    one = write_set(tmp_path, sentences={"en": 9, "de": 9})
    shards = one.manifest.model_dump()
    group = shards["shards"][0]["row_groups"][1]["languages"]
    group["en"], group["de"] = group["de"], group["en"]
    edited = ArtifactSet(one.folder, Manifest.model_validate(shards))
    with pytest.raises(ArtifactError, match=r"part-00000.parquet: row group 1 has \d sentences of \w\w, expected \d"):
        list(stream_epoch([edited], [], StreamConfig(batch_tokens=9, seed=0), 0))


@pytest.mark.parametrize("share", [(1, 1), (-1, 2), (0, 0)])
def test_a_share_outside_its_world_is_refused(share):
    with pytest.raises(ValueError, match="rank"):
        Share(*share)


def test_the_order_does_not_depend_on_that_of_the_sets(sets):
    config = StreamConfig(batch_tokens=30, seed=3, pool_rows=40)
    forwards = order(sets, config)
    backwards = order(sets[::-1], config)
    assert [[(1 - number, place) for number, place in keys] for keys in backwards] == forwards


def test_another_seed_or_epoch_is_another_order(sets):
    config = StreamConfig(batch_tokens=30, seed=3)
    orders = [order(sets, config, 0), order(sets, config, 1), order(sets, StreamConfig(batch_tokens=30, seed=4))]
    assert len({str(one) for one in orders}) == 3


def test_rows_keep_their_values(sets):
    stored = {(number, row["sentence_id"]): row for number, one in enumerate(sets) for row in one.table().to_pylist()}
    columns = sets[0].table().schema.names
    for row in rows_of(stream_epoch(sets, columns, StreamConfig(batch_tokens=40, seed=0, pool_rows=30), 0)):
        assert stored[row.pop(SET_COLUMN), row["sentence_id"]] == row


def test_only_wanted_columns_come_with_tokens_and_the_set(sets):
    table = next(stream_epoch(sets, ["gold"], StreamConfig(batch_tokens=40, seed=0, labelled_only=True), 0))
    assert table.schema.names == ["gold", "tokens", SET_COLUMN]
    assert table["gold"].null_count == 0


@pytest.mark.parametrize("labelled_only", [False, True])
@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_an_epoch_has_each_languages_share(sets, exponent, labelled_only):
    config = StreamConfig(
        batch_tokens=50, seed=0, sampling_exponent=exponent, pool_rows=20, labelled_only=labelled_only
    )
    rows = rows_of(stream_epoch(sets, ["language", "gold"], config, 0))
    stored = [row for one in sets for row in one.table(["language", "gold"]).to_pylist()]
    wanted = Counter(row["language"] for row in stored if row["gold"] is not None or not labelled_only)
    expected = {language: n**exponent for language, n in wanted.items()}
    scale = sum(wanted.values()) / sum(expected.values())
    assert len(rows) == sum(wanted.values()) == epoch_sentences(sets, config)
    for language, n in Counter(row["language"] for row in rows).items():
        assert abs(n - expected[language] * scale) < 1
    assert not labelled_only or all(row["gold"] is not None for row in rows)


def test_a_language_is_repeated_pass_after_pass(sets):
    config = StreamConfig(batch_tokens=50, seed=0, sampling_exponent=0.0)
    rows = rows_of(stream_epoch(sets, ["language", "sentence_id"], config, 0))
    times = Counter(row["sentence_id"] for row in rows if row["language"] == "nl")
    assert sorted(times.values()) == [5] * 10


def test_a_language_that_is_cut_short_shows_other_sentences_in_other_epochs(sets):
    config = StreamConfig(batch_tokens=50, seed=0, sampling_exponent=0.0)
    seen = [
        {
            row["sentence_id"]
            for row in rows_of(stream_epoch(sets, ["language", "sentence_id"], config, epoch))
            if row["language"] == "de"
        }
        for epoch in range(12)
    ]
    assert all(len(epoch) == 50 for epoch in seen)
    assert len(set().union(*seen)) == 57


def test_languages_are_mixed_in_proportion_all_along(sets):
    rows = rows_of(stream_epoch(sets, ["language"], StreamConfig(batch_tokens=1, seed=0, pool_rows=15), 0))
    for start in range(0, 150, 15):
        counts = Counter(row["language"] for row in rows[start : start + 15])
        for language, n in {"en": 83, "de": 57, "nl": 10}.items():
            assert abs(counts[language] - n / 10) <= 2


def test_a_single_row_group_that_is_cut_short_shows_other_sentences_in_other_epochs(tmp_path):
    one = write_set(tmp_path, sentences={"en": 2, "de": 20}, row_group_rows=30, shard_rows=30)
    config = StreamConfig(batch_tokens=50, seed=0, sampling_exponent=0.0)
    epochs = [rows_of(stream_epoch([one], ["sentence_id", "language"], config, epoch)) for epoch in range(20)]
    assert {row["sentence_id"] for rows in epochs for row in rows if row["language"] == "de"} == set(range(2, 22))


def test_batches_are_of_like_lengths_but_do_not_come_by_length(sets):
    batches = list(stream_epoch(sets, [], StreamConfig(batch_tokens=30, seed=0), 0))
    lengths = [DecodedRows(table).lengths for table in batches]
    longest = [int(found.max()) for found in lengths]
    assert longest != sorted(longest)
    assert sum(found.max() * len(found) for found in lengths) < 1.2 * sum(found.sum() for found in lengths)


def test_languages_mix_within_batches(tmp_path):
    with ShardWriter(tmp_path, header()) as writer:
        for language in ("de", "en"):
            writer.write(batch(np.random.default_rng(0), [1] * 20, language=language))
    tables = list(stream_epoch([ArtifactSet.open(tmp_path)], ["language"], StreamConfig(batch_tokens=10, seed=0), 0))
    assert [len(table) for table in tables] == [10] * 4
    assert all(len(set(table["language"].to_pylist())) == 2 for table in tables)


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 10**9), min_size=1, max_size=8),
    st.floats(0, 3),
)
def test_shares_keep_the_sum_and_proportional_ones_are_exact(available, exponent):
    counts = epoch_counts(available, exponent)
    assert sum(counts.values()) == sum(available.values())
    assert all(count >= 0 for count in counts.values())
    assert epoch_counts(available, 1.0) == available
    uniform = epoch_counts(available, 0.0).values()
    assert max(uniform) - min(uniform) <= 1


def test_other_labels_are_refused_with_both_shown(sets, tmp_path):
    value = header().model_dump() | {"labels": ("B-LOC", "O", "I-LOC", "B-PER")}
    with ShardWriter(tmp_path, SetHeader(**value)) as writer:
        writer.write(batch(np.random.default_rng(0), [2]))
    with pytest.raises(ArtifactError, match=r"O, B-LOC, I-LOC, B-PER[\s\S]*B-LOC, O|B-LOC, O[\s\S]*O, B-LOC, I-LOC"):
        stream_epoch([*sets, ArtifactSet.open(tmp_path)], [], StreamConfig(batch_tokens=9, seed=0), 0)


def test_a_set_given_twice_is_refused(sets):
    with pytest.raises(ArtifactError, match="hold the same set"):
        stream_epoch([*sets, sets[0]], [], StreamConfig(batch_tokens=9, seed=0), 0)


def test_nothing_to_stream_is_refused(tmp_path):
    unlabelled = write_set(tmp_path, labelled=0)
    with pytest.raises(ArtifactError, match=f"no labelled sentence in {tmp_path}"):
        stream_epoch([unlabelled], [], StreamConfig(batch_tokens=9, seed=0, labelled_only=True), 0)
    with pytest.raises(ArtifactError, match="no sentence in no artifact set"):
        stream_epoch([], [], StreamConfig(batch_tokens=9, seed=0), 0)


@pytest.mark.parametrize("change", [{"batch_tokens": 0}, {"pool_rows": 0}, {"sampling_exponent": -0.1}])
def test_settings_out_of_range_are_named(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        StreamConfig(**{"batch_tokens": 1, "seed": 0} | change)
