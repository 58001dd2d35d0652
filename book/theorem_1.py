# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Theorem 1: the equilibrium
#
# **What should both players play, so that neither gains by leaving, and what does each get?**
#
# ```{outcomes}
# ```
#
# *This page speaks of the tangents $f_L$. Whether they may stand for a trained network is measured
# in [](local_linearity.ipynb): at the budgets of the tables they may not.*

# %% mystnb={"code_prompt_show": "Show the parameters", "code_prompt_hide": "Hide the parameters"} tags=["parameters", "hide-input"]
seed = 0  # of all draws and searches, from 0 to 2**32
epsilon = 1.0  # the budget of both players, from 0.9 to 1.1

# %% mystnb={"code_prompt_show": "Show the set-up and the game", "code_prompt_hide": "Hide the set-up and the game"} tags=["hide-input"]
import numpy as np
import torch
from IPython.display import Markdown

from experiments.figures.all_pairs.gain_tables import mean_with_interval
from experiments.figures.checks_table import Check, ChecksTable
from experiments.figures.markdown import table_of
from experiments.figures.theorem_1 import (
    gains_over_uniform,
    play_fictitiously,
    plot_fictitious_play,
    plot_payoffs,
    plot_value_against_budget,
)
from experiments.tables.group_sweep import load_plan
from experiments.tables.planning import PRIMARY_READING, plan
from experiments.tables.summary import cell_percents
from paper_lib.attacks import fgm
from paper_lib.checks import check_between, check_count
from paper_lib.defense import maximize_coverage
from paper_lib.game import (
    attack_candidates,
    equilibrium,
    expected_utility,
    exploitability,
    judge_strategies,
    point_payoffs,
    search_attack,
    smooth,
    solve_matrix_game,
    utility,
)
from paper_lib.geometry import disc_grid, l2_norm, sample_l2_ball
from paper_lib.isotropic import isotropic_draws, majority
from paper_lib.linearize import Linearization
from paper_lib.plotting.half_planes import plot_half_planes
from paper_lib.robust_sets import RobustSets

torch.set_num_threads(1)
seed = check_count(seed, "seed", 0, 2**32)
epsilon = check_between(epsilon, "epsilon", 0.9, 1.1)

lin = Linearization(
    logits=torch.tensor([0.75, -0.875, 0.5, -1.0, 0.875], dtype=torch.float64),
    gradients=torch.tensor(
        [[1.0, 0.0], [1.0, -0.25], [0.25, 1.0], [-0.25, 1.5], [-0.75, 0.5]]
    ).double(),
)
num = len(lin.logits)

# %% [markdown]
# ## One game
#
# Five inputs in the plane, each given by its logit and gradient. No $v$ lies in all five
# robust sets. The defender plays where most of them overlap, the attacker steps toward each boundary.
# [The game to play with](play.ipynb) is of the same kind.

# %% mystnb={"figure": {"caption": "The five robust sets of the game, the count of those that hold in each cell, and a maximizer v* of it. With v* three of five inputs keep their labels under FGM.", "name": "fig-theorem-1-game"}, "image": {"alt": "The disc of all v cut by five lines with ticks toward the side that holds; cells are shaded by how many of the five robust sets they are in, from none to three. The star of the maximizer, 3 of 5, lies in a darkest cell."}} tags=["hide-input"]
plot_half_planes(RobustSets.from_linearization(lin, epsilon))

# %% [markdown]
# ## The statement
#
# :::{prf:theorem} Theorem 1 of the paper: FGM and randomized smoothing form a Nash equilibrium
# :label: paper-theorem-1
# :nonumber:
#
# Neither player gains by leaving alone when $A$ plays $s_{\mathrm{FGM}}$ and $D$ plays
# $s_{\mathrm{SMOOTH}}$. For all strategies $s_A$ and $s_D$
#
# $$\begin{aligned}
#   \bar u_A(s_{\mathrm{FGM}}, s_{\mathrm{SMOOTH}}) &\ge
#   \bar u_A(s_A, s_{\mathrm{SMOOTH}}), \\
#   \bar u_D(s_{\mathrm{FGM}}, s_{\mathrm{SMOOTH}}) &\ge
#   \bar u_D(s_{\mathrm{FGM}}, s_D).
# \end{aligned}$$
# :::
#
# **The idea.** The first inequality is Corollary 2.1: FGM is a best answer to every
# defense, so to SMOOTH as well. The second is [Lemma 3](lemma_3.ipynb): SMOOTH is a best
# answer to FGM. Two strategies that answer each other best are an equilibrium by
# definition. Nothing is left to prove.
#
# **What it speaks of.** Both inequalities are about $\bar u_A$ of Eq. (2), which is scored
# with the tangent $f_L$. For $f_L$ the theorem holds without exception. It says nothing of
# the accuracy of $f$ itself but where the tangent may stand for $f$, within reach of both
# players ([](the_game.ipynb#when-the-tangent-may-stand-for-the-classifier)). That there is a
# $v^*$ at all, for a distribution as well as for a sample, is shown with
# [Lemma 3](lemma_3.ipynb#a-best-place-exists).
#
# What the theorem adds is the *value*. In a game where one player wins what the other
# loses, all equilibria are worth the same. So whatever the players do, an attacker who plays
# FGM gets at least $1 - 2\phi(v^*)$, a defender who plays SMOOTH gives away at most
# that, and no other pair of strategies can promise more to either. The largest coverage
# $\phi(v^*)$ is the robust accuracy, in the linear model, of the best defense against the
# best attack. The equilibrium itself need not be unique.

# %% [markdown]
# ## The equilibrium in code
#
# The calls for a game of your own. `exploitability` lets each player leave alone and measures the gain. The last lines
# solve a finite game by linear programming, which is told neither lemma ([below](#a-witness-that-is-told-neither-lemma)).

# %%
pair = equilibrium(lin, epsilon=epsilon)
step, v = pair.attacker.perturbations, pair.defender.perturbation
value = 1 - 2 * pair.sets.coverage(v)  # 1 - 2 phi(v*)
found = exploitability(lin, step, v, epsilon=epsilon, seed=seed)
print(f"the attacker gets {value:+.2f}")
print(f"gains by leaving: {found.attacker_gain:.2f} and {found.defender_gain:.2f}")
circles = disc_grid(epsilon, num_rings=4, num_angles=24)
constants = torch.cat([circles, v[None]])
options = attack_candidates(lin, epsilon, 6, seed=seed)  # FGM and five others
table = point_payoffs(lin, options, constants, epsilon=epsilon)
solved = solve_matrix_game(table)
print(f"value by linear programming: {solved.value:+.2f}")

# %% [markdown]
# ## The theorem in every dimension, checked by Coq
#
# The theorem for a proof assistant, which has [checked it](machine_checked_proofs.md) for every
# real inner product space and for two budgets, together with the value and with the case of a
# single maximizer. `equilibrium` says that neither player gains by leaving alone.
#
# :::{dropdown} The statements as Coq has them
# ```{coq} theorem_1 pure_is_smooth theorem_1_value
# ```
#
# On finitely many inputs nothing has to be assumed:
#
# ```{coq} theorem_1_finite
# ```
# :::
#
# Left out are, for a density, a maximizer of $\phi$ and the measurability of the robust sets,
# which are assumed, and all that $f$ does where it differs from its tangent. For that there is
# [another theorem](curved_boundaries.ipynb).

# %% [markdown]
# ## Both inequalities
#
# The attacker's gain
# comes from a search over a grid of attacks for each input, which knows Eq. (1) and nothing
# of FGM; outside the plane, up to ten dimensions, from the search of
# [Lemma 2](lemma_2.ipynb#a-challenge-in-many-games) that learns from utilities alone. The
# defender's comes from the best answer to the attack as a list of vectors, with
# a proof that no answer is better. The theorem says that both are zero.
#
# The two inequalities make a saddle: any attack against SMOOTH gets at most the value, and
# any defense against FGM gives away at least the value. The check takes 300 random attacks and 300
# random constants. By Eqs. (2) and (37), mixtures lie between their parts.
#
# Random games follow, in one to three dimensions, of nine inputs each. In two rounds of
# three the attacker has another budget than the defender, 0.6 or 1.5 times as much. The
# theorem does not need equal budgets: the attacker's enters the half-spaces of Lemma 1,
# the defender's the ball.


# %% mystnb={"code_prompt_show": "Show the checks of both inequalities", "code_prompt_hide": "Hide the checks of both inequalities"} tags=["hide-input"]
of_game = "tests/paper_lib/game/"
of_matrix = of_game + "test_matrix_games.py::"
of_steps = "tests/book/test_theorem_1_steps.py::"
of_notes = "tests/book/test_reading_notes.py::"
drawn = exploitability(lin, step, smooth(pair.sets), epsilon=epsilon, num_draws=400)
attacks = sample_l2_ball(300 * num, 2, epsilon, seed=seed).reshape(num, 300, 2)
defenses = sample_l2_ball(300, 2, epsilon, seed=seed + 1)
rows = point_payoffs(lin, attacks, v[None]).mean(axis=0)
columns = point_payoffs(lin, step[:, None], defenses).mean(axis=0)
checks = [
    Check(
        what="nobody gains by leaving FGM and a maximizer, or FGM and SMOOTH",
        cases=2,
        figure=f"{found.total:.2f}, {drawn.total:.2f}",
        holds=max(found.total, found.search_shortfall, drawn.total) < 1e-12
        and found.is_exact
        and pair.is_exact
        and drawn.is_sampled,
        test=of_game + "test_smoothing.py::test_smooth_itself_is_in_equilibrium",
    ),
    Check(
        what="attacks get at most the value from SMOOTH, defenses give FGM at least it",
        cases=len(rows) + columns.size,
        figure=f"{pair.value:+.2f}",
        holds=bool(rows.max() <= pair.value + 1e-12)
        and bool(columns.min() >= pair.value - 1e-12)
        and bool(rows.min() < pair.value < columns.max())
        and pair.solution.certificate.upper < 1,
        test=of_steps + "test_the_saddle",
    ),
]

left, values = {1.0: [], 0.6: [], 1.5: []}, {1.0: [], 0.6: [], 1.5: []}
for ratio, gains in left.items():
    budgets = {"epsilon": epsilon, "attack_epsilon": ratio * epsilon}
    for case in range(12):
        draws = torch.Generator().manual_seed(100 + case)
        slopes = torch.randn(9, 1 + case % 3, generator=draws, dtype=torch.float64)
        heights = 1.2 * l2_norm(slopes) * torch.randn(9, generator=draws).double()
        game = Linearization(logits=heights, gradients=slopes)
        played = equilibrium(game, **budgets)
        gains.append(exploitability(game, played.attacker, played.defender, **budgets))
        values[ratio].append(played.value)
all_games = [one for gains in left.values() for one in gains]
zero = sum(one.is_exact and one.total < 1e-12 for one in all_games)
checks.append(
    Check(
        what="in random games both gains are zero, with equal and unequal budgets",
        cases=len(all_games),
        figure=f"{zero} of {len(all_games)}",
        holds=zero == len(all_games),
        test=of_game + "test_gains.py::test_nobody_gains_by_leaving_fgm_against_smooth",
    )
)

# %% mystnb={"code_prompt_show": "Show the games by their budgets", "code_prompt_hide": "Hide the games by their budgets"} tags=["hide-cell"]
Markdown(
    table_of(
        {
            "attacker's budget / defender's": f"{ratio:g}",
            "games": len(left[ratio]),
            "gains exact": sum(one.is_exact for one in left[ratio]),
            "gains zero": sum(one.total < 1e-12 for one in left[ratio]),
            "mean value": f"{np.mean(values[ratio]):.2f}",
        }
        for ratio in left
    )
)

# %% [markdown]
# ## A witness that is told neither lemma
#
# Give each input finitely many attacks, FGM among them, and the defender finitely many
# constants. That is a matrix game, and linear programming finds its value. An attacker's
# pure strategy picks an attack for each input, so there are $K^n$ of them. But her utility
# is a mean over inputs, so only the probabilities $p_i$ of the attacks at each input matter:
#
# $$\max_{p, t} t \quad \text{subject to} \quad
#   \frac1n \sum_i p_i^\top U_{i \cdot j} \ge t \ \text{for all } j, \quad p_i \ge 0, \quad
#   \mathbf 1^\top p_i = 1.$$
#
# The table $U$ holds Eq. (1). The program is told nothing of robust sets, nor which of the
# attacks is FGM. The theorem then makes four predictions.
#
# 1. The value is $1 - 2 \max_j \phi_n(v_j)$ over the grid. With a maximizer in the grid it
#    is $1 - 2\phi(v^*)$.
# 2. If FGM takes the optimal attacker's place, nothing is lost.
# 3. The optimal defender plays maximizers only.
# 4. Without FGM the attacker never gets more. She gets less where no other attack in the
#    table flips the same inputs.


# %% mystnb={"code_prompt_show": "Show the checks by linear programming", "code_prompt_hide": "Hide the checks by linear programming"} tags=["hide-input"]
compared, verdicts = [], []
for case in range(8):
    draws = torch.Generator().manual_seed(300 + case)
    slopes = torch.randn(7, 2, generator=draws, dtype=torch.float64)
    heights = 1.2 * l2_norm(slopes) * torch.rand(7, generator=draws).double()
    game = Linearization(logits=heights, gradients=slopes)
    sets = RobustSets.from_linearization(game, epsilon)
    best = maximize_coverage(sets)
    vectors = torch.cat([circles, best.perturbation[None]])
    answers = attack_candidates(game, epsilon, 6, seed=case)
    payoffs = point_payoffs(game, answers, vectors, epsilon=epsilon)
    program = solve_matrix_game(payoffs)
    always_fgm = np.zeros_like(program.attacker)
    always_fgm[:, 0] = 1.0
    swapped = judge_strategies(payoffs, always_fgm, program.defender)
    covered = sets.coverage(vectors).numpy()
    off = program.defender[covered < best.coverage - 1e-9].sum()
    fewer = solve_matrix_game(payoffs[:, 1:])
    verdicts.append(
        [
            abs(program.value - (1 - 2 * best.coverage)) < 1e-9,
            abs(program.duality_gap) < 1e-9 and abs(swapped.duality_gap) < 1e-9,
            off < 1e-9,
            fewer.value <= program.value + 1e-9,
            fewer.value < program.value - 0.01,
        ]
    )
    compared.append((case, program.value, 1 - 2 * best.coverage, fewer.value))
same, stays, inside, no_higher, lower = map(list, zip(*verdicts, strict=True))
checks += [
    Check(
        what=r"by linear programming the value is $1 - 2\phi(v^*)$, FGM stays optimal, "
        "and the defender plays maximizers only",
        cases=len(verdicts),
        figure=f"{sum(same)} of {len(same)}",
        holds=all(same) and all(stays) and all(inside),
        test=of_matrix + "test_the_value_is_one_minus_twice_the_coverage",
    ),
    Check(
        what="without FGM the value is never higher, and lower in some games",
        cases=len(verdicts),
        figure=f"{sum(lower)} lower",
        holds=all(no_higher) and any(lower),
        test=of_matrix + "test_without_fgm_the_attacker_gets_less",
    ),
]

# %% mystnb={"code_prompt_show": "Show the values of eight games", "code_prompt_hide": "Hide the values of eight games"} tags=["hide-cell"]
Markdown(
    table_of(
        {
            "game": values[0],
            "value by the program": f"{values[1]:.4f}",
            r"$1 - 2\phi(v^*)$": f"{values[2]:.4f}",
            "value without FGM": f"{values[3]:.4f}",
        }
        for values in compared
    )
)

# %% [markdown]
# For the five inputs from above, here is what an attacker gets against each constant of
# the grid. FGM is the best attack against every single one; the dotted line is the value.


# %% mystnb={"code_prompt_show": "Show the picture of payoffs", "code_prompt_hide": "Hide the picture of payoffs", "figure": {"caption": "What the attacker gets against each constant of a grid in the game of five inputs: with the best of six attacks at each input, with FGM (the chosen attack), and with their mean. The dotted line is the value.", "name": "fig-theorem-1-payoffs"}, "image": {"alt": "Utility of the attacker against 98 constants of the defender, in ascending order. The marks of FGM lie on the steps of the best attack everywhere, from the value, -0.2, upward; the mean of the six attacks lies below."}} tags=["hide-cell"]
upper = bool((table[:, 0] == table.max(axis=1)).all())
plot_payoffs(table)

# %% [markdown]
# ## Learning to play
#
# Fictitious play {cite:p}`brown1951iterative`: in each round both players answer what the
# other has played so far, on average. In zero-sum games the averages approach an
# equilibrium {cite:p}`robinson1951iterative`. After each round each average guarantees
# something: solid lines the attacker's guarantee, dashed ones the defender's. The value lies
# between, and their distance is the exploitability of the pair of averages. Where answers
# tie, FGM is taken last. Without FGM among the attacks, play settles on a lower value.

# %% mystnb={"figure": {"caption": "Fictitious play in the finite game, with FGM among the attacks and without it. Above: what the averages so far guarantee, solid for the attacker, dashed for the defender. Below: the distance of the two. 2,000 rounds.", "name": "fig-theorem-1-learning"}, "image": {"alt": "Two panels over the round, logarithmic. Above: with FGM solid and dashed guarantees close in on the dotted value, -0.2; without FGM they settle below it. Below: both exploitabilities fall, to under 0.05 at the end."}} tags=["hide-input"]
plays = {
    "with FGM": play_fictitiously(table, 2000),
    "without FGM": play_fictitiously(table[:, 1:], 2000),
}
fewer = solve_matrix_game(table[:, 1:])
between = [
    bool((plays[name].attacker_guarantees <= one.value + 1e-9).all())
    and bool((plays[name].defender_guarantees >= one.value - 1e-9).all())
    for name, one in (("with FGM", solved), ("without FGM", fewer))
]
settled = plays["without FGM"].defender_guarantees[-1]
checks.append(
    Check(
        what="play of averages closes in on the value, and without FGM settles below it",
        cases=2 * 2000,
        figure="within 0.05",
        holds=all(between)
        and all(bool(one.exploitability[-1] < 0.05) for one in plays.values())
        and fewer.value < solved.value - 0.01
        and bool(settled < solved.value - 0.01),
        test=of_matrix + "test_fictitious_play_closes_in_on_the_value",
    )
)
plot_fictitious_play(plays, value=solved.value)

# %% [markdown]
# ## The equilibrium is not unique
#
# The value is one number, but other pairs reach it. A defender may play any maximizer. An
# attacker may fall a little short of FGM, as long as no input is near its threshold: then
# nobody gains by leaving. The check tries 0.99 of FGM, and half of it.


# %% tags=["hide-input"]
left = {
    factor: exploitability(lin, factor * step, v, epsilon=epsilon)
    for factor in (0.99, 0.5)
}
checks.append(
    Check(
        what="0.99 of FGM is in equilibrium with $v^*$ as well, half of it is not",
        cases=len(left),
        figure=", ".join(f"{one.total:.1f}" for one in left.values()),
        holds=left[0.99].total < 1e-12
        and abs(left[0.99].utility.value - pair.value) < 1e-12
        and left[0.5].total > 0.01,
        test=of_notes + "test_other_attacks_can_be_as_good_as_fgm",
    )
)

# %% [markdown]
# ## Implication 1: smooth for the classifier
#
# The paper concludes that the smoothing distribution should depend on the classifier $f$,
# and not be an isotropic Gaussian {cite:p}`cohen2019certified`. There are two questions:
# whether this is so in the game, scored with $f_L$, and whether it is so for the accuracy of
# $f$ itself.
#
# **For $f_L$ it holds**, against the attack of the equilibrium. It follows from Eq. (37). A distribution is worth the average of $2\phi - 1$ over it, and one that
# puts mass where $\phi$ is below its maximum is worth less. A Gaussian leaves $V$, so
# its draws are projected onto $V$ here.
#
# The cited method does not score a draw, it takes a majority vote over many. On a linear
# $f$ an isotropic vote does nothing at all: $c^\top v$ is symmetric around zero, so more
# than half of the draws satisfy $c^\top v + b \ge 0$ exactly if $b > 0$. That is what
# $v = 0$ achieves. The check leaves out inputs whose margin differs from the budget by less
# than a tenth of it: there 2,001 draws may fall on either side of one half.


# %% mystnb={"code_prompt_show": "Show the noise and the vote", "code_prompt_hide": "Hide the noise and the vote"} tags=["hide-input"]
draws = torch.Generator().manual_seed(seed + 7)
slopes = torch.randn(60, 20, generator=draws, dtype=torch.float64) + 0.5
heights = 2 * l2_norm(slopes) * torch.rand(60, generator=draws).double()
many = Linearization(logits=heights, gradients=slopes)
sets = RobustSets.from_linearization(many, epsilon)
chosen = maximize_coverage(sets, seed=seed)
none = sets.contains(torch.zeros(20, dtype=torch.float64))
clear = (many.margins - epsilon).abs() > 0.1 * epsilon
shares = {
    "none, v = 0": float(none.double().mean()),
    "SMOOTH, one maximizer": chosen.coverage,
}
worse, same = [], {}
for noise in ("uniform", "gaussian"):
    samples = isotropic_draws(2001, 20, epsilon, noise=noise, seed=seed)
    held, name = sets.contains(samples), f"isotropic, {noise}"
    shares[name] = float(held.double().mean())
    worse.append(shares[name] < chosen.coverage - 0.01)
    same[name] = torch.equal(majority(held)[clear], none[clear])
checks.append(
    Check(
        what="for $f_L$ isotropic noise is worth less than SMOOTH, and its vote as much as "
        "no defense",
        cases=2 * 2001,
        figure=f"{max(shares[name] for name in same):.2f} of {chosen.coverage:.2f}",
        holds=all(worse) and all(same.values()),
        test=of_notes + "test_a_vote_over_isotropic_draws_is_worth_no_defense",
    )
)
word = {True: "yes", False: "no", None: ""}
Markdown(
    table_of(
        {
            "defense": name,
            r"mean $\phi$ under FGM": f"{shares[name]:.2f}",
            "the vote equals no defense": word[same.get(name)],
        }
        for name in shares
    )
)

# %% [markdown]
# That no distribution will do which was fixed before the classifier is a theorem, [checked by
# Coq](machine_checked_proofs.md). Take one input and two linear classifiers, whose gradients point in
# opposite directions, each with a margin of half the budget. Whatever the distribution, an isotropic
# one or another, on one of the two FGM gets at least 0 against it, where another strategy wins.
# Any margin below the budget would do, since no $v$ lies in both robust sets; from the budget on, $v = 0$ lies in both.
#
# :::{dropdown} The statement as Coq has it
# ```{coq} one_input implication_1
# ```
# :::
#
# **For $f$ itself the stored runs do not support it.** These are networks of
# [Table 1](all_pairs.ipynb#isotropic-smoothing), first seed, means over 45
# pairs of classes, on test points: accuracy with SMOOTH, fitted by the ramp, less accuracy with one
# uniform draw for each point. A negative number says that noise without a direction does
# better. In brackets are 95% intervals over the pairs, which allow for pairs that share a class.
# The paper leaves network, budget and PGD open; the *primary choice* is what was declared before the
# first complete run: a small network, one budget for all pairs of a data set, and *PGD in the ball*, which takes
# ten steps of a quarter of the budget and projects back onto the ball. The *literal PGD*, as Appendix D writes it, takes
# steps of the whole budget and stretches each iterate to the sphere.
#
# Under FGM, scored with $f_L$, SMOOTH is ahead on every pair. The theorem does not say this: it speaks of maximizers
# and of the points that they were found for. Under PGD in the ball, scored with $f$, it is behind in the mean on both data
# sets. On Fashion-MNIST the interval is below zero; on MNIST it holds zero, so that there neither is
# shown to be ahead. Under the literal PGD it is behind on both, with both intervals below zero; under the attack that keeps the label of the
# clean image it is ahead on both, with both above. [All pairs](all_pairs.ipynb#isotropic-smoothing) has the
# three readings side by side. At these budgets the tangents need not describe $f$.


# %% tags=["hide-input"]
stored = [group for group in plan(seeds=(0,)) if group.is_primary]
results, _ = load_plan(stored, "../results/table1")
by_pair = gains_over_uniform(
    {result.dataset: cell_percents(result) for result in results}
)
pairs = results[0].pairs  # the same in each group
by_tangent, by_network = (
    [gains for cell, gains in by_pair.items() if cell[1:] == scored]
    for scored in (("FGM", "approximate"), (f"PGD {PRIMARY_READING}", "true"))
)
stored_tests = "tests/regression/test_stored_isotropic.py::"
checks.append(
    Check(
        what="on the networks of Table 1 SMOOTH is ahead in the mean under FGM, scored with "
        "$f_L$, and noise under PGD in the ball, scored with $f$",
        cases=sum(map(len, by_tangent + by_network)),
        figure=f"{np.mean(by_tangent, axis=1).min():+.1f}, "
        f"{np.mean(by_network, axis=1).max():+.1f} points",
        holds=bool(
            np.mean(by_tangent, axis=1).min() > 10
            and np.mean(by_network, axis=1).max() < 0
        ),
        test=stored_tests + "test_for_f_itself_noise_is_ahead_of_smooth_under_pgd",
    )
)
Markdown(
    table_of(
        [
            {
                "data set": cell[0],
                "attack": cell[1],
                "accuracy": cell[2],
                "SMOOTH less uniform": mean_with_interval(gains.tolist(), pairs),
                "pairs with SMOOTH ahead": f"{(gains > 0).sum()} of {len(gains)}",
            }
            for cell, gains in by_pair.items()
        ],
        align="lllrr",
    )
)

# %% [markdown]
# ## Implication 2: an attack that is optimal whatever it meets
#
# The paper says that some attacks "will perform better than any alternative regardless of the
# defense". By Lemma 2 FGM does *at least as well* as any attack against every defense, not only
# SMOOTH. It need not do better: on an input with a margin of $2\epsilon$ or more no attack wins, so that all
# are alike ([reading notes](reading_notes.md#better-than-any-alternative)). Against forty random constants, a search over a grid of attacks finds nothing
# better; [Lemma 2](lemma_2.ipynb) does the same with mixtures. The claim is about $f_L$. It
# carries over to $f$ where the tangent has the sign of $f$ within reach of both players.
# That is enough, and not necessary: for $f(x) = x^3$ on the line the tangent is wrong near
# zero, and FGM is optimal all the same, because it moves toward the boundary of $f$.
#
# :::{dropdown} For every dimension, as Coq has it
# [Checked by Coq](machine_checked_proofs.md):
#
# ```{coq} implication_2
# ```
# :::

# %% tags=["hide-input"]
beaten, reached = 0, 0
tried = sample_l2_ball(40, 2, epsilon, seed=seed + 2)
for defense in tried:
    best_attack = search_attack(lin, defense, epsilon=epsilon, seed=seed)
    by_fgm = expected_utility(lin, step, defense, epsilon=epsilon).value
    beaten += best_attack.value > by_fgm + 1e-12
    reached += abs(best_attack.value - by_fgm) < 1e-12
cubic = Linearization(
    logits=torch.ones(1, dtype=torch.float64),
    gradients=torch.full((1, 1), 3.0, dtype=torch.float64),
)  # f(x) = x^3 and its slope, at x = 1
moves = torch.linspace(-1.0, 1.0, 81, dtype=torch.float64)[:, None]
reached_points = 1.0 + moves  # by the defender alone
wins = ((reached_points + moves.T) ** 3 < 0).any(dim=1)  # for some attack
by_step = ((reached_points + fgm(cubic, 1.0)) ** 3 < 0)[:, 0]
tangent = 1.0 + 3.0 * moves
checks.append(
    Check(
        what="no attack found beats FGM against a constant; on $x^3$, whose tangent errs, "
        "it wins where any does",
        cases=len(tried) + len(constants) + len(moves),
        figure=f"{beaten} beaten",
        holds=beaten == 0
        and reached == len(tried)
        and upper
        and bool((tangent * reached_points < 0).any())
        and torch.equal(wins, by_step),
        test=of_steps + "test_fgm_on_a_cubic",
    )
)

# %% [markdown]
# ## Implication 3: winner takes all
#
# The value $1 - 2\phi(v^*)$ is $-1$ if one $v$ lies in almost every robust set, and the
# defender wins all. It is $1$ if almost every robust set is empty, and the attacker
# wins all. The first happens, for example at budgets below the smallest margin. The second
# cannot happen with equal budgets, unless $f = 0$ almost surely: the defender who plays $-a_{\mathrm{FGM}}(x)$
# undoes FGM, so $R(x)$ contains it, with slack $|f(x)|$. So on a sample $\phi_n(v^*) > 0$
# as soon as $f$ is nonzero at one input.
#
# For a distribution this is not enough, since a single input may have probability zero. But where $f(x) \ne 0$ the
# slack is positive, so that all $v \in V$ close to $-a_{\mathrm{FGM}}(x)$ lie in $R(x)$ too, and $R(x)$ has volume. Exchanging
# the integrals,
#
# $$\int_V \phi(v)\, dv = \mathbb E_{x \sim p_X} \operatorname{vol} R(x),$$
#
# which is positive unless $f = 0$ almost surely. So $\phi$ is positive somewhere in $V$, and $\phi(v^*) > 0$.
#
# A larger budget makes the attacker's clean win possible: $R(x)$ is
# empty exactly if the margin plus the defender's budget is less than the attacker's.
#
# [Checked by Coq](machine_checked_proofs.md) are the extremes, that the reverse of FGM is in $R(x)$
# where $f(x) \ne 0$, and, for finitely many inputs, that then $\phi(v^*) > 0$. The step with the volume is not.
#
# :::{dropdown} The statements as Coq has them
# ```{coq} implication_3 undoing_fgm
# ```
#
# ```{coq} attacker_cannot_win_all
# ```
# :::
#
# If $f$ is linear on the whole space, more is true: $\phi(v^*) \ge 1/2$. All rows $c_i$ are
# then the gradient or its reverse, and one of the two vectors of length $\epsilon$ along it
# covers at least half of the inputs where $f \ne 0$. So on linear classifiers no attacker with
# the defender's budget gets more than $0$.
#
# Between the extremes the value climbs in steps as the budget grows. On a sample with
# equal budgets and rows $c_i$ of different directions it ends at $1 - 2/n$: the caps
# $R(x_i)$ keep their height while the ball grows, until no two of them meet, and one input
# is all that the defender can save.


# %% mystnb={"figure": {"caption": "The value of the game of five inputs against the budget: equal budgets, and an attacker with 1.5 times the defender's.", "name": "fig-theorem-1-budgets"}, "image": {"alt": "Value for the attacker over the budget of the defender, logarithmic from 0.2 to 100. Both curves are rising steps from -1: with equal budgets up to 0.6, never 1; with 1.5 times the budget up to 1, where she wins everywhere."}} tags=["hide-input"]
small, least = 0.4, float(lin.margins.min())
opposite = -fgm(many, epsilon)
slack = (sets.normals * opposite).sum(1) + sets.offsets
held = bool(sets.contains(opposite).diagonal().all())
larger = 1.01 * (epsilon + float(lin.margins.max()))
won = equilibrium(lin, epsilon=epsilon, attack_epsilon=larger)
alike, emptied = [], []
for extra in (0.99, 1.01):
    reach = epsilon + extra * float(lin.margins.median())
    rows = RobustSets.from_linearization(lin, epsilon, attack_epsilon=reach)
    most = rows.offsets + epsilon * l2_norm(rows.normals)  # at the best v of the ball
    empty = lin.margins + epsilon < reach
    alike.append(torch.equal(most < 0, empty))
    emptied.append(int(empty.sum()))

# A classifier that is linear on the whole space.
draws = torch.Generator().manual_seed(seed + 9)
slope = torch.randn(5, generator=draws, dtype=torch.float64)
inputs = torch.randn(101, 5, generator=draws, dtype=torch.float64)
straight = Linearization(
    logits=inputs @ slope, gradients=slope.expand(101, 5).contiguous()
)
values = [equilibrium(straight, epsilon=budget).value for budget in (0.1, 1.0, 10.0)]

budgets = np.geomspace(0.2, 100.0, 100)
curves = {
    "equal budgets": [equilibrium(lin, epsilon=b).value for b in budgets],
    "attacker has 1.5 times": [
        equilibrium(lin, epsilon=b, attack_epsilon=1.5 * b).value for b in budgets
    ],
}
equal, more = map(np.array, curves.values())
climbs = all(bool((np.diff(curve) >= -1e-12).all()) for curve in curves.values())
checks += [
    Check(
        what="the reverse of FGM is in each $R(x)$, with slack $\\lvert f(x)\\rvert$",
        cases=len(slack),
        figure="within 1e-10",
        holds=held and float((slack - many.logits.abs()).abs().max()) < 1e-10,
        test=of_steps + "test_the_attacker_never_wins_everywhere",
    ),
    Check(
        what="from a classifier linear on the whole space the attacker gets at most 0",
        cases=len(values),
        figure=f"at most {max(values):+.2f}",
        holds=max(values) <= 0,
        test=of_notes + "test_a_globally_linear_classifier_has_value_at_least_one_half",
    ),
    Check(
        what="the value climbs with the budget from $-1$ to $1 - 2/n$, and to 1 against "
        "1.5 times it; sets are empty as the margins say",
        cases=2 * len(budgets) + len(emptied),
        figure=f"{equal[-1]:+.1f}, {more[-1]:+.1f}",
        holds=climbs
        and small < least
        and equilibrium(lin, epsilon=small).value == -1.0
        and abs(equal[-1] - (1 - 2 / num)) < 1e-12
        and more[-1] == won.value == 1.0
        and bool((more >= equal - 1e-12).all())
        and all(alike),
        test=of_steps + "test_the_value_climbs",
    ),
]
plot_value_against_budget(budgets, curves)

# %% [markdown]
# ## What fails when an assumption is removed
#
# Three exercises and their solutions, on the game of five inputs.
#
# ### One side of the pair is broken
#
# Who gains by leaving, if the attacker plays FGM with the wrong sign, half of it, or nothing? If the defender plays nothing, the
# reverse of a maximizer, or a maximizer for 0.8 of the attacker's budget?
#
# :::{dropdown} Solution
# After the wrong sign the attacker gains, after a wrong vector the defender, each more than 0.01. After half of FGM, and without
# an attack, the defender gains too, since a weaker attack has another answer; with a budget of 1 the attacker gains as well.
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers"} tags=["hide-cell"]
near = RobustSets.from_linearization(lin, epsilon, attack_epsilon=0.8 * epsilon)
for_less = maximize_coverage(near).perturbation
controls = {
    "the equilibrium": (step, v),
    "FGM with the wrong sign": (-step, v),
    "FGM with half of the budget": (0.5 * step, v),
    "no attack": (0 * step, v),
    "no defense": (step, 0 * v),
    "v off V*": (step, -v),
    "a defense for 0.8 of the attacker's budget": (step, for_less),
}
left = {
    name: exploitability(lin, *played, epsilon=epsilon)
    for name, played in controls.items()
}
who = {(0, 0): "nobody", (1, 0): "attacker", (0, 1): "defender"}
who[1, 1] = "attacker and defender"
leaving = {
    name: who[one.attacker_gain > 0.01, one.defender_gain > 0.01]
    for name, one in left.items()
}
broken = {name: one for name, one in leaving.items() if name != "the equilibrium"}
checks.append(
    Check(
        what="each broken pair is left: the wrong sign by the attacker, weak attacks and "
        "wrong vectors by the defender",
        cases=len(broken),
        figure=f"{sum(one != 'nobody' for one in broken.values())} left",
        holds=leaving["the equilibrium"] == "nobody"
        and broken["FGM with the wrong sign"] == "attacker"
        and all("defender" in one for one in list(broken.values())[1:3])
        and all(one == "defender" for one in list(broken.values())[3:]),
        test=of_game + "test_gains.py::test_who_plays_wrong_gains_by_leaving",
    )
)
Markdown(
    table_of(
        {
            "played": name,
            "attacker gains": f"{left[name].attacker_gain:.2f}",
            "defender gains": f"{left[name].defender_gain:.2f}",
            "who should leave": leaving[name],
        }
        for name in left
    )
)

# %% [markdown]
# ### A defender who reacts
#
# The paper's defender may be handed $x + a(x)$, but he plays a
# constant. Suppose he could recognize FGM and undo it, and did nothing otherwise. What should the attacker play?
#
# :::{dropdown} Solution
# Against him FGM wins nothing, and a slightly shorter attack wins.
# :::
#
# ### Labels
#
# The score asks whether the sign of $f$ at the input was changed. Suppose it asked
# for the true label, and $f$ were wrong at every input. Which attack is better than FGM?
#
# :::{dropdown} Solution
# FGM moves inputs across the boundary, and so to the right side. Its opposite is then the better attack.
# :::

# %% mystnb={"code_prompt_show": "Show both solutions in numbers", "code_prompt_hide": "Hide both solutions in numbers"} tags=["hide-cell"]
shorter = 0.95 * step
answers = [-step, 0 * step]  # to FGM, and to anything else
against = [
    float(utility(lin, attack, answer).mean())
    for attack, answer in zip((step, shorter), answers, strict=True)
]
wrong = -lin.signs
scores = [float(utility(lin, a, 0 * v, labels=wrong).mean()) for a in (step, -step)]
print(f"against the reaction: FGM {against[0]:+.1f}, 0.95 of it {against[1]:+.1f}")
print(f"scored with labels: FGM {scores[0]:+.1f}, its opposite {scores[1]:+.1f}")
checks.append(
    Check(
        what="FGM is beaten where the defender reacts, and where $f$ is wrong and true "
        "labels count",
        cases=2 * num,
        figure=f"{against[1] - against[0]:+.1f}, {scores[1] - scores[0]:+.1f}",
        holds=against[1] - against[0] > 0.01 and scores[1] - scores[0] > 0.01,
        test=of_game
        + "test_payoff.py::test_a_defender_who_reacts_makes_fgm_a_bad_attack",
    )
)

# %% [markdown]
# ## What was checked
#
# For the tangents the theorem holds without exception, for equal and for unequal budgets, with SMOOTH read as on [the page of
# Lemma 3](lemma_3.ipynb#v-without-volume) where $V^*$ has no volume. A linear program that is told
# neither lemma finds the same value. All three implications need a correction. Noise without a direction is ahead of SMOOTH in
# the mean where the network itself is scored under PGD, literal or in the ball, on MNIST in the ball by less than can be told from zero. FGM does at least as well
# as any other attack, not better. And with equal budgets the attacker never wins everywhere, unless $f = 0$ almost surely.

# %% tags=["hide-input"]
ChecksTable(checks)

# %% [markdown]
# ## Behind this page
#
# ```{page-footer}
# ```
