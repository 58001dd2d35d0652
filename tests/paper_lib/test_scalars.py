"""NumPy's numbers wherever a number of Python's is taken, in every public function.

The annotations name Python's own kinds, which the hook would insist on.
"""

import dataclasses

import numpy as np
import pytest
import torch

from experiments.figures.planar_classifiers import DiscClassifier
from experiments.figures.theorem_1 import play_fictitiously
from experiments.gpu.batched_maximizers import maximize_batch
from experiments.populations.distributions import GaussianRows
from experiments.populations.sample_rates import measure_rates
from experiments.tables.calibration import calibrate_shared_epsilon
from paper_lib.attacks import PGD_READINGS, fgm, pgd
from paper_lib.bounds import (
    compress,
    held_out_bound,
    margin_bound,
    pac_bayes_bound,
    uniform_bound,
)
from paper_lib.bounds.held_out import clopper_pearson
from paper_lib.data import LabeledImages
from paper_lib.defense import (
    RampConfig,
    coverage_path,
    draw_maximizers,
    fit_defense,
    maximize_coverage,
    ramp_ascent,
    upper_bound,
)
from paper_lib.evaluation import calibrate_epsilon, judge, logits_at
from paper_lib.game import (
    attack_candidates,
    attacker_best_response,
    defender_best_response,
    equilibrium,
    expected_utility,
    exploitability,
    point_payoffs,
    search_attack,
    utility,
)
from paper_lib.generalization import (
    log_num_regions,
    num_regions,
    shatter_coefficient,
    vc_bound,
)
from paper_lib.geometry import (
    disc_grid,
    in_l2_ball,
    project_l2_ball,
    sample_l2_ball,
    scale_to_radius,
)
from paper_lib.geometry.ball import project_l2_sphere
from paper_lib.isotropic import isotropic_draws
from paper_lib.linearize import Linearization, linearize
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor, smooth_network

pytestmark = pytest.mark.bad_input

MODEL = smooth_network(3, seed=0)
POINTS = random_tensor(20, 3, seed=1)
LIN = linearize(MODEL, POINTS)
SETS = RobustSets.from_linearization(LIN, 0.5)
DATA = LabeledImages(images=POINTS, labels=LIN.signs)
STILL = torch.zeros(20, 3, dtype=torch.float64)


def coverage(solution):
    return solution.coverage, solution.perturbation


# A call that takes numbers, and the numbers: floats and integers.
CALLS = {
    "fgm": (lambda r: fgm(LIN, r), 0.5),
    "fgm at 0": (lambda r: fgm(LIN, r), 0.0),
    "pgd": (
        lambda r, k, s, b: pgd(MODEL, POINTS, r, k, s, batch_size=b),
        (0.45, 3, 0.25, 7),
    ),
    "reading": (
        lambda r, b: PGD_READINGS["ball"].attack(MODEL, POINTS, r, batch_size=b),
        (0.45, 7),
    ),
    "linearize": (lambda b: linearize(MODEL, POINTS, b), 7),
    "logits_at": (lambda b: logits_at(MODEL, POINTS, batch_size=b), 7),
    "from_linearization": (
        lambda r, a: RobustSets.from_linearization(LIN, r, attack_epsilon=a),
        (0.45, 0.25),
    ),
    "coverage": (
        lambda r: RobustSets.from_linearization(LIN, r).coverage(STILL[0]),
        0.45,
    ),
    "in_l2_ball": (lambda r: in_l2_ball(POINTS, r), 0.5),
    "project_l2_ball": (lambda r: project_l2_ball(POINTS, r), 0.5),
    "project_l2_sphere": (lambda r: project_l2_sphere(POINTS, r), 0.5),
    "scale_to_radius": (lambda r: scale_to_radius(POINTS, r), 0.5),
    "sample_l2_ball": (
        lambda n, d, r, s: sample_l2_ball(n, d, r, seed=s),
        (4, 3, 0.5, 3),
    ),
    "disc_grid": (
        lambda r, k, m: disc_grid(r, num_rings=k, num_angles=m),
        (0.45, 2, 3),
    ),
    "isotropic": (
        lambda n, d, r, s: isotropic_draws(n, d, r, noise="gaussian", seed=s),
        (4, 3, 0.5, 3),
    ),
    "isotropic, uniform": (
        lambda n, d, r, s: isotropic_draws(n, d, r, noise="uniform", seed=s),
        (4, 3, 0.5, 3),
    ),
    "disc": (lambda r: DiscClassifier(r)(POINTS), 0.5),
    "calibrate": (lambda a: calibrate_epsilon(LIN, a), 0.5),
    "calibrate, shared": (lambda a: calibrate_shared_epsilon([LIN.margins], a), 0.5),
    "judge": (
        lambda r: judge(MODEL, DATA, LIN, epsilon=r, attacks={}, defenses={"v": STILL}),
        0.45,
    ),
    "ramp_ascent": (
        lambda r, k, f: coverage(
            ramp_ascent(
                RobustSets.from_linearization(LIN, r),
                config=RampConfig(num_steps=k, first_step=f, last_step=f),
            )
        ),
        (0.45, 20, 0.125),
    ),
    "maximize_coverage": (
        lambda r, s, t, k: coverage(
            maximize_coverage(
                RobustSets.from_linearization(LIN, r),
                seed=s,
                time_limit=t,
                exchanges=k,
            )
        ),
        (0.45, 3, 60.0, 5),
    ),
    "search": (lambda s: coverage(maximize_coverage(SETS, "search", seed=s)), 3),
    "upper_bound": (
        lambda n, s: upper_bound(SETS, max_nodes=n, seed=s).upper_count,
        (50, 3),
    ),
    "fit_defense": (
        lambda h, s, k: coverage(fit_defense(SETS, holdout=h, seed=s, num_folds=k)),
        (0.25, 3, 2),
    ),
    "maximize_batch": (lambda s: coverage(maximize_batch([SETS, SETS], seed=s)[0]), 3),
    "coverage_path": (lambda s: coverage(coverage_path([SETS], seed=s)[0]), 3),
    "equilibrium": (
        lambda r, a, s: equilibrium(LIN, epsilon=r, attack_epsilon=a, seed=s).value,
        (0.45, 0.25, 3),
    ),
    "exploitability": (
        lambda r, a, n, c, s: (
            exploitability(
                LIN,
                STILL,
                STILL[0],
                epsilon=r,
                attack_epsilon=a,
                num_draws=n,
                confidence=c,
                seed=s,
            ).defender_gain
        ),
        (0.45, 0.25, 5, 0.9, 3),
    ),
    "utility": (
        lambda r, a: utility(LIN, STILL, STILL[0], epsilon=r, attack_epsilon=a),
        (0.45, 0.25),
    ),
    "expected_utility": (
        lambda r, a, n, c, s: expected_utility(
            LIN,
            STILL,
            STILL[0],
            epsilon=r,
            attack_epsilon=a,
            num_draws=n,
            confidence=c,
            seed=s,
        ),
        (0.45, 0.25, 5, 0.9, 3),
    ),
    "attack_candidates": (
        lambda r, n, s: attack_candidates(LIN, r, n, seed=s),
        (0.45, 3, 3),
    ),
    "point_payoffs": (
        lambda r: point_payoffs(LIN, STILL[:, None], STILL[:1], epsilon=r),
        0.45,
    ),
    "play_fictitiously": (
        lambda n: play_fictitiously(np.ones((2, 3, 4)), n).last.value,
        7,
    ),
    "attacker_best_response": (
        lambda r, n, s: (
            attacker_best_response(LIN, STILL[0], epsilon=r, num_draws=n, seed=s).value
        ),
        (0.45, 5, 3),
    ),
    "defender_best_response": (
        lambda r, m, n, s: (
            defender_best_response(
                LIN, STILL, epsilon=r, max_nodes=m, num_draws=n, seed=s
            ).value
        ),
        (0.45, 50, 5, 3),
    ),
    "draw_maximizers": (
        lambda n, s: draw_maximizers(SETS, n, seed=s).points,
        (64, 3),
    ),
    "search_attack": (
        lambda r, n, k, s: (
            search_attack(
                LIN, STILL[0], epsilon=r, num_restarts=n, num_steps=k, seed=s
            ).values
        ),
        (0.45, 2, 5, 3),
    ),
    "held_out": (lambda c: held_out_bound(SETS, STILL[0], confidence=c).value, 0.9),
    "vc": (lambda n, m: vc_bound(n, m), (50, 3)),
    "regions": (lambda n, m: (num_regions(n, m), log_num_regions(n, m)), (200, 100)),
    "shatter": (lambda n, m: shatter_coefficient(n, "half_spaces", m=m), (200, 100)),
    "clopper_pearson": (
        lambda k, n, c: clopper_pearson(k, n, confidence=c),
        (3, 5, 0.9),
    ),
    "uniform": (
        lambda d, c: (
            uniform_bound(SETS, STILL[0], mean_deviation=d, confidence=c).value
        ),
        (0.25, 0.9),
    ),
    "pac_bayes": (lambda c: pac_bayes_bound(SETS, STILL[0], confidence=c).value, 0.9),
    "margin": (
        lambda w, c: margin_bound(SETS, STILL[0], ramp_width=w, confidence=c).value,
        (0.45, 0.9),
    ),
    "measure_rates": (
        lambda n, k, s: (
            measure_rates(
                GaussianRows(2),
                [n, 2 * n],
                repetitions=k,
                seed=s,
                with_deviations=False,
            ).best.coverage
        ),
        (10, 2, 3),
    ),
    "compress": (
        lambda k, n, c, s: (
            compress(
                SETS, max_points=k, num_candidates=n, confidence=c, seed=s
            ).perturbation
        ),
        (2, 10, 0.9, 3),
    ),
    "GaussianRows": (
        lambda d, m, b, r, n, s: (
            GaussianRows(d, mean_length=m, mean_offset=b, epsilon=r)
            .draw(n, seed=s)
            .normals
        ),
        (2, 1.0, 0.5, 0.5, 4, 3),
    ),
}


def flat(result):
    """List the numbers of what a call returns."""
    if isinstance(result, Linearization):
        return [result.logits, result.gradients]
    if dataclasses.is_dataclass(result):
        return [getattr(result, f.name) for f in dataclasses.fields(result)]
    if isinstance(result, dict):
        return list(result.values())
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize(
    ("floats", "integers"),  # each argument is of each kind once
    [(np.float32, np.int64), (np.float64, np.int32), (np.float16, np.uint8)],
)
@pytest.mark.parametrize(("call", "numbers"), CALLS.values(), ids=CALLS.keys())
def test_numbers_of_numpy_do_what_those_of_python_do(call, numbers, floats, integers):
    numbers = numbers if isinstance(numbers, tuple) else (numbers,)
    kinds = [integers if isinstance(n, int) else floats for n in numbers]
    theirs = [kind(n) for kind, n in zip(kinds, numbers, strict=True)]
    plain = [number.item() for number in theirs]
    for one, two in zip(flat(call(*plain)), flat(call(*theirs)), strict=True):
        if isinstance(one, torch.Tensor | np.ndarray):
            assert one.dtype == two.dtype
            assert (one == two).all()
        else:
            assert type(one) is type(two)
            assert one == two
