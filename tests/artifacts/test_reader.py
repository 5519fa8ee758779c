import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from structkd.artifacts.header import SetHeader
from structkd.artifacts.manifest import Manifest
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.verification import verify
from structkd.ground.files import digest_json
from tests.artifacts.examples import header, write_set
from tests.examples import examples

SHARD = "part-00001.parquet"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("original")).folder


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "set")


def edit(folder, change, *, sign=False):
    path = folder / "manifest.json"
    value = json.loads(path.read_text())
    change(value)
    if sign:
        del value["digest"]
        value["digest"] = digest_json(value)
    path.write_text(json.dumps(value))


@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_flipped_bit_anywhere_in_a_shard_is_found(original, tmp_path_factory, data):
    folder = shutil.copytree(original, tmp_path_factory.mktemp("flipped") / "set")
    content = bytearray((folder / SHARD).read_bytes())
    place, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 7))
    content[place] ^= 1 << bit
    (folder / SHARD).write_bytes(content)
    with pytest.raises(ArtifactError, match=f"{SHARD}: found SHA-256 .*, expected .*; restore it"):
        ArtifactSet.open(folder)


def test_a_truncated_shard_is_found(folder):
    (folder / SHARD).write_bytes((folder / SHARD).read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=rf"{SHARD}: found bytes \d+, expected \d+"):
        ArtifactSet.open(folder)


def test_a_deleted_shard_is_found(folder):
    (folder / SHARD).unlink()
    with pytest.raises(ArtifactError, match=f"{SHARD}: not found"):
        ArtifactSet.open(folder)


def test_swapped_shards_are_found(folder):
    (folder / SHARD).rename(folder / "aside")
    (folder / "part-00000.parquet").rename(folder / SHARD)
    (folder / "aside").rename(folder / "part-00000.parquet")
    with pytest.raises(ArtifactError, match=r"part-00000.parquet: found (bytes|SHA-256)"):
        ArtifactSet.open(folder)


def test_a_shard_of_another_set_in_place_of_one_is_found(folder, tmp_path):
    other = write_set(tmp_path / "other", teacher="other")
    shutil.copy(other.folder / SHARD, folder / SHARD)
    with pytest.raises(ArtifactError, match=f"{SHARD}: found (bytes|SHA-256)"):
        ArtifactSet.open(folder)


def test_a_shard_of_another_set_is_found_by_its_identity_even_where_the_manifest_names_it(folder, tmp_path):
    other = write_set(tmp_path / "other", teacher="other")
    shutil.copy(other.folder / SHARD, folder / SHARD)
    foreign = json.loads((other.folder / "manifest.json").read_text())["shards"][1]
    edit(folder, lambda value: value["shards"].__setitem__(1, foreign), sign=True)
    with pytest.raises(ArtifactError, match=f"{SHARD}: found set identity {other.identity}, expected"):
        ArtifactSet.open(folder)


def test_a_shard_that_the_manifest_does_not_name_is_found(folder):
    shutil.copy(folder / SHARD, folder / "part-00009.parquet")
    with pytest.raises(ArtifactError, match=r"part-00009.parquet: found a shard that the manifest does not name"):
        ArtifactSet.open(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["header"]["labels"].reverse(),
        lambda value: value["header"]["transitions"][0].reverse(),
        lambda value: value.update(tokens=value["tokens"] + 1),
        lambda value: value["shards"].pop(),
        lambda value: value.pop("digest"),
    ],
    ids=["labels", "transitions", "tokens", "shards", "digest"],
)
def test_an_edited_manifest_is_found(folder, change):
    edit(folder, change)
    with pytest.raises(ArtifactError, match=r"manifest.json: found content with the digest .*, expected"):
        ArtifactSet.open(folder)


def test_row_groups_that_are_not_the_manifests_are_found(folder):
    def move_a_sentence(value):
        for counts in (value["shards"][1]["row_groups"][0]["languages"], value["languages"]):
            counts["en"]["labelled"] += 1

    edit(folder, move_a_sentence, sign=True)
    with pytest.raises(
        ArtifactError, match=rf"rows of the row groups of {SHARD} are \[6, 5, 5, 1\], expected 5 in each but the last"
    ):
        ArtifactSet.open(folder)


def bump(*path):
    """Add 1 to a number of a shard, and to the set's total of that name."""

    def change(value):
        holder = value["shards"]
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] += 1
        if path[-1] in ("tokens", "rows"):
            value[path[-1]] += 1

    return change


def other_language(value):
    value["shards"][1]["row_groups"][0]["languages"] = {"de": value["shards"][1]["row_groups"][0]["languages"]["en"]}
    value["languages"] = recount(value)


def other_labelled(value):
    counts = value["shards"][1]["row_groups"][0]["languages"]["en"]
    counts["labelled"], counts["unlabelled"] = counts["labelled"] + 1, counts["unlabelled"] - 1
    value["languages"] = recount(value)


def recount(value):
    totals = {}
    for shard in value["shards"]:
        for group in shard["row_groups"]:
            for language, counts in group["languages"].items():
                total = totals.setdefault(language, {"labelled": 0, "unlabelled": 0})
                for kind, count in counts.items():
                    total[kind] += count
    return dict(sorted(totals.items()))


NUMBERS = {
    "words": (bump(1, "tokens"), rf"{SHARD}: found tokens \d+, expected \d+"),
    "sentences": (bump(1, "rows"), "rows of the shards are"),
    "a row group's first row": (
        bump(1, "row_groups", 1, "first_row"),
        "found row groups that begin and end at",
    ),
    "a row group's place": (bump(1, "row_groups", 1, "offset"), f"{SHARD}: found offset of row group 1"),
    "a row group's bytes": (bump(1, "row_groups", 1, "bytes"), f"{SHARD}: found bytes of row group 1"),
    "a column's checksum": (bump(1, "row_groups", 1, "crc32", 3), f"{SHARD}: found crc32 of row group 1"),
    "the footer's bytes": (bump(1, "footer", "bytes"), f"{SHARD}: found footer of bytes"),
    "a language": (other_language, f"{SHARD}: found languages of row group 0"),
    "which are labelled": (other_labelled, f"{SHARD}: found languages of row group 0"),
    "rows of a full shard": (lambda value: value["layout"].update(shard_rows=17), "rows of the shards are"),
    "rows of a full row group": (lambda value: value["layout"].update(row_group_rows=4), "rows of the row groups"),
    "no shards": (lambda value: value.update(shards=[], rows=0, tokens=0, languages={}), "found no shards"),
    "no row groups": (lambda value: value["shards"][1].update(row_groups=[]), "shards.1.row_groups: Tuple should have"),
    "fewer than none": (
        lambda value: value["shards"][1]["row_groups"][0]["languages"]["en"].update(labelled=-1),
        "labelled: Input should be greater than",
    ),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_a_manifest_that_are_not_those_of_its_shards_are_found(folder, name):
    """With a digest and totals that fit: by whoever opens the set, and by `verify`."""
    change, message = NUMBERS[name]
    edit(folder, change, sign=True)
    with pytest.raises(ArtifactError, match=message):
        ArtifactSet.open(folder)
    with pytest.raises(ArtifactError, match=message):
        raise next(check.error for check in verify(folder) if check.error)


def test_a_future_schema_is_refused_before_anything_else_is_read(folder):
    edit(folder, lambda value: (value.clear(), value.update(schema_version=4)))
    with pytest.raises(ArtifactError, match=r"manifest.json: found schema_version 4, expected 3"):
        ArtifactSet.open(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda value: value.pop("rows"), "rows: Field required"),
        (lambda value: value.update(colour="red"), "colour: Extra inputs are not permitted"),
        (lambda value: value["shards"][0].update(rows="16"), "shards.0.rows: Input should be a valid integer"),
        (lambda value: value["header"].pop("end"), "header.end: Field required"),
    ],
)
def test_missing_unknown_and_mistyped_keys_are_named(folder, change, message):
    edit(folder, change, sign=True)
    with pytest.raises(ArtifactError, match=f"manifest.json: {message}"):
        ArtifactSet.open(folder)


@pytest.mark.parametrize(("text", "message"), [("{", "not JSON"), ("[]", "found a JSON list, expected an object")])
def test_a_manifest_that_is_no_object_is_refused(folder, text, message):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ArtifactError, match=f"manifest.json: {message}"):
        ArtifactSet.open(folder)


def test_verify_goes_on_after_a_damaged_shard(folder):
    (folder / SHARD).write_bytes(b"")
    checks = list(verify(folder))
    assert [check.file for check in checks] == ["part-00000.parquet", SHARD, "part-00002.parquet"]
    assert [check.error is None for check in checks] == [True, False, True]
    assert str(checks[1].error).startswith(str(folder / SHARD))


def test_each_sentence_is_found_by_its_place(original):
    found = ArtifactSet.open(original)
    rows = found.table().to_pylist()
    assert [found.sentence(place).to_pylist()[0] for place in range(found.rows)] == rows
    for outside in (-1, found.rows):
        with pytest.raises(IndexError, match="rows 0 to 39"):
            found.sentence(outside)


def test_row_groups_have_the_wanted_columns(original):
    found = ArtifactSet.open(original)
    tables = list(found.row_groups(["gold"]))
    assert [len(table) for table in tables] == [5, 5, 5, 1, 5, 5, 5, 1, 5, 3]
    assert {tuple(table.schema.names) for table in tables} == {("gold",)}
    with pytest.raises(ArtifactError, match="no column 'golden', expected one of sentence_id, language"):
        found.table(["golden"])


def test_coded_words_are_the_words(original):
    found = ArtifactSet.open(original)
    for plain, coded in zip(found.row_groups(["tokens"]), found.row_groups(["tokens"], coded_words=True), strict=True):
        words = coded["tokens"].combine_chunks().flatten()
        assert words.dictionary.value_counts().field("counts").to_pylist() == [1] * len(words.dictionary)
        assert coded["tokens"].to_pylist() == plain["tokens"].to_pylist()


def test_the_header_survives_the_manifest(original):
    assert Manifest.read(original).header == header()
    assert ArtifactSet.open(original).identity == header().identity


@pytest.mark.parametrize("field", ["labels", "transitions", "start", "end", "provenance"])
def test_the_identity_depends_on_every_field(field):
    value = header().model_dump()
    changed = {"provenance": {"teacher": "another"}, "labels": ("O", "B-LOC", "I-LOC", "I-PER")}
    value[field] = changed.get(field) or (np.asarray(value[field]) + 0.25).tolist()
    assert SetHeader(**value).identity != header().identity


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": [0.0]}, "start has 1 entries, expected 4"),
        ({"transitions": [[0.0] * 4] * 3 + [[0.0] * 5]}, r"transitions\[3\] has 5 entries, expected 4"),
        ({"end": [0.0, 0.0, 0.0, float("inf")]}, "finite number"),
        ({"labels": ("O", "O", "A", "B")}, "names a label twice"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        SetHeader(**header().model_dump() | change)
