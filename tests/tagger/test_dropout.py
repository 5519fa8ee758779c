import pytest
import torch
from torch import nn

from structkd.tagger.dropout import Dropout, replace_dropout


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_share_is_dropped_and_the_mean_stays(share, dtype):
    torch.manual_seed(0)
    found = Dropout(share)(torch.ones(400, 251, dtype=dtype)).float()
    assert found.unique().tolist() == pytest.approx([0.0, 1 / (1 - share)], rel=0.01)
    assert (found == 0).float().mean() == pytest.approx(share, abs=0.01)
    assert found.mean() == pytest.approx(1, abs=0.04)


def test_neighbours_are_dropped_independently():
    torch.manual_seed(0)
    dropped = (Dropout(0.5)(torch.ones(100_000)) == 0).float()
    for distance in range(1, 9):
        together = (dropped[:-distance] * dropped[distance:]).mean()
        assert together == pytest.approx(0.25, abs=0.01)


def test_the_gradient_passes_where_the_value_does():
    values = torch.randn(7, 5, requires_grad=True)
    found = Dropout(0.5)(values)
    found.sum().backward()
    assert torch.equal(values.grad, (found != 0) * 2.0)


def test_a_seed_repeats_it_and_nothing_is_dropped_outside_training():
    module, values = Dropout(0.5), torch.randn(3, 5, 2)
    twice = [(torch.manual_seed(3), module(values))[1] for _ in range(2)]
    assert torch.equal(*twice)
    assert module.eval()(values) is values
    assert Dropout(0.0)(values) is values
    assert Dropout(0.5)(torch.zeros(0, 4)).shape == (0, 4)


def test_each_one_inside_a_module_is_replaced():
    module = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.2), nn.ReLU()), nn.Dropout1d(0.3))
    replace_dropout(module)
    assert isinstance(module[1][0], Dropout)
    assert module[1][0].p == 0.2
    assert type(module[2]) is nn.Dropout1d
