"""Fictitious play: both players of a finite game answer what was played so far."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from paper_lib.checks import check_count
from paper_lib.game.matrix_games import MatrixEquilibrium, check_table, judge_strategies


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FictitiousPlay:
    """Both players answering what the other has played so far, on average.

    Attributes:
        last: The averages at the end, with what they guarantee.
        attacker_guarantees: The attacker's guarantee after each round.
        defender_guarantees: The defender's.
    """

    last: MatrixEquilibrium
    attacker_guarantees: Float[np.ndarray, " rounds"]
    defender_guarantees: Float[np.ndarray, " rounds"]

    @property
    def exploitability(self) -> Float[np.ndarray, " rounds"]:
        """Both gains together after each round; the value lies between guarantees."""
        return self.defender_guarantees - self.attacker_guarantees


def play_fictitiously(
    table: Float[np.ndarray, "n k m"], num_rounds: int
) -> FictitiousPlay:
    """Let both players answer the other's average so far. Brown 1951, Robinson 1951.

    Both begin with their last play. Where several answers are best, the last is taken,
    so that FGM, which :func:`attack_candidates` puts first, gets no head start.

    Args:
        table: Utilities of the attacker: points, attacks, defenses.
        num_rounds: How many rounds, at least one.

    Returns:
        The averages, and both guarantees after each round.

    Raises:
        TypeError: If ``num_rounds`` is no integer.
        ValueError: If the table is empty or not finite, or there is no round.
    """
    check_table(table)
    num_rounds = check_count(num_rounds, "num_rounds", 1)
    num, num_attacks, num_defenses = table.shape
    points = np.arange(num)
    earned = np.zeros(num_defenses)  # by the attacker so far, against each defense
    offered = np.zeros((num, num_attacks))  # to the attacker so far, by each attack
    p, q = np.zeros((num, num_attacks)), np.zeros(num_defenses)
    attack = np.full(num, num_attacks - 1)
    defense, guarantees = num_defenses - 1, []
    for played in range(1, num_rounds + 1):
        p[points, attack] += 1.0
        q[defense] += 1.0
        earned += table[points, attack].mean(axis=0)
        offered += table[:, :, defense]
        low, high = earned.min(), offered.max(axis=1).mean()
        guarantees.append((low / played, high / played))
        attack = num_attacks - 1 - offered[:, ::-1].argmax(axis=1)
        defense = num_defenses - 1 - int(earned[::-1].argmin())
    lows, highs = np.array(guarantees).T
    return FictitiousPlay(
        last=judge_strategies(table, p, q),
        attacker_guarantees=lows,
        defender_guarantees=highs,
    )
