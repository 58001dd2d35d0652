"""What a defense may be fitted to, and where its ascent begins."""

import pytest
import torch

from experiments.study.own_rows import (
    READINGS,
    STARTS,
    fit_from,
    mean_normal,
    rows_to_fit,
    rows_under,
)
from paper_lib.attacks import PGD_READINGS, PGDReading, fgm, pgd
from paper_lib.defense import ramp_ascent
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import TrainConfig
from paper_lib.models.training import initial_model
from paper_lib.robust_sets import RobustSets

EPSILON = 1.3


def draw(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def lin():
    return Linearization(logits=draw(40, seed=0), gradients=draw(40, 6, seed=1))


@pytest.fixture(scope="module")
def model():
    """A network whose boundary runs through the points."""
    found = initial_model(TrainConfig(channels=(2, 2), hidden=4), seed=0).eval()
    with torch.no_grad():
        found.layers[-1].bias -= found(torch.rand(50, 1, 28, 28)).median()
    return found


def test_one_reading_is_added_and_the_others_are_those_of_the_tables():
    (added,) = READINGS.keys() - PGD_READINGS.keys()
    assert {name: READINGS[name] for name in PGD_READINGS} == PGD_READINGS
    assert READINGS[added] == PGDReading(
        direction="original", projection="ball", relative_step=0.25, steps=10
    )
    assert len(set(READINGS.values())) == 4


def test_the_rows_of_fgm_are_those_of_equation_7(lin):
    own = rows_under(lin, fgm(lin, EPSILON), EPSILON)
    expected = RobustSets.from_linearization(lin, EPSILON)
    assert torch.equal(own.normals, expected.normals)
    assert torch.allclose(own.offsets, expected.offsets, atol=1e-5)
    assert own.epsilon == EPSILON


def test_a_row_is_met_where_the_label_survives_that_attack(lin):
    """Counted by hand, in double precision."""
    attack = draw(40, 6, seed=2)
    own = rows_under(lin, attack, EPSILON)
    f, slope = lin.logits.double(), lin.gradients.double()
    agree = []
    for seed in range(20):
        v = draw(6, seed=10 + seed)
        v = v / v.norm()
        moved = f + (slope * (attack.double() + v.double())).sum(1)
        agree.append(torch.equal(own.contains(v), f.sign() * moved >= 0))
    assert all(agree)
    other = rows_under(lin, -attack, EPSILON)
    assert not torch.equal(other.contains(v), own.contains(v))


def test_no_defense_saves_a_point_without_a_label():
    lin = Linearization(logits=torch.zeros(1), gradients=torch.ones(1, 2))
    own = rows_under(lin, torch.ones(1, 2), EPSILON)
    assert own.offsets.tolist() == [-torch.inf]
    assert not own.contains(torch.zeros(2)).any()


def test_own_rows_are_taken_at_some_points_evenly_spaced(model):
    images, reach = torch.rand(7, 1, 28, 28), 5.0
    rows = rows_to_fit(
        model, images, reach, own=("ball", "fixed-label, ball"), num_own=3
    )
    lin = linearize(model, images)
    assert list(rows) == ["FGM", "ball", "fixed-label, ball"]
    expected = RobustSets.from_linearization(lin, reach)
    assert torch.equal(rows["FGM"].offsets, expected.offsets)
    few = torch.tensor([0, 3, 6])
    for name, direction in (("ball", "current"), ("fixed-label, ball", "original")):
        attack = pgd(
            model,
            images[few],
            reach,
            step_size=reach / 4,
            direction=direction,
            projection="ball",
        )
        asked = lin.logits[few].abs() + (expected.normals[few] * attack).sum(1)
        assert torch.equal(rows[name].normals, expected.normals[few])
        assert torch.allclose(rows[name].offsets, asked, atol=1e-5)
    assert not torch.equal(rows["ball"].offsets, rows["fixed-label, ball"].offsets)


def test_all_points_are_taken_where_there_are_fewer(model):
    images = torch.rand(4, 1, 28, 28)
    rows = rows_to_fit(model, images, EPSILON, own=("literal",), num_own=10)
    assert len(rows["literal"].offsets) == 4
    assert list(rows_to_fit(model, images, EPSILON, own=(), num_own=1)) == ["FGM"]


def test_the_mean_is_of_unit_normals_and_as_long_as_the_budget():
    sets = RobustSets(
        normals=torch.tensor([[100.0, 0.0], [0.0, 1.0]]),
        offsets=torch.zeros(2),
        epsilon=2.0,
    )
    assert torch.allclose(mean_normal(sets), torch.full((2,), 2.0**0.5))
    opposite = RobustSets(
        normals=torch.tensor([[1.0], [-1.0]]), offsets=torch.zeros(2), epsilon=2.0
    )
    assert mean_normal(opposite).tolist() == [0.0]


@pytest.mark.parametrize("start", STARTS)
def test_every_start_gives_a_defense_within_the_budget(start, lin):
    sets = RobustSets.from_linearization(lin, 0.2)
    v = fit_from(start, sets, seed=0)
    assert float(v.double().norm()) <= 0.2
    assert torch.equal(fit_from(start, sets, seed=0), v)
    assert sets.coverage(v) >= sets.coverage(torch.zeros(6))


def test_the_ascent_begins_where_it_says(lin):
    sets = RobustSets.from_linearization(lin, EPSILON)
    zero, mean = (fit_from(start, sets, seed=0) for start in STARTS[:2])
    assert torch.equal(zero, ramp_ascent(sets).perturbation)
    expected = ramp_ascent(sets, start=mean_normal(sets)).perturbation
    assert torch.equal(mean, expected)


def test_from_zero_the_ascent_may_be_stuck_where_the_others_are_not():
    """One row that v = 0 violates has no slope there."""
    sets = RobustSets(
        normals=torch.tensor([[1.0, 0.0]]), offsets=torch.tensor([-0.5]), epsilon=1.0
    )
    found = [sets.coverage(fit_from(start, sets, seed=0)) for start in STARTS]
    assert found == [0.0, 1.0, 1.0]
