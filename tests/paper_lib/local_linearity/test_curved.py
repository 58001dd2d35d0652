"""The theorem for curved boundaries, on networks whose game is known exactly."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from paper_lib.attacks import fgm
from paper_lib.defense import maximize_coverage
from paper_lib.geometry import disc_grid
from paper_lib.linearize import Linearization, linearize
from paper_lib.local_linearity import curved_game
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor
from tests.paper_lib.local_linearity.networks import F64, balanced_dense
from tests.paper_lib.local_linearity.regions import (
    cells,
    distance_to_flip,
    largest_gap,
)

INF = math.inf

# Some tiny networks are constant around all points.
pytestmark = pytest.mark.filterwarnings("ignore:model may give no logit")


class PlanarGame:
    """The game of a tiny network scored with f itself, by listing its regions."""

    def __init__(self, seed, budgets=(0.5, 0.5), count=8):
        """Choose points; compute tangents and the exact errors."""
        self.reach, self.epsilon = budgets
        self.model = balanced_dense(2, 4, 3, seed=seed)
        self.points = random_tensor(count, 2, seed=seed + 1000)
        self.lin = linearize(self.model, self.points)
        self.pieces = cells(self.model, 12.0)
        self.sets = RobustSets.from_linearization(
            self.lin, self.epsilon, attack_epsilon=self.reach
        )
        self.attack = fgm(self.lin, self.reach)
        self.error = torch.tensor(
            [
                largest_gap(self.pieces, x, (g, f - g @ x), sum(budgets))
                for x, f, g in self.rows()
            ]
        )

    def rows(self):
        """Each point with its logit and gradient, as arrays."""
        columns = self.points, self.lin.logits, self.lin.gradients
        return zip(*(column.numpy() for column in columns), strict=True)

    def safe(self, v):
        """The share of points that no attack flips at v, the network's own."""
        far = [
            distance_to_flip(self.pieces, x + v.numpy(), np.sign(f)) >= self.reach
            for x, f, _ in self.rows()
        ]
        return np.mean(far & (self.lin.logits != 0).numpy())

    def kept(self, v):
        """The share of points that FGM does not flip at v."""
        moved = self.model(self.points + self.attack + v).detach()
        kept = (self.lin.signs * moved >= 0) & (self.lin.logits != 0)
        return float(kept.double().mean())

    def true_gains(self, v):
        """What the attacker gains at v, and the defender against FGM, on a grid."""
        grid = disc_grid(self.epsilon, num_rings=6, num_angles=30)
        best = max(self.kept(u) for u in grid)
        return 2 * (self.kept(v) - self.safe(v)), 2 * (best - self.kept(v))


def holds(planar, v, game):
    """Whether the true gains and values lie within the bounds."""
    attacker, defender = planar.true_gains(v)
    low, high = game.value
    return (
        attacker <= game.attacker_gain + 1e-12
        and defender <= game.defender_gain + 1e-12
        and low - 1e-12 <= 1 - 2 * planar.kept(v)
        and 1 - 2 * planar.safe(v) <= high + 1e-12
    )


@pytest.mark.parametrize("count", [4, pytest.param(500, marks=pytest.mark.slow)])
def test_the_gains_of_tiny_networks_never_exceed_their_bounds(count):
    gains = []
    for seed in range(count):
        budgets = (0.3, 0.6) if seed % 3 == 0 else (0.4, 0.4)
        planar = PlanarGame(seed, budgets)
        v = maximize_coverage(planar.sets).perturbation
        for defense in (v, disc_grid(planar.epsilon)[300 + seed % 400]):
            game = curved_game(planar.sets, defense, planar.error)
            assert holds(planar, defense, game)
            assert game.certificate.verify(game.raised)
            gains.append((game.attacker_gain, game.defender_gain, game.value))
    attacker, defender, _ = zip(*gains, strict=True)
    assert 0 < np.mean(attacker) < 1.5
    assert 0 < np.mean(defender) < 1.5


def test_smaller_errors_would_be_exceeded():
    """Negative control: with errors taken for zero some network breaks the bounds."""

    def breaks(seed):
        planar = PlanarGame(seed, (0.6, 0.6))
        v = maximize_coverage(planar.sets).perturbation
        return not holds(planar, v, curved_game(planar.sets, v, 0 * planar.error))

    assert any(map(breaks, range(40)))


def family(bent, doubtful, count=100):
    """Points on a line, so far apart that their games do not meet; epsilon = 1.2."""
    # ``bent`` of them are saved from FGM, but not from an attack the other way; FGM
    # flips ``doubtful`` at v = 0 and not at v = 0.3, while a bend allows an error of
    # 0.1; all others are safe.
    knots, values, lin = [], [], []
    for number in range(count):
        x = 10.0 * number
        if number < bent:  # 1.5 + o, down to -0.5 beyond o = 1
            knots += [x - 3, x + 1, x + 1.1, x + 3]
            values += [-1.5, 2.5, -0.5, -0.5]
            lin.append((1.5, 1.0, 4.4 + 1e-9))
        elif number < bent + doubtful:  # 1 + o, bent down by 0.1 at the far end
            knots += [x - 3, x + 1.4, x + 1.5, x + 3]
            values += [-2.0, 2.4, 2.4, 3.9]
            lin.append((1.0, 1.0, 0.1 + 1e-9))
        else:
            knots += [x - 3, x + 3]
            values += [2.0, 8.0]
            lin.append((5.0, 1.0, 0.0))
    logits, slopes, error = torch.tensor(lin, dtype=F64).T
    return (
        knots,
        values,
        Linearization(logits=logits, gradients=slopes.unsqueeze(1)),
        error,
    )


def line_gains(knots, values, lin, v, epsilon=1.2):
    """What each player gains in the true game on the line, by trying everything."""
    points = 10.0 * np.arange(len(lin.logits))
    attacks = np.sort(np.append(np.linspace(-epsilon, epsilon, 481), [1.0, 1.1]))
    signs, attack = lin.signs.numpy(), fgm(lin, epsilon)[:, 0].numpy()

    def f(where):
        return np.interp(where, knots, values)

    def kept(u):
        return (signs * f(points + attack + u) >= 0).mean()

    safe = (signs * f(points + v + attacks[:, None]) >= 0).all(0).mean()
    best = max(kept(u) for u in np.linspace(-epsilon, epsilon, 481))
    return 2 * (kept(v) - safe), 2 * (best - kept(v))


@pytest.mark.parametrize(("bent", "doubtful"), [(2, 40), (4, 60), (0, 30)])
def test_the_bounds_are_within_a_tenth_on_a_family(bent, doubtful):
    knots, values, lin, error = family(bent, doubtful)
    sets = RobustSets.from_linearization(lin, 1.2)
    v = torch.zeros(1, dtype=F64)
    game = curved_game(sets, v, error)
    attacker, defender = line_gains(knots, values, lin, 0.0)
    assert attacker == pytest.approx(2 * bent / 100)
    assert defender == pytest.approx(2 * doubtful / 100)
    assert attacker <= game.attacker_gain + 1e-12 <= 1.1 * attacker + 1e-9
    assert defender <= game.defender_gain + 1e-12 <= 1.1 * defender + 1e-9


def random_sets(seed, count=12):
    lin = Linearization(
        logits=random_tensor(count, seed=seed),
        gradients=random_tensor(count, 2, seed=seed),
    )
    return lin, RobustSets.from_linearization(lin, 0.7)


@pytest.mark.parametrize("seed", range(2))
def test_without_error_it_is_theorem_1(seed):
    _, sets = random_sets(seed)
    solution = maximize_coverage(sets)
    v = solution.perturbation
    game = curved_game(sets, v, torch.zeros(12, dtype=F64))
    assert game.attacker_gain == game.defender_gain == 0.0
    assert game.value == pytest.approx((1 - 2 * solution.coverage,) * 2)
    still = torch.zeros(2, dtype=F64)
    game = curved_game(sets, still, torch.zeros(12, dtype=F64))
    gain = 2 * (solution.coverage - sets.coverage(still))
    assert game.defender_gain == pytest.approx(gain, abs=1e-12)
    assert game.attacker_gain == 0.0


def test_offsets_are_raised_by_the_whole_error():
    """Rows that no v satisfies together until both are raised by their error of 1."""
    sets = RobustSets(
        normals=torch.tensor([[1.0], [-1.0]]).double(),
        offsets=torch.tensor([-0.9, -0.9]).double(),
        epsilon=1.0,
    )
    v, error = torch.tensor([0.9], dtype=F64), torch.ones(2, dtype=F64)
    game = curved_game(sets, v, error)
    torch.testing.assert_close(game.raised.offsets, sets.offsets + 1.0)
    assert game.value == (-1.0, 1.0)
    assert game.defender_gain == 2.0
    half = curved_game(sets, v, 0.5 * error)
    assert half.value == (0.0, 1.0), "with half of the error they exclude each other"


def test_with_infinite_error_nothing_is_known():
    _, sets = random_sets(0)
    game = curved_game(sets, torch.zeros(2, dtype=F64), torch.full((12,), INF))
    assert (game.attacker_gain, game.defender_gain) == (2.0, 2.0)
    assert game.value == (-1.0, 1.0)


def test_a_point_without_a_label_is_lost_whatever_the_error():
    lin = Linearization(
        logits=torch.tensor([0.0, 2.0]), gradients=torch.tensor([[1.0], [1.0]])
    )
    sets = RobustSets.from_linearization(lin, 0.5)
    for unlabeled in (0.0, 1.0, INF):
        game = curved_game(sets, torch.zeros(1), torch.tensor([unlabeled, 0.1]))
        assert (game.attacker_gain, game.defender_gain) == (0.0, 0.0)
        assert game.value == (0.0, 0.0)


@pytest.mark.parametrize(
    ("error", "attacker", "value"),
    [(0.0, 0.0, (-1.0, -1.0)), (2.0, 0.0, (-1.0, -1.0)), (2.1, 2.0, (-1.0, 1.0))],
)
def test_a_flat_point_is_safe_up_to_its_logit(error, attacker, value):
    lin = Linearization(logits=torch.tensor([-2.0]), gradients=torch.zeros(1, 3))
    sets = RobustSets.from_linearization(lin, 0.5)
    game = curved_game(sets, torch.zeros(3), torch.tensor([error]))
    assert game.attacker_gain == attacker
    assert game.value == value


def test_a_mixture_is_the_mean_of_its_draws():
    _, sets = random_sets(3)
    error = random_tensor(12, seed=9).abs() * 0.2
    draws = disc_grid(0.7)[::120]
    together = curved_game(sets, draws, error)
    apart = [curved_game(sets, v, error) for v in draws]
    for name in ("attacker_gain", "defender_gain"):
        mean = np.mean([getattr(game, name) for game in apart])
        assert getattr(together, name) == pytest.approx(mean)
    assert len({game.attacker_gain for game in apart}) > 1
    assert together.value[1] == pytest.approx(np.mean([g.value[1] for g in apart]))
    assert together.value[0] == apart[0].value[0]


def test_larger_errors_prove_less():
    _, sets = random_sets(1)
    v, error = disc_grid(0.7)[333], random_tensor(12, seed=4).abs()
    games = [curved_game(sets, v, scale * error) for scale in (0.0, 0.1, 0.3, 1.0, 3.0)]
    for before, after in pairwise(games):
        assert before.attacker_gain <= after.attacker_gain
        assert before.defender_gain <= after.defender_gain + 1e-12
        assert after.value[0] <= before.value[0] + 1e-12
        assert before.value[1] <= after.value[1] + 1e-12


def test_both_precisions_and_the_edge_of_the_ball_are_taken():
    _, sets = random_sets(2)
    single = RobustSets(
        normals=sets.normals.float(), offsets=sets.offsets.float(), epsilon=0.7
    )
    v = torch.tensor([0.7 * (1 + 5e-7), 0.0], dtype=torch.float32)
    game = curved_game(single, v, torch.full((12,), 1e-3))
    inside = curved_game(single, v * (1 - 1e-6), torch.full((12,), 1e-3))
    assert game.attacker_gain == inside.attacker_gain
    assert game.value[1] == inside.value[1]


def test_more_nodes_prove_more():
    lin = Linearization(
        logits=random_tensor(1200, seed=1), gradients=random_tensor(1200, 6, seed=2)
    )
    sets = RobustSets.from_linearization(lin, 0.4)
    v, error = torch.zeros(6, dtype=F64), torch.full((1200,), 0.01, dtype=F64)
    rough, fine = (curved_game(sets, v, error, max_nodes=m) for m in (None, 3))
    assert rough.value[0] == -1.0
    assert fine.value[0] > -1.0
    assert fine.certificate.verify(fine.raised)
    assert fine.defender_gain < rough.defender_gain
