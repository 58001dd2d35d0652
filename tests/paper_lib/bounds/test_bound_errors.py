"""Bad input to the bounds: what was expected, and what came."""

import pytest
import torch

from experiments.section5.validity_runs import trace_bound
from paper_lib.bounds import (
    bounds_at,
    compress,
    compression_bound,
    fit_certified,
    held_out_bound,
    margin_bound,
    optimum_bound,
    pac_bayes_bound,
    spread_confidence,
    uniform_bound,
)
from paper_lib.bounds.compression import compress_solution, rebuild
from paper_lib.bounds.distances import signed_distances
from paper_lib.bounds.held_out import clopper_pearson
from paper_lib.bounds.kl import kl_upper
from paper_lib.bounds.pac_bayes import gaussian_coverage
from paper_lib.defense import Certificate
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.bounds.bound_cases import fitted, sample


def few():
    return rebuild(sample(), (1,), "sum of normals")


def at_fitted(bound, **settings):
    return lambda confidence: bound(
        sample(), fitted(sample()), confidence=confidence, **settings
    )


CERTIFICATE = Certificate(
    num_rows=2,
    lower_count=1,
    upper_count=1,
    perturbation=torch.zeros(2),
    evidence=None,
    fingerprint="",
)
STATED = {
    "clopper_pearson": lambda c: clopper_pearson(1, 2, confidence=c),
    "held_out_bound": at_fitted(held_out_bound),
    "uniform_bound": at_fitted(uniform_bound, mean_deviation=0.1),
    "trace_bound": at_fitted(trace_bound, num_traces=3),
    "margin_bound": at_fitted(margin_bound),
    "pac_bayes_bound": at_fitted(pac_bayes_bound),
    "fit_certified": at_fitted(fit_certified),
    "compress": lambda c: compress(sample(), confidence=c),
    "compression_bound": lambda c: compression_bound(sample(), few(), confidence=c),
    "optimum_bound": lambda c: optimum_bound(CERTIFICATE, confidence=c),
    "spread_confidence": lambda c: spread_confidence(c, 2),
    "bounds_at": at_fitted(bounds_at),
}


@pytest.mark.bad_input
@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.1, float("nan"), 2])
@pytest.mark.parametrize("call", STATED.values(), ids=STATED)
def test_a_confidence_outside_its_range(call, confidence):
    match = r"^confidence must be strictly between 0 and 1, got"
    with pytest.raises(ValueError, match=match):
        call(confidence)


def many():
    return fitted(sample()).expand(2, 5)


TAKING_ONE = {
    "margin_bound": lambda v: margin_bound(sample(), v),
    "pac_bayes_bound": lambda v: pac_bayes_bound(sample(), v),
    "held_out_bound": lambda v: held_out_bound(sample(), v),
    "fit_certified": lambda v: fit_certified(sample(), v),
    "uniform_bound": lambda v: uniform_bound(sample(), v, mean_deviation=0.1),
    "compress_solution": lambda v: compress_solution(sample(), v),
    "signed_distances": lambda v: signed_distances(sample(), v),
}


@pytest.mark.bad_input
@pytest.mark.parametrize(("name", "call"), TAKING_ONE.items(), ids=TAKING_ONE)
def test_many_perturbations_where_one_is_wanted(name, call):
    argument = "start" if name == "fit_certified" else "v"
    match = rf"^{argument} must be one perturbation, \(5,\), got"
    with pytest.raises(ValueError, match=match):
        call(many())


IN_THE_BALL = ["margin_bound", "pac_bayes_bound", "fit_certified", "held_out_bound"]


@pytest.mark.bad_input
@pytest.mark.parametrize("name", IN_THE_BALL)
def test_perturbations_the_defender_may_not_play(name):
    with pytest.raises(ValueError, match=r"must lie in the ball of radius 1\.0"):
        TAKING_ONE[name](fitted(sample()) * 3)


@pytest.mark.bad_input
@pytest.mark.parametrize("name", IN_THE_BALL)
def test_perturbations_of_another_dimension(name):
    with pytest.raises(ValueError, match=r"must have shape \(5,\)"):
        TAKING_ONE[name](torch.zeros(4, dtype=torch.float64))


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("bound", "center", "match"),
    [
        (pac_bayes_bound, lambda: many()[:1], "must be one perturbation"),
        (margin_bound, lambda: many()[0] * 3, "must lie in the ball"),
        (
            pac_bayes_bound,
            lambda: torch.zeros(4, dtype=torch.float64),
            "must have shape",
        ),
    ],
    ids=["many", "far", "short"],
)
def test_centers_that_do_not_fit(bound, center, match):
    sets = sample()
    with pytest.raises(ValueError, match=f"^center {match}"):
        bound(sets, fitted(sets), center=center())


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: kl_upper(1.5, 0.1), r"^q must be in \[0, 1\], got 1\.5\."),
        (lambda: kl_upper(float("nan"), 0.1), r"^q must be in \[0, 1\], got nan\."),
        (lambda: kl_upper(0.5, -1.0), r"^nats must be at least 0, got -1\.0\."),
        (lambda: clopper_pearson(0, 0, confidence=0.9), r"^trials must be at least 1"),
        (lambda: clopper_pearson(3, 2, confidence=0.9), r"^successes must be from 0"),
        (
            lambda: clopper_pearson(1, 2, confidence=0.9, side="left"),
            r'^side must be "lower" or "upper", got \'left\'\.',
        ),
        (
            lambda: uniform_bound(
                sample(), fitted(sample()), mean_deviation=float("nan")
            ),
            r"^mean_deviation must be at least 0, got nan\.",
        ),
        (
            lambda: trace_bound(sample(), fitted(sample()), num_traces=0),
            r"^num_traces must be at least 1",
        ),
        (
            lambda: gaussian_coverage(sample(), fitted(sample()), noise=0.0),
            r"^noise must be finite and > 0, got 0\.0\.",
        ),
        (
            lambda: gaussian_coverage(
                sample(), fitted(sample()), noise=1.0, margin=-1.0
            ),
            r"^margin must be finite and >= 0, got -1\.0\.",
        ),
        (lambda: spread_confidence(0.9, 0), r"^num must be at least 1, got 0\."),
        (
            lambda: spread_confidence(1 - 1e-14, 1000),
            r"^confidence must leave 1000 bounds a chance to fail",
        ),
        (
            lambda: fit_certified(sample(), fitted(sample()), num_steps=-1),
            r"^num_steps must be at least 0, got -1\.",
        ),
        (
            lambda: RobustSets(
                normals=torch.zeros(0, 2), offsets=torch.zeros(0), epsilon=1.0
            ),
            r"^normals must be \(n, d\) .* with n and d at least 1",
        ),
        (lambda: compress(sample(), max_points=0), r"^max_points must be at least 1"),
        (lambda: compress(sample(n=1)), r"^sets must have at least 2 points"),
        (
            lambda: rebuild(sample(), (), "least norm"),
            r"^points must be at least one of 0",
        ),
        (
            lambda: rebuild(sample(), (400,), "least norm"),
            r"^points must be .* 0 to 399",
        ),
        (lambda: rebuild(sample(), (0,), "other"), r"^rule must be one of"),
    ],
)
def test_a_number_outside_its_range(call, match):
    with pytest.raises(ValueError, match=match):
        call()


@pytest.mark.bad_input
@pytest.mark.parametrize("confidence", [True, "0.9"])
@pytest.mark.parametrize("call", STATED.values(), ids=STATED)
def test_a_confidence_that_is_no_number(call, confidence):
    with pytest.raises(TypeError, match=r"^confidence must be a number"):
        call(confidence)
