"""Bounds are never beaten: exactly on lines and planes, by search on all layers."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from torch import nn

from paper_lib.local_linearity import (
    agreement,
    ball_bounds,
    dense_blocks,
    linearization_error,
    max_units,
)
from tests.paper_lib.local_linearity.bound_cases import (
    false_by_search,
    false_on_discs,
    false_on_lines,
    false_on_one_bend,
    false_on_planes,
)
from tests.paper_lib.local_linearity.networks import F64, seeded

SCALES = pytest.mark.parametrize("scale", [1.0, 1e8, 1e-8])


@SCALES
def test_bounds_hold_exactly_in_rationals_on_a_line(scale):
    seeds = range(2 if scale == 1.0 else 1)
    wrong, proven, ratios = false_on_lines(scale, seeds)
    assert wrong == []
    assert proven >= len(ratios) // 2
    assert sorted(ratios)[len(ratios) // 2] < 1.2, "and are near"


def test_bounds_hold_on_discs_where_all_corners_are_listed():
    wrong, ratios = false_on_discs()
    assert wrong == []
    lower, upper = zip(*ratios, strict=True)
    assert sum(lower) / len(ratios) > 0.9, "and are near"
    assert sum(upper) / len(ratios) < 2.0


@SCALES
def test_a_single_bend_is_bounded_without_loss_but_rounding(scale):
    wrong, ratios = false_on_one_bend(scale)
    assert wrong == []
    assert max(ratios) < 1 + 1e-6


@SCALES
def test_a_sign_is_proven_only_where_it_is_kept_in_rationals(scale):
    wrong, proven = false_on_planes(scale=scale)
    assert wrong == []
    assert proven > 5, "of those that are kept by more than 2^-30"


def test_units_share_the_radius_of_the_ball():
    """Where gradients of pooled pixels are orthogonal the bound is exact."""
    weight, error = pooled_pixels()
    exact = sum(Fraction(w) ** 2 for w in weight)
    assert (
        exact <= Fraction(error.upper.item()) ** 2 <= exact * (1 + Fraction(1, 10**6))
    )
    assert error.upper.item() < sum(weight) / 2, (
        "far less than what the units add up to"
    )
    assert error.lower.item() > 0.8 * error.upper.item()


def unshared(patch):
    """The units get less of the radius than they can."""
    honest = max_units._spectral_norm
    patch.setattr(max_units, "_spectral_norm", lambda rows: 0.99 * honest(rows))


def test_units_that_get_too_little_of_the_radius_are_caught(monkeypatch):
    """Negative control."""
    unshared(monkeypatch)
    weight, error = pooled_pixels()
    assert Fraction(error.upper.item()) ** 2 < sum(Fraction(w) ** 2 for w in weight)


def pooled_pixels():
    """Add up the largest pixels of windows, at zero, where all tie, with radius 1.

    The largest error is the length of the weights, reached by one pixel a window.

    Returns:
        The weights and both sides of the error.
    """
    last = seeded(lambda: nn.Linear(16, 1), 0)
    last.weight.data.abs_().add_(0.1)
    model = nn.Sequential(
        nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), last, nn.Flatten(0)
    ).to(F64)
    error = linearization_error(model, torch.zeros(1, 1, 8, 8, dtype=F64), 1.0)
    return last.weight[0].tolist(), error


def test_search_beats_no_bound_on_any_kind_of_layer():
    names = ["max", "strange max", "dilated max", "average", "same"]
    wrong, pairs, proven, _ = false_by_search(
        [*names, (5, 10, 6)], radii=(0.05, 0.3, 1.0), seeds=range(1)
    )
    assert wrong == []
    assert pairs >= 200
    assert proven > pairs // 2


def too_steep(patch):
    """Chords with another slope than the one their constant is for."""
    honest = max_units.bound_units

    def bound_units(*operands):
        units = honest(*operands)
        return replace(units, slopes=0.9 * units.slopes)

    patch.setattr(max_units, "bound_units", bound_units)


def too_tight(patch):
    """Bounds between layers that are one percent too near."""
    honest = ball_bounds._lead
    patch.setattr(ball_bounds, "_lead", lambda *o: 0.99 * honest(*o))


def unrounded(patch):
    """Nothing is added for rounding."""
    for name, value in (("ROUNDING", 0.0), ("TINY", 0.0), ("WIDE", 1.0)):
        for module in (agreement, ball_bounds, dense_blocks, max_units):
            if hasattr(module, name):
                patch.setattr(module, name, value)


def unlifted(patch):
    """The constant of a chord is left out."""
    honest = max_units.bound_units

    def bound_units(*operands):
        units = honest(*operands)
        return replace(units, rise=0.99 * units.rise)

    patch.setattr(max_units, "bound_units", bound_units)


@pytest.mark.parametrize("break_it", [too_steep, too_tight, unrounded, unlifted])
def test_bounds_that_are_too_tight_are_caught(break_it, monkeypatch):
    """Negative control."""
    break_it(monkeypatch)
    assert false_on_one_bend()[0]


def test_a_sign_that_is_proven_without_care_for_rounding_is_caught(monkeypatch):
    """Negative control."""
    unrounded(monkeypatch)
    assert false_on_planes()[0]


@pytest.mark.parametrize("break_it", [too_steep, too_tight])
def test_search_alone_catches_bounds_that_are_too_tight(break_it, monkeypatch):
    """Negative control for the search: it comes within some percent of a bound."""
    break_it(monkeypatch)
    assert false_by_search([(1, 1), (2, 1)], radii=(1.0,), seeds=range(3))[0]
