"""With folds, nobody annotates for students what it was trained on: checked on what was really trained on."""

from io import StringIO
from itertools import chain

import pytest
from rich.console import Console

from structkd.artifacts.reader import ArtifactSet
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence
from structkd.ground.records import LabelsUnknown
from structkd.pipeline.execution import annotating, teach
from structkd.pipeline.execution.engines import InProcess
from structkd.pipeline.execution.progress import choose_display
from structkd.pipeline.execution.stages import run_teachers
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import make_plan
from structkd.pipeline.results.calibrations import plan_calibrations, text_cells
from structkd.pipeline.results.findings import plan_findings
from structkd.pipeline.results.result import load_result
from tests.pipeline.tiny import TINY, write_experiment

pytestmark = pytest.mark.slow

FOLDED = TINY.replace("[teacher.tagger]", "[teacher]\nfolds = 3\n\n[teacher.tagger]").replace("de = 30", "de = 24")
COLUMNS = ["sentence_id", "language", "teacher", "seen", "tokens", "gold"]


@pytest.fixture(scope="module")
def stage_one(tmp_path_factory):
    """The plan of a run with folds, and what each teacher was trained on, in the order of the plan."""
    folder, taught = tmp_path_factory.mktemp("folds"), []
    write_experiment(folder, FOLDED)
    train = teach.train_teacher

    def recorded(corpus, *arguments, **options):
        taught.append(corpus)
        return train(corpus, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(teach, "train_teacher", recorded)
        plan = make_plan(load_experiment("tiny"), folder / "runs")
        run_teachers([plan], InProcess(), choose_display(Console(file=StringIO())))
    return plan, taught


def rows(folder):
    return ArtifactSet.open(folder).table(COLUMNS).to_pylist()


def test_a_folds_teacher_has_seen_no_sentence_that_it_annotates(stage_one):
    plan, taught = stage_one
    for teacher, corpus in zip(plan.teachers, taught, strict=True):
        trained_on = {sentence.tokens for sentence in corpus}
        for row in chain.from_iterable(map(rows, teacher.sets)):
            assert row["seen"] == (tuple(row["tokens"]) in trained_on)
            assert row["teacher"] == teacher.name
            assert not (teacher.fold and row["seen"])


def test_the_sets_of_a_language_hold_its_corpora_once_each_sentence_under_its_place(stage_one):
    plan, _ = stage_one
    data = Data(plan.experiment)
    for language in plan.experiment.languages:
        teachers = [teacher for teacher in plan.teachers if teacher.language == language]
        for split in ("train", "unlabelled"):
            corpus, _ = data.load(language, split)
            folders = [teacher.artifacts[split] for teacher in teachers if split in teacher.artifacts]
            found = list(chain.from_iterable(map(rows, folders)))
            assert sorted(row["sentence_id"] for row in found) == list(range(len(corpus)))
            for row in found:
                sentence = corpus[row["sentence_id"]]
                assert tuple(row["tokens"]) == sentence.tokens
                assert (row["gold"] is None) == (sentence.labels is None)
                assert (row["teacher"] == language) == (split == "unlabelled")


def test_held_out_text_is_annotated_beside_what_students_read(stage_one):
    plan, _ = stage_one
    data = Data(plan.experiment)
    for teacher in plan.teachers:
        assert bool(teacher.held_out) == (not teacher.fold)
        if teacher.held_out:
            assert teacher.held_out not in teacher.artifacts.values()
            dev, test = (data.load(teacher.language, split)[0] for split in ("dev", "test"))
            assert [tuple(row["tokens"]) for row in rows(teacher.held_out)] == [s.tokens for s in (*dev, *test)]
            sizes = ArtifactSet.open(teacher.held_out).header.provenance["sentences"]
            assert sizes == {"dev": len(dev), "test": len(test)}


def test_a_sets_chain_is_that_of_its_own_teacher(stage_one):
    plan, _ = stage_one
    headers = [ArtifactSet.open(folder).header for folder in plan.students[1].artifacts]
    assert len({header.transitions for header in headers}) == len(headers)
    assert len({header.labels for header in headers}) == 1


def test_scores_are_those_of_the_teachers_that_were_trained_on_all(stage_one):
    plan, _ = stage_one
    expected = [load_result(teacher.folder).test for teacher in plan.teachers if not teacher.fold]
    (found,) = plan_findings(plan).tasks[0].entries["teachers"]["test"].to_list()
    assert [{one["language"]: one["score"]} for one in found] == expected


def test_the_report_has_a_row_for_what_was_seen_and_what_was_not(stage_one):
    plan, _ = stage_one
    data = Data(plan.experiment)
    for language in plan.experiment.languages:
        found = {(row[1], row[2]): int(row[3]) for row in text_cells(plan_calibrations(plan)) if row[0] == language}
        train, *held_out = (data.load(language, split)[0].tokens for split in ("train", "dev", "test"))
        assert found["train", "no"] == train
        assert ("train", "yes") not in found
        assert sum(words for (text, _), words in found.items() if text == "dev, test") == sum(held_out)
        texts = data.load(language, "unlabelled")[0].tokens
        assert sum(words for (text, _), words in found.items() if text == "unlabelled") == texts


def test_a_held_out_label_that_no_training_corpus_has_costs_its_sentence_the_gold():
    corpus = Corpus("en", "dev", (Sentence(("a", "b"), ("O", "S-X")), Sentence(("c",), ("O",))))
    records = []
    found = annotating._known(corpus, LabelSet(("O",)), records.append)
    assert [sentence.labels for sentence in found] == [None, ("O",)]
    assert [sentence.tokens for sentence in found] == [("a", "b"), ("c",)]
    assert records == [LabelsUnknown("dev", 1)]
