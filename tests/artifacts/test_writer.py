from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.artifacts.header import read_file_metadata
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.writer import ShardWriter
from tests.artifacts.examples import LABELS, batch, header, write_set
from tests.examples import examples


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_set_reads_as_it_was_written(tmp_path):
    rows = batch(np.random.default_rng(0), [3, 1, 4, 1, 5])
    with ShardWriter(tmp_path, header(), shard_rows=2, row_group_rows=1) as writer:
        writer.write(rows)
    found = ArtifactSet.open(tmp_path)
    assert found.table().to_pylist() == rows.to_pylist()
    assert found.header == header()
    assert (found.labels, found.rows, found.tokens) == (LABELS, 5, 14)
    assert [shard.rows for shard in found.manifest.shards] == [2, 2, 1]
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "manifest.json",
        "part-00000.parquet",
        "part-00001.parquet",
        "part-00002.parquet",
    ]


def test_the_manifest_counts_sentences_by_language(tmp_path):
    found = write_set(tmp_path, sentences={"en": 7, "de": 30})
    rows = found.table(["language", "gold"]).to_pylist()
    for language, counts in found.manifest.languages.items():
        gold = [row["gold"] is not None for row in rows if row["language"] == language]
        assert (counts.labelled, counts.unlabelled) == (sum(gold), len(gold) - sum(gold))
    assert list(found.manifest.languages) == ["de", "en"]


@examples(15)
@given(st.lists(st.integers(0, 20), max_size=5).map(sorted))
def test_the_bytes_do_not_depend_on_how_rows_were_batched(tmp_path_factory, cuts):
    rng = np.random.default_rng(0)
    parts = [batch(rng, [2] * 10, language="en"), batch(rng, [3] * 10, language="de")]
    rows = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks().to_batches()[0]
    whole, cut = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("cut")
    for folder, pieces in {
        whole: parts,
        cut: [rows.slice(start, stop - start) for start, stop in zip([0, *cuts], [*cuts, 20], strict=True)],
    }.items():
        with ShardWriter(folder, header(), shard_rows=7, row_group_rows=3) as writer:
            for piece in pieces:
                writer.write(piece)
    assert content(cut) == content(whole)


def test_a_shard_alone_explains_itself(tmp_path):
    write_set(tmp_path)
    own = read_file_metadata(pq.read_metadata(tmp_path / "part-00000.parquet").metadata)
    assert own == {"schema_version": 3, "identity": header().identity} | header().model_dump(mode="json")


def test_pages_carry_checksums_and_scores_are_plain_zstd(tmp_path):
    write_set(tmp_path)
    group = pq.read_metadata(tmp_path / "part-00000.parquet").row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    scores = columns["log_posteriors.list.element.list.element"]
    assert scores.compression == "ZSTD"
    assert set(scores.encodings) == {"RLE", "PLAIN"}
    damaged = bytearray((tmp_path / "part-00000.parquet").read_bytes())
    damaged[scores.data_page_offset + scores.total_compressed_size - 3] ^= 1
    (tmp_path / "part-00000.parquet").write_bytes(damaged)
    with pytest.raises(ArtifactError, match=r"part-00000.parquet: found column log_posteriors with CRC-32 \d+"):
        ArtifactSet.open(tmp_path, verify=False).read_row_group(0, 0, ["log_posteriors"])


def test_an_exception_keeps_whole_shards_and_the_next_writer_goes_on_after_them(tmp_path):
    rows = batch(np.random.default_rng(0), [1, 2, 3, 4, 5])

    def interrupted():
        with ShardWriter(tmp_path / "set", header(), shard_rows=2) as writer:
            writer.write(rows)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    kept = content(tmp_path / "set")
    assert list(kept) == [f"part-0000{number}.{kind}" for number in (0, 1) for kind in ("json", "parquet")]
    with pytest.raises(ArtifactError, match="not found beside 2 whole shards; the set is unfinished"):
        ArtifactSet.open(tmp_path / "set")
    with ShardWriter(tmp_path / "set", header(), shard_rows=2) as writer:
        assert writer.rows_kept == 4
        writer.write(rows.slice(4))
    with ShardWriter(tmp_path / "whole", header(), shard_rows=2) as writer:
        assert writer.rows_kept == 0
        writer.write(rows)
    assert content(tmp_path / "set") == content(tmp_path / "whole")


def interrupt(folder):
    """Leave a set unfinished after two of its three shards."""
    writer = ShardWriter(folder, header(), shard_rows=2)
    writer.__enter__()
    writer.write(batch(np.random.default_rng(0), [1, 2, 3, 4, 5]))
    writer.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)


@pytest.mark.parametrize(
    "changes",
    [{"header": header("other")}, {"shard_rows": 3}, {"row_group_rows": 1}],
    ids=["identity", "shard_rows", "row_group_rows"],
)
def test_an_unfinished_set_of_another_identity_or_layout_is_replaced(tmp_path, changes):
    interrupt(tmp_path / "set")
    arguments = {"header": header(), "shard_rows": 2} | changes
    for folder in (tmp_path / "set", tmp_path / "new"):
        with ShardWriter(folder, **arguments) as writer:
            assert writer.rows_kept == 0
            writer.write(batch(np.random.default_rng(1), [1, 2, 3]))
    assert content(tmp_path / "set") == content(tmp_path / "new")


def damage_first(folder):
    (folder / "part-00000.parquet").write_bytes((folder / "part-00001.parquet").read_bytes())


def damage_second(folder):
    data = (folder / "part-00001.parquet").read_bytes()
    (folder / "part-00001.parquet").write_bytes(data[:-1] + b"x")


def damage_record(folder):
    record = folder / "part-00000.json"
    record.write_bytes(record.read_bytes()[:-10])


@pytest.mark.parametrize(
    ("damage", "kept"), [(damage_first, 0), (damage_second, 2), (damage_record, 0)], ids=["first", "second", "record"]
)
def test_a_damaged_shard_or_record_is_written_anew(tmp_path, damage, kept):
    rows = batch(np.random.default_rng(0), [1, 2, 3, 4, 5])
    with ShardWriter(tmp_path / "whole", header(), shard_rows=2) as writer:
        writer.write(rows)
    interrupt(tmp_path / "set")
    damage(tmp_path / "set")
    with ShardWriter(tmp_path / "set", header(), shard_rows=2) as writer:
        assert writer.rows_kept == kept
        writer.write(rows.slice(kept))
    assert content(tmp_path / "set") == content(tmp_path / "whole")


def test_a_complete_set_takes_no_more_rows(tmp_path):
    rows = batch(np.random.default_rng(0), [1, 2, 3])
    with ShardWriter(tmp_path, header(), shard_rows=2) as writer:
        writer.write(rows)
    with ShardWriter(tmp_path, header(), shard_rows=2) as writer:
        assert writer.rows_kept == 3
        with pytest.raises(ArtifactError, match="found rows after the set's 3, of which the last shard is not full"):
            writer.write(rows)
    assert ArtifactSet.open(tmp_path).rows == 3


def test_row_groups_lie_where_the_manifest_says(tmp_path):
    found = write_set(tmp_path)
    for shard in found.manifest.shards:
        data = (tmp_path / shard.file).read_bytes()
        end = len(b"PAR1")
        first_row = 0
        for group in shard.row_groups:
            assert (group.offset, group.first_row) == (end, first_row)
            end, first_row = group.offset + group.bytes, first_row + group.rows
        assert end + shard.footer.bytes == len(data) == shard.bytes


def test_an_error_at_the_last_shard_keeps_the_others(tmp_path):
    without_language = batch(np.random.default_rng(0), [1])
    place = without_language.schema.get_field_index("language")
    field = without_language.schema.field(place)
    without_language = without_language.set_column(place, field, pa.nulls(1, field.type))

    def failing():
        with ShardWriter(tmp_path, header(), shard_rows=2) as writer:
            writer.write(batch(np.random.default_rng(0), [1, 2]))
            writer.write(without_language)

    with pytest.raises(Exception, match="language"):
        failing()
    assert list(content(tmp_path)) == ["part-00000.json", "part-00000.parquet"]


def test_a_set_without_sentences_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="no sentence was written"), ShardWriter(tmp_path, header()):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", [{"shard_rows": 0}, {"row_group_rows": 0}])
def test_pieces_without_rows_are_refused(tmp_path, change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} is 0, expected at least 1"):
        ShardWriter(tmp_path, header(), **change)


def test_rows_of_another_schema_are_refused(tmp_path):
    rows = batch(np.random.default_rng(0), [1], labels=5)
    with (
        pytest.raises(ArtifactError, match=r"found rows with the columns[\s\S]*\[5\][\s\S]*expected[\s\S]*\[4\]"),
        ShardWriter(tmp_path, header()) as writer,
    ):
        writer.write(rows)


def test_a_finished_set_of_another_identity_is_kept(tmp_path):
    first = write_set(tmp_path, teacher="first")
    before = content(tmp_path)
    with pytest.raises(ArtifactError, match=f"found the artifact set {first.identity}, expected none or"):
        write_set(tmp_path, teacher="second")
    assert content(tmp_path) == before


def test_the_same_set_is_written_again_to_the_same_bytes(tmp_path):
    write_set(tmp_path)
    before = content(tmp_path)
    (tmp_path / "part-00001.parquet").write_bytes(b"damaged")
    write_set(tmp_path)
    assert content(tmp_path) == before
