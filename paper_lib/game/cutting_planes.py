r"""Optimal strategies of a large matrix game by cutting planes.

The defender minimizes :math:`\sum_i \max_k (U_i q)_k` over her weights q. At any q the
best attacks give a plane below it; the linear program over the planes known so far
gives the next q. The points are shared out among groups, and each group has planes of
its own: few groups keep the program small, many make it converge soon. Weights of the
planes at the optimum, the dual variables, are the attacker's: a plane is a choice of
attacks, and she mixes the choices.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import OptimizeResult, linprog

_MOST_GROUPS = 128
# The finest that HiGHS offers; its own default would lose the tenth digit.
_TOLERANCE = 1e-10
# Guarantees of a table that fills [-1, 1] come as near as this, or no plane is new.
_GAP = 1e-12


def cutting_planes(
    table: Float[np.ndarray, "n k m"],
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, " m"]]:
    """Find optimal strategies of a table whose entries fill [-1, 1].

    Args:
        table: Utilities of the attacker: points, attacks, defenses.

    Returns:
        Weights of the attacks at each point and of the defenses, up to rounding.

    Raises:
        RuntimeError: If the solver of the linear programs fails.
    """
    planes = _Planes(table)
    num_defenses = table.shape[2]
    asked = weights = np.full(num_defenses, 1.0 / num_defenses)
    mixture, lowest, highest = np.zeros(0), -np.inf, np.inf
    while True:
        worth, is_new = planes.add(asked)
        if worth < highest:
            weights, highest = asked, worth
        if len(mixture) and (not is_new or highest - lowest <= _GAP):
            return planes.attacker(mixture), weights
        found = planes.solve()
        asked = np.maximum(found.x[:num_defenses], 0.0)
        asked /= asked.sum()
        earned = -found.ineqlin.marginals
        if (least := planes.guarantee(earned)) > lowest:
            mixture, lowest = earned, least


class _Planes:
    """The planes of each group, and the choices of attacks that they came from."""

    def __init__(self, table: Float[np.ndarray, "n k m"]) -> None:
        """Share the points out among groups of about one size."""
        self.table = table
        num = len(table)
        self.num_groups = min(num, _MOST_GROUPS)
        self.starts = np.arange(self.num_groups) * num // self.num_groups
        self.ends = np.append(self.starts[1:], num)
        self.groups: list[int] = []
        self.slopes: list[Float[np.ndarray, " m"]] = []
        self.choices: list[Int[np.ndarray, " size"]] = []
        self._seen: set[tuple[int, bytes]] = set()
        # One attack everywhere: where each group is a point these are all there are.
        for attack in range(table.shape[1]):
            self._add_choices(np.full(num, attack))

    def add(self, weights: Float[np.ndarray, " m"]) -> tuple[float, bool]:
        """Answer the defender's weights at each point.

        Args:
            weights: What she plays.

        Returns:
            The attacker's utility, and whether a group's answer was new.
        """
        offered = self.table @ weights
        best = offered.argmax(axis=1)
        is_new = self._add_choices(best)
        return float(offered[np.arange(len(best)), best].mean()), is_new

    def _add_choices(self, best: Int[np.ndarray, " n"]) -> bool:
        """Add the plane of each group for a choice at each point, unless known."""
        chosen, is_new = self.table[np.arange(len(best)), best], False
        for group, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)):
            choice = best[start:end].astype(np.int32)
            if (key := (group, choice.tobytes())) in self._seen:
                continue
            self._seen.add(key)
            self.groups.append(group)
            self.slopes.append(chosen[start:end].sum(axis=0) / len(best))
            self.choices.append(choice)
            is_new = True
        return is_new

    def solve(self) -> OptimizeResult:
        """Minimize the sum of the groups' heights over all planes so far."""
        num_defenses = self.table.shape[2]
        heights = np.zeros((len(self.groups), self.num_groups))
        heights[np.arange(len(self.groups)), self.groups] = -1.0
        # Heights are measured in a group's share of the points.
        slopes = np.array(self.slopes) * self.num_groups
        ones = np.append(np.ones(num_defenses), np.zeros(self.num_groups))
        found = linprog(
            np.append(np.zeros(num_defenses), np.ones(self.num_groups)),
            A_ub=np.column_stack([slopes, heights]),
            b_ub=np.zeros(len(self.groups)),
            A_eq=ones[np.newaxis],
            b_eq=[1.0],
            bounds=[(0.0, None)] * num_defenses + [(None, None)] * self.num_groups,
            method="highs",
            options={
                "primal_feasibility_tolerance": _TOLERANCE,
                "dual_feasibility_tolerance": _TOLERANCE,
            },
        )
        if not found.success:
            raise RuntimeError(f"HiGHS found no equilibrium: {found.message}")
        return found

    def guarantee(self, mixture: Float[np.ndarray, " planes"]) -> float:
        """Compute the attacker's least utility where planes are mixed."""
        return float((self._shares(mixture) @ np.array(self.slopes)).min())

    def attacker(
        self, mixture: Float[np.ndarray, " planes"]
    ) -> Float[np.ndarray, "n k"]:
        """Mix the choices of attacks as the planes are mixed."""
        played = np.zeros(self.table.shape[:2])
        for share, group, choice in zip(
            self._shares(mixture), self.groups, self.choices, strict=False
        ):
            points = np.arange(self.starts[group], self.ends[group])
            played[points, choice] += share
        return played

    def _shares(self, mixture: Float[np.ndarray, " planes"]) -> Float[np.ndarray, " _"]:
        """Scale the weights of each group's planes to sum to one."""
        weights = np.zeros(len(self.groups))
        weights[: len(mixture)] = np.maximum(mixture, 0.0)
        totals = np.bincount(self.groups, weights, minlength=self.num_groups)
        return weights / totals[self.groups]
