"""The perturbation to deploy: chosen and counted on points it was not fitted on."""

import pytest
import torch

from paper_lib.defense import fit, fit_defense
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.defense.defense_cases import clustered, replace_budget

SAMPLE = RobustSets.from_linearization(clustered(160, 0), 1.0)
FRESH = RobustSets.from_linearization(clustered(600, 7), 1.0)


@pytest.fixture(scope="module", autouse=True)
def few_widths():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "_WIDTHS", (0.1, 0.02, 0.003))
        yield


@pytest.fixture(scope="module")
def fitted():
    return fit_defense(SAMPLE, holdout=FRESH, num_folds=2)


def test_the_points_set_aside_are_counted_and_never_fitted(fitted):
    one = fitted
    other = RobustSets(
        normals=-FRESH.normals, offsets=FRESH.offsets - 1.0, epsilon=FRESH.epsilon
    )
    two = fit_defense(SAMPLE, holdout=other, num_folds=2)
    assert torch.equal(one.perturbation, two.perturbation)
    assert one.holdout_coverage == FRESH.coverage(one.perturbation)
    assert two.holdout_coverage == other.coverage(one.perturbation)
    assert (one.num_holdout, one.method) == (600, "fit")
    assert one.coverage == SAMPLE.coverage(one.perturbation)
    assert one.certificate.verify(SAMPLE)


def test_a_share_is_set_aside_before_anything_is_fitted():
    """Rows set aside are spoiled afterwards; the perturbation stays."""
    one = fit_defense(SAMPLE, holdout=0.25, seed=3, num_folds=2)
    assert one.num_holdout == 40
    order = torch.randperm(160, generator=torch.Generator().manual_seed(3 + 2**31))
    normals = SAMPLE.normals.clone()
    normals[order[:40]] *= -1.0
    spoiled = RobustSets(
        normals=normals, offsets=SAMPLE.offsets, epsilon=SAMPLE.epsilon
    )
    two = fit_defense(spoiled, holdout=0.25, seed=3, num_folds=2)
    assert torch.equal(one.perturbation, two.perturbation)
    assert one.holdout_coverage != two.holdout_coverage


def test_the_choice_is_the_best_of_what_was_validated(fitted):
    found = fitted
    assert found.validation[found.choice] == max(found.validation.values())
    assert "polished" in found.validation
    assert all(0.0 <= share <= 1.0 for share in found.validation.values())
    other = fit_defense(SAMPLE, holdout=FRESH, num_folds=2, seed=1)
    assert other.validation != found.validation


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: fit_defense(SAMPLE, holdout=0.0), "^holdout must be robust sets, or"),
        (lambda: fit_defense(SAMPLE, holdout=1.5), "^holdout must be robust sets, or"),
        (
            lambda: fit_defense(SAMPLE, holdout=replace_budget(FRESH, 2.0)),
            "^holdout must have dimension 8 and budget 1.0, got 8 and 2.0",
        ),
        (
            lambda: fit_defense(SAMPLE, num_folds=1),
            r"^num_folds must be from 2 to \d+, got 1\.",
        ),
        (
            lambda: fit_defense(SAMPLE, num_folds=10**6),
            r"^num_folds must be from 2 to \d+, got 1000000",
        ),
    ],
)
def test_bad_calls(call, match):
    with pytest.raises(ValueError, match=match):
        call()
