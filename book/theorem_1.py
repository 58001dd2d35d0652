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
#
# *This page speaks of the tangents $f_L$. Whether they may stand for a trained network is measured
# in [](local_linearity.ipynb): at the budgets of the tables they may not.*

# %% [markdown]
# ## The theorem in every dimension, checked by Coq
#
# The theorem for a proof assistant, which has [checked it](machine_checked_proofs.md) for every
# real inner product space and for two budgets, together with the value and with the case of a
# single maximizer. `equilibrium` says that neither player gains by leaving alone.
#
# ```{coq} theorem_1 pure_is_smooth theorem_1_value
# ```
#
# On finitely many inputs nothing has to be assumed:
#
# ```{coq} theorem_1_finite
# ```
#
# Left out are, for a density, a maximizer of $\phi$ and the measurability of the robust sets,
# which are assumed, and all that $f$ does where it differs from its tangent. For that there is
# [another theorem](curved_boundaries.ipynb).

# %% [markdown]
# ## Parameters

# %% tags=["parameters"]
seed = 0  # of all draws and searches, from 0 to 2**32
epsilon = 1.0  # the budget of both players, from 0.9 to 1.1

# %%
import numpy as np
import torch
from IPython.display import Markdown, display

from experiments.figures.markdown import table_of
from experiments.figures.theorem_1 import (
    gains_over_uniform,
    play_fictitiously,
    plot_fictitious_play,
    plot_payoffs,
    plot_value_against_budget,
)
from experiments.tables.planning import PRIMARY_READING, plan
from experiments.tables.summary import cell_percents
from experiments.tables.table_1 import load_plan
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

# %% [markdown]
# ## One game
#
# Five inputs in the plane, each given by its logit and gradient. No $v$ lies in all five
# robust sets. [The game to play with](play.ipynb) is of the same kind.

# %%
lin = Linearization(
    logits=torch.tensor([0.75, -0.875, 0.5, -1.0, 0.875], dtype=torch.float64),
    gradients=torch.tensor(
        [[1.0, 0.0], [1.0, -0.25], [0.25, 1.0], [-0.25, 1.5], [-0.75, 0.5]]
    ).double(),
)
pair = equilibrium(lin, epsilon=epsilon)
step, v = pair.attacker.perturbations, pair.defender.perturbation
num = len(lin.logits)
print(f"inputs that keep their label: {round(num * pair.solution.coverage)} of {num}")
print("no v is in all robust sets:", pair.solution.certificate.upper < 1)
print(f"value of the game for the attacker, 1 - 2 phi(v*): {pair.value:.2f}")
print("the maximizer is proven to be one:", pair.is_exact)
plot_half_planes(pair.sets, points={"the defense played": v})

# %% [markdown]
# ## Both inequalities
#
# `exploitability` lets each player leave alone and measures the gain. The attacker's gain
# comes from a search over a grid of attacks for each input, which knows Eq. (1) and nothing
# of FGM; outside the plane, up to ten dimensions, from the search of
# [Lemma 2](lemma_2.ipynb#a-challenge-in-many-games) that learns from utilities alone. The
# defender's comes from the best answer to the attack as a list of vectors, with
# a proof that no answer is better. The theorem says that both are zero.

# %%
found = exploitability(lin, step, v, epsilon=epsilon, seed=seed)
print("Corollary 2.1, the attacker gains nothing:", found.attacker_gain < 1e-12)
print("Lemma 3, the defender gains nothing:", found.defender_gain < 1e-12)
print("the search found an attack as good as FGM:", found.search_shortfall < 1e-12)
print("both gains are exact, not estimates:", found.is_exact)
drawn = exploitability(lin, step, smooth(pair.sets), epsilon=epsilon, num_draws=400)
print("the same for uniform draws from V*:", drawn.total < 1e-12)
print("which is known by draws only:", drawn.is_sampled)

# %% [markdown]
# The two inequalities make a saddle: any attack against SMOOTH gets at most the value, and
# any defense against FGM gives away at least the value. Here are 300 random attacks and 300
# random constants. By Eqs. (2) and (37), mixtures lie between their parts.

# %%
attacks = sample_l2_ball(300 * num, 2, epsilon, seed=seed).reshape(num, 300, 2)
defenses = sample_l2_ball(300, 2, epsilon, seed=seed + 1)
rows = point_payoffs(lin, attacks, v[None]).mean(axis=0)
columns = point_payoffs(lin, step[:, None], defenses).mean(axis=0)
print("attacks against SMOOTH: at most the value:", rows.max() <= pair.value + 1e-12)
print("defenses against FGM: at least the value:", columns.min() >= pair.value - 1e-12)
print("and some are worse:", rows.min() < pair.value < columns.max())

# %% [markdown]
# Random games follow, in one to three dimensions, of nine inputs each. In two rounds of
# three the attacker has another budget than the defender, 0.6 or 1.5 times as much. The
# theorem does not need equal budgets: the attacker's enters the half-spaces of Lemma 1,
# the defender's the ball.

# %%
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

# %%
circles = disc_grid(epsilon, num_rings=4, num_angles=24)
compared, verdicts = [], []
for case in range(8):
    draws = torch.Generator().manual_seed(300 + case)
    slopes = torch.randn(7, 2, generator=draws, dtype=torch.float64)
    heights = 1.2 * l2_norm(slopes) * torch.rand(7, generator=draws).double()
    game = Linearization(logits=heights, gradients=slopes)
    sets = RobustSets.from_linearization(game, epsilon)
    best = maximize_coverage(sets)
    constants = torch.cat([circles, best.perturbation[None]])
    options = attack_candidates(game, epsilon, 6, seed=case)
    table = point_payoffs(game, options, constants, epsilon=epsilon)
    solved = solve_matrix_game(table)
    always_fgm = np.zeros_like(solved.attacker)
    always_fgm[:, 0] = 1.0
    swapped = judge_strategies(table, always_fgm, solved.defender)
    covered = sets.coverage(constants).numpy()
    off = solved.defender[covered < best.coverage - 1e-9].sum()
    fewer = solve_matrix_game(table[:, 1:])
    verdicts.append(
        [
            abs(solved.value - (1 - 2 * best.coverage)) < 1e-9,
            abs(solved.duality_gap) < 1e-9 and abs(swapped.duality_gap) < 1e-9,
            off < 1e-9,
            fewer.value <= solved.value + 1e-9,
            fewer.value < solved.value - 0.01,
        ]
    )
    compared.append((case, solved.value, 1 - 2 * best.coverage, fewer.value))
Markdown(
    table_of(
        {
            "game": values[0],
            "value by the program": f"{values[1]:.4f}",
            "1 - 2 phi(v*)": f"{values[2]:.4f}",
            "value without FGM": f"{values[3]:.4f}",
        }
        for values in compared
    )
)

# %%
names = [
    "the value is 1 - 2 phi(v*), to 1e-9",
    "FGM in the attacker's place stays optimal",
    "the defender plays maximizers only",
    "without FGM the value is no higher",
    "without FGM the value is lower by more than 0.01",
]
for name, column in zip(names, zip(*verdicts, strict=True), strict=True):
    print(f"{name}: {sum(column)} of {len(column)}")

# %% [markdown]
# For the five inputs from above, here is what an attacker gets against each constant of
# the grid. FGM is the best attack against every single one; the dotted line is the value.

# %%
constants = torch.cat([circles, v[None]])
options = attack_candidates(lin, epsilon, 6, seed=seed)
table = point_payoffs(lin, options, constants, epsilon=epsilon)
solved = solve_matrix_game(table)
print(f"value by the program: {solved.value:.2f}")
print(f"1 - 2 phi(v*):        {pair.value:.2f}")
upper = bool((table[:, 0] == table.max(axis=1)).all())
print("FGM is best at each input against each constant:", upper)
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

# %%
plays = {
    "with FGM": play_fictitiously(table, 2000),
    "without FGM": play_fictitiously(table[:, 1:], 2000),
}
fewer = solve_matrix_game(table[:, 1:])
for name, by_program in (("with FGM", solved.value), ("without FGM", fewer.value)):
    played = plays[name]
    low, high = played.attacker_guarantees, played.defender_guarantees
    between = (low <= by_program + 1e-9).all() and (high >= by_program - 1e-9).all()
    print(f"{name}, the value stays between the guarantees: {bool(between)}")
    print(
        f"{name}, exploitability ends below 0.05: {bool(played.exploitability[-1] < 0.05)}"
    )
print("without FGM the value is lower:", fewer.value < solved.value - 0.01)
settled = plays["without FGM"].defender_guarantees[-1]
print("and play settles below the value with it:", bool(settled < solved.value - 0.01))
plot_fictitious_play(plays, value=solved.value)

# %% [markdown]
# ## The equilibrium is not unique
#
# The value is one number, but other pairs reach it. A defender may play any maximizer. An
# attacker may fall a little short of FGM, as long as no input is near its threshold: then
# nobody gains by leaving. The check tries 0.99 of FGM, and half of it.

# %%
for factor in (0.99, 0.5):
    left = exploitability(lin, factor * step, v, epsilon=epsilon)
    same = abs(left.utility.value - pair.value) < 1e-12
    print(f"{factor} of FGM: same value: {same}, what both gain: {left.total:.1f}")

# %% [markdown]
# ## Where it must fail
#
# Each row breaks one side of the pair. The player named gains more than 0.01 by leaving.

# %%
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
Markdown(
    table_of(
        {
            "played": name,
            "attacker gains": f"{left[name].attacker_gain:.2f}",
            "defender gains": f"{left[name].defender_gain:.2f}",
            "who should leave": who[
                left[name].attacker_gain > 0.01, left[name].defender_gain > 0.01
            ],
        }
        for name in left
    )
)

# %% [markdown]
# Two controls change the rules instead.
#
# *A defender who reacts.* The paper's defender may be handed $x + a(x)$, but he plays a
# constant. Suppose he could recognize FGM and undo it, and did nothing otherwise. Against
# him FGM wins nothing, and a slightly shorter attack wins.
#
# *Labels.* The score asks whether the sign of $f$ at the input was changed. Suppose it asked
# for the true label, and $f$ were wrong at every input. FGM moves inputs across the boundary,
# and so to the right side. Its opposite is then the better attack.

# %%
shorter = 0.95 * step
answers = [-step, 0 * step]  # to FGM, and to anything else
against = [
    float(utility(lin, attack, answer).mean())
    for attack, answer in zip((step, shorter), answers, strict=True)
]
print("FGM is beaten if the defender reacts:", against[1] - against[0] > 0.01)
wrong = -lin.signs
scores = [float(utility(lin, a, 0 * v, labels=wrong).mean()) for a in (step, -step)]
print(
    "FGM is beaten if labels are scored, and f is wrong:", scores[1] > scores[0] + 0.01
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
# $v = 0$ achieves. The check leaves out inputs whose margin is within a tenth of the budget.

# %%
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
Markdown(
    table_of(
        {
            "defense": name,
            "mean phi under FGM": f"{shares[name]:.2f}",
            "the vote equals no defense": same.get(name, ""),
        }
        for name in shares
    )
)

# %%
print("isotropic noise is worth less than SMOOTH:", all(worse))
print("an isotropic vote is worth as much as no defense:", all(same.values()))

# %% [markdown]
# That no distribution will do which was fixed before the classifier is a theorem, [checked by
# Coq](machine_checked_proofs.md). Take one input and two linear classifiers, whose gradients point in
# opposite directions. Whatever the distribution, an isotropic one or another, on one of the two
# FGM gets at least 0 against it, where another strategy wins.
#
# ```{coq} one_input implication_1
# ```

# %% [markdown]
# **For $f$ itself the stored runs do not support it.** These are the networks of
# [Table 1](all_pairs.ipynb#isotropic-smoothing), primary choice, first seed, means over 45
# pairs of test points: accuracy with SMOOTH, fitted by the ramp, less accuracy with one
# uniform draw for each point. A negative number says that noise without a direction does
# better. Under FGM, scored with $f_L$, SMOOTH is far ahead, as the theorem says of its
# maximizers. Under PGD in the ball, scored with $f$, it is behind in the mean on both data
# sets, and so it is under the literal PGD; under the attack that keeps the label of the
# clean image it is ahead on both. [All pairs](all_pairs.ipynb#isotropic-smoothing) has the
# three readings side by side. At these budgets the tangents need not describe $f$.

# %%
chosen = [group for group in plan(seeds=(0,)) if group.is_primary]
results, _ = load_plan(chosen, "../results/table1")
by_pair = gains_over_uniform(
    {result.dataset: cell_percents(result) for result in results}
)
display(
    Markdown(
        table_of(
            [
                {
                    "data set": cell[0],
                    "attack": cell[1],
                    "accuracy": cell[2],
                    "SMOOTH less uniform": f"{by_pair[cell].mean():+.1f}",
                    "pairs with SMOOTH ahead": f"{(by_pair[cell] > 0).sum()} of {len(by_pair[cell])}",
                }
                for cell in by_pair
            ],
            align="lllrr",
        )
    )
)
by_tangent, by_network = (
    [gains.mean() for cell, gains in by_pair.items() if cell[1:] == scored]
    for scored in (("FGM", "approximate"), (f"PGD {PRIMARY_READING}", "true"))
)
print("FGM scored with f_L: SMOOTH ahead by over ten points:", min(by_tangent) > 10)
print("PGD scored with f: uniform noise ahead:", max(by_network) < 0)

# %% [markdown]
# ## Implication 2: an attack that is optimal whatever it meets
#
# By Lemma 2 FGM does at least as well as any attack against every defense, not only
# SMOOTH. Against forty random constants, a search over a grid of attacks finds nothing
# better; [Lemma 2](lemma_2.ipynb) does the same with mixtures. The claim is about $f_L$. It
# carries over to $f$ where the tangent has the sign of $f$ within reach of both players.
# That is enough, and not necessary: for $f(x) = x^3$ on the line the tangent is wrong near
# zero, and FGM is optimal all the same, because it moves toward the boundary of $f$.

# %%
beaten, reached = 0, 0
tried = sample_l2_ball(40, 2, epsilon, seed=seed + 2)
for defense in tried:
    best_attack = search_attack(lin, defense, epsilon=epsilon, seed=seed)
    by_fgm = expected_utility(lin, step, defense, epsilon=epsilon).value
    beaten += best_attack.value > by_fgm + 1e-12
    reached += abs(best_attack.value - by_fgm) < 1e-12
print(f"defenses against which the search beats FGM: {beaten} of {len(tried)}")
print(f"defenses against which it finds as much: {reached} of {len(tried)}")
cubic = Linearization(
    logits=torch.ones(1, dtype=torch.float64),
    gradients=torch.full((1, 1), 3.0, dtype=torch.float64),
)  # f(x) = x^3 and its slope, at x = 1
moves = torch.linspace(-1.0, 1.0, 81, dtype=torch.float64)[:, None]
reached_points = 1.0 + moves  # by the defender alone
wins = ((reached_points + moves.T) ** 3 < 0).any(dim=1)  # for some attack
by_step = ((reached_points + fgm(cubic, 1.0)) ** 3 < 0)[:, 0]
tangent = 1.0 + 3.0 * moves
print("a tangent of x^3 has a wrong sign:", bool((tangent * reached_points < 0).any()))
print("and FGM wins wherever an attack does:", torch.equal(wins, by_step))

# %% [markdown]
# For every dimension, [checked by Coq](machine_checked_proofs.md):
#
# ```{coq} implication_2
# ```

# %% [markdown]
# ## Implication 3: winner takes all
#
# The value $1 - 2\phi(v^*)$ is $-1$ if one $v$ lies in almost every robust set, and the
# defender wins all. It is $1$ if almost every robust set is empty, and the attacker
# wins all. The first happens, for example at budgets below the smallest margin. The second
# cannot happen with equal budgets: the defender who plays $-a_{\mathrm{FGM}}(x)$
# undoes FGM, so $R(x)$ contains it, with slack $|f(x)|$. So on a sample $\phi_n(v^*) > 0$
# as soon as $f$ is nonzero at one input. A larger budget makes the attacker's clean win possible: $R(x)$ is
# empty exactly if the margin plus the defender's budget is less than the attacker's.

# %%
small, least = 0.4, float(lin.margins.min())
print("the budget is below the least margin:", small < least)
print("then the value is:", equilibrium(lin, epsilon=small).value)
opposite = -fgm(many, epsilon)
held = bool(sets.contains(opposite).diagonal().all())
print("the reverse of FGM lies in every R(x):", held)
slack = (sets.normals * opposite).sum(1) + sets.offsets
print("with slack |f(x)|:", torch.allclose(slack, many.logits.abs()))
larger = 1.01 * (epsilon + float(lin.margins.max()))
won = equilibrium(lin, epsilon=epsilon, attack_epsilon=larger)
print("an attacker with a budget above all margins plus the defender's:", won.value)
for extra in (0.99, 1.01):
    reach = epsilon + extra * float(lin.margins.median())
    rows = RobustSets.from_linearization(lin, epsilon, attack_epsilon=reach)
    most = rows.offsets + epsilon * l2_norm(rows.normals)  # at the best v of the ball
    empty = lin.margins + epsilon < reach
    same = torch.equal(most < 0, empty)
    print(f"empty sets: {int(empty.sum())}, and exactly as the margins say: {same}")

# %% [markdown]
# [Checked by Coq](machine_checked_proofs.md) are the extremes, that the reverse of FGM is in $R(x)$
# where $f(x) \ne 0$, and, for finitely many inputs, that then $\phi(v^*) > 0$.
#
# ```{coq} implication_3 undoing_fgm
# ```
#
# ```{coq} attacker_cannot_win_all
# ```

# %% [markdown]
# If $f$ is linear on the whole space, more is true: $\phi(v^*) \ge 1/2$. All rows $c_i$ are
# then the gradient or its reverse, and one of the two vectors of length $\epsilon$ along it
# covers at least half of the inputs where $f \ne 0$. So on linear classifiers no attacker with
# the defender's budget gets more than $0$.

# %%
draws = torch.Generator().manual_seed(seed + 9)
slope = torch.randn(5, generator=draws, dtype=torch.float64)
inputs = torch.randn(101, 5, generator=draws, dtype=torch.float64)
straight = Linearization(
    logits=inputs @ slope, gradients=slope.expand(101, 5).contiguous()
)
values = [equilibrium(straight, epsilon=budget).value for budget in (0.1, 1.0, 10.0)]
print("from a linear classifier the attacker gets at most 0:", max(values) <= 0)

# %% [markdown]
# Between the extremes the value climbs in steps as the budget grows. On a sample with
# equal budgets and rows $c_i$ of different directions it ends at $1 - 2/n$: the caps
# $R(x_i)$ keep their height while the ball grows, until no two of them meet, and one input
# is all that the defender can save.

# %%
budgets = np.geomspace(0.2, 100.0, 100)
curves = {
    "equal budgets": [equilibrium(lin, epsilon=b).value for b in budgets],
    "attacker has 1.5 times": [
        equilibrium(lin, epsilon=b, attack_epsilon=1.5 * b).value for b in budgets
    ],
}
equal, more = map(np.array, curves.values())
for name, curve in curves.items():
    climbs = bool((np.diff(curve) >= -1e-12).all())
    print(f"{name}: the value never falls: {climbs}, steps: {len(set(curve)) - 1}")
print("equal budgets end at 1 - 2/n:", abs(equal[-1] - (1 - 2 / num)) < 1e-12)
print("with 1.5 times the budget the attacker wins all in the end:", more[-1] == 1.0)
print("and never gets less:", bool((more >= equal - 1e-12).all()))
plot_value_against_budget(budgets, curves)
