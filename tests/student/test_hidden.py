"""The stage of a distillation that learns the teachers' hidden states."""

import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stream import StreamConfig, stream_epoch
from structkd.corpora.sentences import Corpus, Sentence
from structkd.ground.records import DevScored, Resumed, Updated
from structkd.student.config import DistillConfig
from structkd.student.distill import distill
from structkd.student.hidden import HiddenProjections, HiddenTargets, hidden_loss, projections
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.model import Tagger
from structkd.tagger.resume import Resume
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary
from tests.artifacts.examples import write_set
from tests.pipeline.tiny import contents
from tests.small import small_encoders
from tests.student.test_ranks import SCRIPT, torchrun

DEV = Corpus("en", "dev", (Sentence(("en0", "en1"), ("O", "B-LOC")), Sentence(("en2",), ("O",))))


@pytest.fixture
def sets(tmp_path):
    """The second set is of the first one's teacher, the third of another one."""
    write_set(tmp_path / "first", sentences={"en": 13}, teacher="a", seed=1, hidden=3)
    write_set(tmp_path / "second", sentences={"en": 12}, teacher="b", seed=1, hidden=3)
    write_set(tmp_path / "third", sentences={"de": 20}, teacher="c", seed=2, hidden=3)
    return [ArtifactSet.open(tmp_path / name) for name in ("first", "second", "third")]


def make_student(sets, dropout=0.0):
    torch.manual_seed(1)
    words = Vocabulary.build({f"{language}{n}": 1 for language in ("en", "de") for n in range(9)})
    config = TaggerConfig(encoders=small_encoders(dropout=dropout), hidden=4, dropout=dropout)
    return Tagger(config, words, sets[0].header.label_set)


def run(sets, *, system="posterior", resume=None, log=lambda record: None, updates=12, **config):
    return distill(
        sets,
        {"en": EvaluationSet(DEV, "accuracy", None)},
        system=system,
        tagger=TaggerConfig(encoders=small_encoders(dropout=0.3), hidden=4, dropout=0.3),
        training=TrainingConfig(updates=updates, batch_tokens=30, learning_rate=0.01, evaluate_every=3, patience=1),
        config=DistillConfig(**config),
        seed=1,
        log=log,
        resume=resume,
    )


def batch_of(sets):
    (rows,) = stream_epoch(sets, ["hidden"], StreamConfig(batch_tokens=10_000, seed=1), 0)
    decoded = DecodedRows(rows)
    return decoded, TokenBatch.from_arrow(decoded.tokens), HiddenTargets.of(decoded, torch.device("cpu"))


def test_the_loss_is_the_squared_error_of_each_teachers_own_projection(sets):
    student, (rows, tokens, targets) = make_student(sets).eval(), batch_of(sets)
    with projections(student, sets), torch.no_grad():
        states, first, other = student.states(tokens), *student.hidden.of_teacher
        expected = 0.0
        for place, length in enumerate(rows.lengths):
            projection = other if rows.set_number[place] == 2 else first
            errors = projection(states[place, :length]) - torch.from_numpy(rows.hidden[place, :length])
            expected += (errors**2).sum() / 3
        assert_close(hidden_loss(student, tokens, targets), expected / len(rows))


def test_gradients_reach_the_encoder_but_not_the_labels(sets):
    student, (_, tokens, targets) = make_student(sets), batch_of(sets)
    with projections(student, sets):
        hidden_loss(student, tokens, targets).backward()
        reached = {name.partition(".")[0] for name, p in student.named_parameters() if p.grad is not None}
    assert reached == {"encoder", "context", "hidden"}


def test_projections_are_no_part_of_the_student(sets):
    student, _ = run(sets, hidden_updates=4)
    assert student.weights().keys() == make_student(sets).weights().keys()


def test_the_first_stage_is_not_scored(sets):
    records = []
    _, result = run(sets, hidden_updates=7, log=records.append)
    assert next(record.update for record in records if isinstance(record, DevScored)) == 9
    assert result.best_update >= 9


def test_lambda_changes_over_the_rest(sets):
    """The only update after the stage has the first lambda."""
    first, second, other = (
        run(sets, hidden_updates=11, lambda_first=first, lambda_last=last)[0].weights()
        for first, last in ((1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_the_stage_changes_the_student_and_the_baseline_has_none(sets):
    plain, staged = (run(sets, hidden_updates=n)[0].weights() for n in (0, 4))
    assert any(not torch.equal(plain[name], staged[name]) for name in plain)
    first, second = (run(sets, system="baseline", hidden_updates=n)[0].weights() for n in (0, 4))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("stop", [3, 6, 7, 10])
def test_a_training_that_is_stopped_in_either_stage_ends_with_the_same_weights(sets, tmp_path, stop):
    def log(record):
        records.append(record)
        if record == Updated(stop, 12) and len(records) < 100:
            records.extend([None] * 100)
            raise KeyboardInterrupt

    records, state = [], tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        run(sets, hidden_updates=6, resume=Resume(state, "same", 0.0), log=log)
    student, result = run(sets, hidden_updates=6, resume=Resume(state, "same", 0.0), log=log)
    assert any(isinstance(record, Resumed) for record in records)
    expected, plain = run(sets, hidden_updates=6)
    assert all(torch.equal(a, b) for a, b in zip(student.parameters(), expected.parameters(), strict=True))
    assert [entry[:3] for entry in result.curve] == [entry[:3] for entry in plain.curve]


@pytest.mark.slow
def test_ranks_learn_what_one_process_learns_also_after_a_kill(tmp_path):
    write_set(tmp_path / "first", sentences={"en": 13, "de": 12}, teacher="first", seed=1, hidden=3)
    write_set(tmp_path / "second", sentences={"en": 20}, teacher="second", seed=2, hidden=3)
    for world in (1, 2):
        (tmp_path / "state").unlink(missing_ok=True)
        done = torchrun(world, SCRIPT, "plain", tmp_path)
        assert done.returncode == 0, done.stderr
    weights = contents(tmp_path, "*.safetensors")
    alone, first, second = (
        load_file(tmp_path / f"world{name}.safetensors") for name in ("1-rank0", "2-rank0", "2-rank1")
    )
    for name in first:
        assert torch.equal(first[name], second[name])
        assert_close(first[name], alone[name], rtol=1e-3, atol=1e-4)
    (tmp_path / "state").unlink()
    assert torchrun(2, SCRIPT, "plain", tmp_path, 5).returncode
    assert torchrun(2, SCRIPT, "plain", tmp_path).returncode == 0
    assert (tmp_path / "resumed").is_file()
    assert contents(tmp_path, "*.safetensors") == weights


def test_sets_without_states_are_refused(sets, tmp_path):
    without = write_set(tmp_path / "without", sentences={"en": 5}, teacher="d", seed=3)
    with pytest.raises(ArtifactError, match=r"without: has no hidden states.*set teacher\.annotation\.hidden"):
        run([*sets, without], hidden_updates=4)


def test_sets_with_other_dimensions_are_refused(sets, tmp_path):
    other = write_set(tmp_path / "other", sentences={"en": 5}, teacher="d", seed=3, hidden=2)
    with pytest.raises(ArtifactError, match="hidden states have 2 and 3 dimensions; expected one number"):
        HiddenProjections([*sets, other], 8)
