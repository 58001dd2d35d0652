r"""The coverage of a defense on the network itself, from both sides.

:math:`\phi_f(v)` is the share of points whose label no attack on f can flip at v:
:math:`\operatorname{sgn}(f(x)) f(x + v + a) \ge 0` for every a within the attacker's
budget. The paper's :math:`\phi_n` is the same share for the tangents.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.checks import check_radius, check_seed
from paper_lib.checks.operands import check_constant
from paper_lib.geometry import l2_norm
from paper_lib.geometry.ball import check_in_l2_ball
from paper_lib.local_linearity.agreement import sign_is_kept
from paper_lib.local_linearity.descents import BallSearch
from paper_lib.local_linearity.layers import piecewise_linear_layers, rounding_bound
from paper_lib.models.guard import frozen_evaluation

# Points proven at a time; after so many failures in a row no more are tried.
_TRIES = 16
# Random starts of the attack, after the one from the point itself.
_DRAWS = 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NetworkCoverage:
    """Between what the share of points lies that no attack on f flips.

    Attributes:
        safe: Points that are proven to keep their label.
        flipped: Points that were flipped; those with f(x) = 0 count as lost.
        attacks: What flips them, within the attacker's budget; zero elsewhere.
    """

    safe: Bool[Tensor, " n"]
    flipped: Bool[Tensor, " n"]
    attacks: Float[Tensor, "n d"]

    @property
    def lower(self) -> float:
        """The share proven safe."""
        return int(self.safe.sum()) / len(self.safe)

    @property
    def upper(self) -> float:
        """The share not flipped."""
        return int((~self.flipped).sum()) / len(self.flipped)


def network_coverage(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    v: Float[Tensor, " d"],
    epsilon: float,
    seed: int = 0,
    *,
    attack_epsilon: float | None = None,
) -> NetworkCoverage:
    r"""Enclose :math:`\phi_f(v)`, the share that no attack on f itself can flip at v.

    From above by attacks: the gradient followed from x + v and from random starts, then
    the segments that lead there, exactly. From below by proofs that f keeps its sign in
    the attacker's ball around x + v. These take 0.3 to 0.7 seconds a point on a
    processor for 10-20-50 channels. They are tried by falling distance to the boundary
    of the tangent, and given up after 16 in a row that fail.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``. An
            ``nn.Sequential`` of convolutions, fully connected layers, ReLU, LeakyReLU,
            batch normalization, maximum and average pooling, ``nn.Flatten``, dropout
            and identity, or
            :class:`~paper_lib.models.PairCNN`; left as it was.
        inputs: One input a row, in the model's dtype.
        v: The defense, one perturbation for all points.
        epsilon: Budget of both players, in the units of the inputs.
        seed: Seed of the starts.
        attack_epsilon: The attacker's budget where it differs.

    Returns:
        Both sides, and their witnesses. Every verdict is sure, whatever is rounded;
        the label is that of f(x) as computed in float64.

    Raises:
        TypeError: If an argument is of another type.
        ValueError: If a budget is negative, NaN or infinite, v does not fit the inputs
            or lies outside V, or the model or the inputs are not as they must be.

    Example:
        >>> model = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1))
        >>> for weight, value in zip(model.parameters(), (1.0, 0.0, 1.0, -1.0)):
        ...     _ = weight.data.fill_(value)
        >>> model.append(nn.Flatten(0)) is model  # f = max(x, 0) - 1
        True
        >>> points = torch.tensor([[-3.0], [0.5], [2.0]])
        >>> found = network_coverage(model, points, torch.tensor([0.5]), epsilon=0.9)
        >>> found.safe.tolist(), found.flipped.tolist()
        ([True, False, True], [False, True, False])
    """
    reach = epsilon = check_radius(epsilon, "epsilon")
    if attack_epsilon is not None:
        reach = check_radius(attack_epsilon, "attack_epsilon")
    generator = torch.Generator().manual_seed(check_seed(seed))
    layers = piecewise_linear_layers(model, inputs)
    check_constant("v", v, inputs.flatten(1))
    check_in_l2_ball("v", v, epsilon)
    with frozen_evaluation(model):
        v, inputs = v.detach().view(inputs[0].shape), inputs.detach()
        search = _Attacks(model, layers, inputs, reach, v=v)
        search.run(generator)
        safe, flipped = search.proven(), search.length.isfinite()
    return NetworkCoverage(safe=safe, flipped=flipped, attacks=search.best)


@dataclass(eq=False)
class _Attacks(BallSearch):
    """The points moved by v, and what flips them."""

    v: Float[Tensor, "..."]

    def __post_init__(self) -> None:
        """Compute labels and centers, in float64."""
        points, shift = (one.double() for one in (self.points, self.v))
        self.points = self.points + self.v
        super().__post_init__()
        self.centers = points + shift
        self.size = points.abs() + shift.abs()
        # As long as they are negative the label is lost; nearer to zero it is unsure.
        self.unsure = 2.0 * rounding_bound(self.layers, self.size + self.radius)
        logits = self.layers(points)
        self.signs = logits.sign()
        self.length[logits == 0] = 0.0  # without a label there is none to keep

    def judge(self, offsets: Float[Tensor, "m d"], rows: Tensor) -> Bool[Tensor, " m"]:
        """Decide which attacks flip a label for sure."""
        return self.values(offsets, rows) < -self.unsure[rows]

    def run(self, generator: torch.Generator) -> None:
        """Attack every point, until it is flipped."""
        none = torch.zeros_like(self.best)
        self.offer(none, self.everyone)
        for start in (none, *(self.draw(generator) for _ in range(_DRAWS))):
            rows = self.length.isinf().nonzero()[:, 0]
            start = start[rows]
            for ends in (self.climb(start, rows, -1.0), 2.0 * start, -2.0 * start):
                self.follow(ends, rows)

    def proven(self) -> Bool[Tensor, " n"]:
        """Prove of the others that f keeps its label in the whole ball."""
        zero = torch.zeros_like(self.best)
        sure = (self.values(zero, self.everyone) > self.unsure) & self.length.isinf()
        value, slope = self.slopes_at(zero, self.everyone)
        nearest_last = (value / l2_norm(slope)).argsort(descending=True)
        # The centers are rounded, so that the balls have to be larger.
        rounded = 2.0**-52 * float(l2_norm(self.size.flatten(1)).max())
        radius, is_safe = self.radius * (1.0 + 1e-12) + rounded, torch.zeros_like(sure)
        rows = nearest_last[sure[nearest_last]]
        for part in rows.split(_TRIES) if len(rows) else ():
            is_safe[part] = sign_is_kept(self.layers, self.centers[part], radius)
            if not bool(is_safe[part].any()):
                break
        return is_safe
