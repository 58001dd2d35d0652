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
# # Lemma 3: smoothing answers FGM
#
# :::{prf:lemma} Lemma 3 of the paper: randomized smoothing is a best response to FGM
# :label: paper-lemma-3
# :nonumber:
#
# Let $\phi(v)$ be the share of inputs whose robust set contains $v$, Eq. (4), and let
# $V^*$ be the set of its maximizers in $V$. The strategy $s_{\mathrm{SMOOTH}}$ draws
# uniformly from $V^*$. Then for every strategy $s_D$ of the defender
#
# $$\bar u_D(s_{\mathrm{FGM}}, s_{\mathrm{SMOOTH}}) \ge
#   \bar u_D(s_{\mathrm{FGM}}, s_D).$$
# :::
#
# **The idea.** Fix the attack to FGM. By Lemma 1 and the proof of Lemma 2, an input $x$
# keeps its label under FGM and $v$ exactly if $v$ lies in $R(x)$. So the defender gets
# $+1$ on a share $\phi(v)$ of the inputs and $-1$ on the rest, which is $2\phi(v) - 1$ for
# a constant $v$. The game has become a search for the point of $V$ where the most robust
# sets overlap.
#
# A randomized defender draws $v$ from some distribution. His utility is the average of
# $2\phi(v) - 1$ over it, and an average is at most the maximum. Equality needs all of the
# probability on maximizers. A uniform draw from $V^*$ is one such strategy, a single
# maximizer is another, and so is everything between. The lemma says nothing in favor of
# drawing uniformly. It says that it does not hurt.
#
# *This page speaks of the tangents $f_L$. Whether they may stand for a trained network is measured
# in [](local_linearity.ipynb): at the budgets of the tables they may not.*

# %% [markdown]
# ## The lemma in every dimension, checked by Coq
#
# Here it is for a proof assistant, which has [checked it](machine_checked_proofs.md) for every
# real inner product space and for two budgets. `best` is $V^*$, and `smooth` is every strategy that
# plays in $V^*$ with probability one.
#
# ```{coq} phi best smooth measures_robust_sets equation_37 lemma_3
# ```
#
# Assumed are monotone averages, that $p_X$ measures the sets $\{x : v \in R(x)\}$, and a maximizer
# `v_star`. For finitely many inputs that, too, is proved:
#
# ```{coq} maximizer_exists
# ```
#
# Left out: a maximizer for a density $p_X$, whose [proof](#existence-of-v) is below, and the
# order of integration, Eq. (34), since Eq. (2) is written with the inputs innermost.

# %% [markdown]
# ## Parameters

# %% tags=["parameters"]
seed = 0  # of all draws, from 0 to 2**32
epsilon = 1.0  # the budget of both players, from 0.9 to 1.1: three best places

# %%
import math
from collections import Counter

import numpy as np
import torch
from IPython.display import Markdown
from scipy.stats import chisquare

from experiments.figures.lemma_3 import plot_maximizer_set
from experiments.figures.markdown import table_of
from paper_lib.arrangement import cells
from paper_lib.attacks import fgm
from paper_lib.checks import check_between, check_count
from paper_lib.defense import (
    HitAndRunConfig,
    draw_maximizers,
    maximize_coverage,
    maximizer_set,
)
from paper_lib.game import (
    ConstantDefense,
    Mixture,
    PointwiseDefense,
    defender_best_response,
    equilibrium,
    expected_utility,
    exploitability,
    point_payoffs,
    smooth,
    utility,
)
from paper_lib.geometry import disc_grid, l2_norm, sample_l2_ball
from paper_lib.linearize import Linearization
from paper_lib.plotting.half_planes import plot_half_planes
from paper_lib.robust_sets import RobustSets

torch.set_num_threads(1)
seed = check_count(seed, "seed", 0, 2**32)
epsilon = check_between(epsilon, "epsilon", 0.9, 1.1)

# %% [markdown]
# (existence-of-v)=
# ## A best place exists
#
# SMOOTH plays maximizers of $\phi$, and a supremum need not be attained. For a sample it
# is, since $\phi_n$ takes finitely many values. For a distribution $p_X$ it is for another
# reason, of which the paper says nothing.
#
# :::{prf:proof}
# Every $R(x)$ is closed: Eq. (3) is an inequality with $\ge$, and where $f(x) = 0$ the set
# is empty. So if $v_k \to v$ in $V$, then $\limsup_k \mathbf 1[v_k \in R(x)] \le
# \mathbf 1[v \in R(x)]$ for each $x$. All of these functions are at most 1, and Fatou's lemma
# for $1 - \mathbf 1[v_k \in R(x)]$ gives
#
# $$\limsup_k \phi(v_k) \le \int \limsup_k \mathbf 1[v_k \in R(x)]\, p_X(x)\, dx
#   \le \phi(v).$$
#
# So $\phi$ is upper semicontinuous. On the compact ball $V$ such a function attains its
# maximum, and $V^* = \{v \in V : \phi(v) \ge \max \phi\}$ is closed.
# :::
#
# Two things follow that the proof of the lemma needs. $V^*$ is compact, so a Borel set,
# which a strategy can play in with probability one. And $\phi$ is measurable. For the order
# of integration, Eq. (34), the utility has to be measurable in $x$ and $v$ together: the
# left side of Eq. (3) is continuous in $v$, and measurable in $x$ if $f$ and $\nabla f$ are.
#
# It is the convention on [landing on the boundary](reading_notes.md#landing-on-the-boundary)
# that makes $R(x)$ closed. Without it a maximizer may be missing. On the line let $f(x) =
# x$, with half of the inputs at $-\epsilon$ and the others spread evenly over $[0,
# 2\epsilon]$. With closed sets the maximum $3/4$ is at $v = 0$. With open ones $\phi$ comes as
# close to $3/4$ as one likes, from below zero, and falls to $1/4$ at zero.

# %%
spread = epsilon * (torch.arange(1000, dtype=torch.float64) + 0.5) / 500
on_line = torch.cat([torch.full_like(spread, -epsilon), spread])
half_lines = RobustSets.from_linearization(
    Linearization(logits=on_line, gradients=torch.ones(2000, 1).double()), epsilon
)
tries = epsilon * torch.arange(-1000, 1001, dtype=torch.float64)[:, None] / 1000
slack = tries @ half_lines.normals.T + half_lines.offsets
closed, opened = ((one.double()).mean(dim=1) for one in (slack >= 0, slack > 0))
print(
    f"closed sets: phi is largest at 0, where it is {float(closed[1000]):.2f}:", end=" "
)
print(bool(closed[1000] == closed.max()))
below, at = float(opened[999]), float(opened[1000])
print(f"open sets: phi just below 0 is {below:.2f}, at 0 it is {at:.2f}")

# %% [markdown]
# ## A game with three best places
#
# Three inputs, each given by its logit $f(x_i)$ and gradient $\nabla f(x_i)$. This is all
# that the game knows of a classifier. Any two of the three robust sets overlap, and all
# three do not. So $\phi$ is at most $2/3$, and there are three places where it is reached.
# Each shade in the figure is a count; the ticks on a line point to the side that holds.

# %%
lin = Linearization(
    logits=torch.tensor([0.8, -0.73, 0.59], dtype=torch.float64),
    gradients=torch.tensor([[1.0, 0.0], [0.5, -0.9], [-0.5, -0.8]]).double(),
)
sets = RobustSets.from_linearization(lin, epsilon)
attack = fgm(lin, epsilon)
best = maximizer_set(sets)
print("maximum of phi:", f"{best.count} of {len(lin.logits)} inputs")
print("parts of V*:", len(best.cells))
plot_half_planes(sets)

# %% [markdown]
# ## The proof, step by step
#
# Let $s_D$ play one of four constants. The space of strategies is then finite, the
# integrals are sums, and each line of Appendix C can be computed. Rows of `score` are
# inputs, columns are the four constants.
#
# **Eqs. (30) and (31).** The expectation is the weighted sum over all pairs.

# %%
constants = sample_l2_ball(4, 2, epsilon, seed=seed)
weights = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
defender = Mixture(tuple(map(ConstantDefense, constants)), tuple(weights.tolist()))
by_library = -expected_utility(lin, attack, defender, epsilon=epsilon).value  # (30)
score = -torch.stack([utility(lin, attack, v) for v in constants], dim=1)
by_sum = float((score * weights).sum(1).mean())  # (31)
print("(30) = (31):", abs(by_library - by_sum) < 1e-12)

# %% [markdown]
# **Eqs. (32) and (33).** The sum is split by whether $d(x)$ lies in the robust set, Lemma 1,
# and on each part the utility is a constant. The second line checks this entry by entry:
# `score` comes from Eq. (1) alone, `inside` from Eq. (3) alone.

# %%
inside = sets.contains(constants).T.double()
in_part = float((score * inside * weights).sum(1).mean())
out_part = float((score * (1 - inside) * weights).sum(1).mean())
print("(31) = (32):", abs(by_sum - in_part - out_part) < 1e-12)
print("+1 in R(x), -1 off it, in every entry:", torch.equal(score, 2 * inside - 1))
split = ((1 * inside - 1 * (1 - inside)) * weights).sum(1).mean()  # (33)
print("(32) = (33):", abs(in_part + out_part - float(split)) < 1e-12)

# %% [markdown]
# **Eq. (34).** The sums change places. For integrals this is Fubini's theorem, which needs
# the utility to be measurable and the integral of its absolute value to be finite. That
# value is 1 everywhere, so the integral is 1.
#
# **Eqs. (35) to (37).** The inner sum over inputs is $\phi(v_d)$, and for the inputs left
# over it is $1 - \phi(v_d)$. What remains is an average of $2\phi(v_d) - 1$.

# %%
swapped = ((1 * inside - 1 * (1 - inside)).mean(0) * weights).sum()  # (34)
phi = sets.coverage(constants)
first = float((phi * weights).sum() - ((1 - inside).mean(0) * weights).sum())  # (35)
second = float((phi * weights).sum() - ((1 - phi) * weights).sum())  # (36)
third = float(((2 * phi - 1) * weights).sum())  # (37)
print("(33) = (34):", abs(float(split - swapped)) < 1e-12)
print("(34) = (35):", abs(float(swapped) - first) < 1e-12)
print("(35) = (36):", abs(first - second) < 1e-12)
print("(36) = (37):", abs(second - third) < 1e-12)
print("(37) is what (30) was:", abs(third - by_library) < 1e-12)

# %% [markdown]
# **Eq. (38).** An average is at most the maximum. Here are 2,000 random mixtures of four
# constants each; none passes the bound. It is an equality exactly for the mixtures that
# play in $V^*$ alone. To see both cases, half of the mixtures are made of draws from $V^*$.

# %%
bound = 2 * best.coverage - 1
anywhere = sample_l2_ball(4000, 2, epsilon, seed=seed + 1).reshape(1000, 4, 2)
in_best = best.draw(4000, seed).reshape(1000, 4, 2)
plays = torch.cat([anywhere, in_best])
shares = torch.rand(
    2000, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
)
shares = shares / shares.sum(1, keepdim=True)
covered = sets.coverage(plays.reshape(-1, 2)).reshape(2000, 4)
utilities = ((2 * covered - 1) * shares).sum(1)
all_in = (covered == best.coverage).all(1)
print("(38), no mixture passes the bound:", bool((utilities <= bound + 1e-12).all()))
reached = torch.equal(utilities >= bound - 1e-12, all_in)
print(f"it is reached by those that play in V* alone, and by no other: {reached}")
print("mixtures with a play off V*:", int((~all_in).sum()) > 900)

# %% [markdown]
# **Eqs. (39) to (42).** Now $s_{\mathrm{SMOOTH}}$ itself. Its density is one over the area
# of $V^*$ on $V^*$, and zero elsewhere. So the integral over all strategies is the one over
# $F^*$, the integrand is a constant there, and the density integrates to one.

# %%
drawn = smooth(sets).draw(10_000, seed)
at_most = sets.coverage(drawn) == best.coverage
print("(39) = (40), no draw leaves V*:", bool(at_most.all()))
print("(40) = (41), phi is one number on V*:", len(sets.coverage(drawn).unique()) == 1)
density = 1 / sum(best.areas)
total = sum(density * area for area in best.areas)
print("(41) = (42), the density integrates to 1:", abs(total - 1) < 1e-12)
by_draws = -expected_utility(lin, attack, smooth(sets), epsilon=epsilon).value
print("(42), the utility of SMOOTH is 2 phi(v*) - 1:", abs(by_draws - bound) < 1e-12)

# %% [markdown]
# The last line estimates from draws, and has no error all the same: each draw scores the
# same number.
#
# ## The lemma from the outside
#
# The proof used robust sets throughout. A second check does without. `defender_best_response`
# takes an attack as a list of vectors and looks for the best constant with Eq. (1); that the
# attack is FGM it does not know. A fine grid over the disc is a third way. Neither finds
# anything better than SMOOTH. The same is then done for random games in dimensions 1 to 4.

# %%
answer = defender_best_response(lin, attack, epsilon=epsilon)
print("the best constant gets what SMOOTH gets:", abs(answer.value + bound) < 1e-12)
print("and nothing better exists:", answer.is_exact)
grid = disc_grid(epsilon, num_rings=40, num_angles=180)
on_grid = point_payoffs(lin, attack[:, None], grid).mean(axis=0)
print("no point of the grid is better:", bool(-on_grid.min() <= bound + 1e-12))

# %%
agree, gains = 0, []
for case in range(24):
    draws = torch.Generator().manual_seed(1000 + case)
    slopes = torch.randn(9, 1 + case % 4, generator=draws, dtype=torch.float64)
    heights = 1.2 * l2_norm(slopes) * torch.randn(9, generator=draws).double()
    game = Linearization(logits=heights, gradients=slopes)
    step = fgm(game, epsilon)
    smoothing = maximize_coverage(RobustSets.from_linearization(game, epsilon))
    response = defender_best_response(game, step, epsilon=epsilon)
    played = float(utility(game, step, smoothing.perturbation).mean())
    agree += response.is_exact and abs(response.value - played) < 1e-12
    others = sample_l2_ball(300, slopes.shape[1], epsilon, seed=case)
    gains.append(played - point_payoffs(game, step[:, None], others).mean(axis=0).min())
print("games in which SMOOTH is a best response:", agree, "of", len(gains))
print("games in which a random constant does better:", sum(g > 1e-12 for g in gains))

# %% [markdown]
# ## What V* looks like
#
# For a sample, $\phi_n$ is constant on each cell that the boundary lines cut out of the
# disc. $V^*$ is the union of the fullest cells, each convex and closed. There may be many
# of them. The figure shows 600 uniform draws, and for each cell its share of the area.

# %%
plot_maximizer_set(best, draws=best.draw(600, seed))

# %%
numbers = Counter()
for case in range(40):
    draws = torch.Generator().manual_seed(2000 + case)
    slopes = torch.randn(9, 2, generator=draws, dtype=torch.float64)
    heights = 0.8 * l2_norm(slopes) * torch.rand(9, generator=draws).double()
    game = Linearization(logits=heights, gradients=slopes)
    found = maximizer_set(RobustSets.from_linearization(game, epsilon))
    numbers[len(found.cells)] += 1
Markdown(
    table_of(
        {
            "cells of V*": k,
            "random games of nine inputs": numbers[k],
        }
        for k in sorted(numbers)
    )
)

# %% [markdown]
# ## Are the draws uniform?
#
# The areas of the cells are known exactly, from segments and arcs. So uniform draws can be
# tested. Lines through each cell cut it into smaller bins, so that the test sees inside the
# cells too. Draws are counted in each bin and compared with its area by a chi-square test.
# The control is a sampler that picks one of the three cells with equal probability: the
# test has to reject it.

# %%
rows = torch.cat([sets.normals, torch.tensor([[1.0, 0.3], [-0.4, 1.0]] * 3).double()])
middles = np.repeat([cell.interior for cell in best.cells], 2, axis=0)
through = -(rows[3:] * torch.from_numpy(middles)).sum(1)
offsets = torch.cat([sets.offsets, through])
bins = [
    cell
    for cell in cells(rows.numpy(), offsets.numpy(), epsilon)
    if cell.satisfied[:3].sum() == best.count
]
areas = np.array([cell.area for cell in bins])
sides = (drawn @ rows.T + offsets >= 0).numpy()
counts = np.array([(sides == cell.satisfied).all(axis=1).sum() for cell in bins])
test = chisquare(counts, counts.sum() * areas / areas.sum())
print("bins tile V*:", abs(areas.sum() - sum(best.areas)) < 1e-12)
print("at least three bins a cell:", len(bins) >= 9)
print("each draw in one bin:", int(counts.sum()) == len(drawn))
print("uniform draws pass:", bool(test.pvalue > 1e-6))
of_cell = [(sides[:, :3] == cell.satisfied).all(axis=1) for cell in best.cells]
equal = np.concatenate([sides[one][: min(map(sum, of_cell))] for one in of_cell])
counts = np.array([(equal == cell.satisfied).all(axis=1).sum() for cell in bins])
test = chisquare(counts, counts.sum() * areas / areas.sum())
print("draws that ignore areas are rejected:", bool(test.pvalue < 1e-6))

# %% [markdown]
# ## V* without volume
#
# A uniform distribution needs a set with volume, and $V^*$ may have none. Take three
# half-planes at angles of 120 degrees whose boundaries pass through $0$. This is the case
# of three inputs that all have margin $\epsilon$. All three contain $v = 0$, and no other
# $v$ lies in more than two. So $V^*$ is one point. "Uniform on $V^*$" is then read as the
# point mass, and the lemma stays true, because its proof asks for nothing but
# probability one on $V^*$.

# %%
angles = torch.tensor([0.0, 2.0, 4.0], dtype=torch.float64) * math.pi / 3
star = RobustSets(
    normals=torch.stack([angles.cos(), angles.sin()], dim=1),
    offsets=torch.zeros(3, dtype=torch.float64),
    epsilon=epsilon,
)
point = maximizer_set(star)
turn = torch.arange(720, dtype=torch.float64) * math.pi / 360
circle = torch.stack([turn.cos(), turn.sin()], dim=1)
elsewhere = max(
    float(star.coverage(r * epsilon * circle).max()) for r in (1e-9, 0.1, 0.99)
)
print("phi(0):", star.coverage(torch.zeros(2, dtype=torch.float64)))
print("V* has no volume:", not point.has_volume)
print("on circles around 0, phi is at most 2/3:", elsewhere <= 2 / 3)
print("SMOOTH still plays, and plays 0:", float(smooth(star).draw(5, seed).norm()) == 0)
plot_maximizer_set(point)

# %% [markdown]
# ## Many dimensions: hit-and-run, and its limits
#
# In 784 dimensions nobody lists cells. But from one maximizer its cell is known: it is
# convex, the half-spaces that hold there cut with the ball. Hit-and-run walks in it
# {cite:p}`smith1984efficient`: choose a random direction, find where that line leaves the
# set, move to a uniform point between. Several chains from distant starts are compared.
# If they disagree, or if their draws depend too much on one another, the result says so.
# R-hat compares the spread of all chains with that within each; it is 1 where they
# agree, and more than 1.01 is too much {cite:p}`vehtari2021rank`. The control keeps the
# number of draws, and takes one step between them where the others take sixty. Its
# draws are maximizers too, but eight chains that have hardly moved are no uniform draws.

# %%
draws = torch.Generator().manual_seed(5)
slopes = torch.randn(30, 6, generator=draws, dtype=torch.float64)
heights = l2_norm(slopes) * torch.rand(30, generator=draws).double()
game = Linearization(logits=heights, gradients=slopes)
wide = RobustSets.from_linearization(game, epsilon)
slow, hasty = HitAndRunConfig(thin=60, burn_in=4), HitAndRunConfig(thin=1, burn_in=0)
long = draw_maximizers(wide, 1600, config=slow, seed=seed)
short = draw_maximizers(wide, 1600, config=hasty, seed=seed)
all_best = bool((wide.coverage(long.points) == long.solution.coverage).all())
print("every draw is a maximizer:", all_best)
print("proven to be one:", long.is_maximal)
runs, apart = {60: long, 1: short}, {}
for steps, run in runs.items():
    by_chain = run.points.reshape(HitAndRunConfig().num_chains, -1, 6)
    apart[steps] = (by_chain.mean(dim=1).std(dim=0) / run.points.std(dim=0)).max()
Markdown(
    table_of(
        {
            "steps between draws": steps,
            "R-hat": f"{runs[steps].r_hat:.1f}",
            "above 1.01": runs[steps].r_hat > 1.01,
            "means of chains differ by a fifth of the spread": bool(apart[steps] > 0.2),
            "worth half as many independent draws": runs[steps].effective_size
            > len(runs[steps].points) / 2,
            "said to be mixed": runs[steps].is_mixed,
        }
        for steps in runs
    )
)

# %% [markdown]
# Three limits. The walk sees one cell, not all of $V^*$. How many steps it needs grows with
# the dimension and with how thin the cell is. And agreement of the chains is evidence, not
# proof. The first limit is easy to show: give the three inputs from above a third
# coordinate that the classifier ignores. $V^*$ still has three parts, and the draws stay in
# one. For the lemma this is no loss, since each draw is a maximizer. It is just not the
# uniform distribution on $V^*$.

# %%
flat = torch.nn.functional.pad(lin.gradients, (0, 1))
deep = RobustSets.from_linearization(
    Linearization(logits=lin.logits, gradients=flat), epsilon
)
walk = draw_maximizers(deep, 1600, seed=seed)
print("method:", walk.method, "| draws are of a part of V*:", not walk.is_complete)
all_best = bool((deep.coverage(walk.points) == best.coverage).all())
print("every draw is a maximizer:", all_best)
seen = len(deep.contains(walk.points).unique(dim=0))
print(f"cells seen: {seen} of {len(best.cells)}")

# %% [markdown]
# **What an estimate from such draws is worth.** Against FGM every maximizer gets the same,
# and draws have no error to speak of. Against another attack they do. Hoeffding's
# inequality is about independent draws, and these are not: so `expected_utility` counts
# them as their effective size, the number of independent draws they are worth. That is
# an estimate itself, and the confidence is approximate. Where the chains have not mixed
# there is nothing to stand on, and the interval is all that is possible. Here the attack
# is a short step of FGM's the wrong way. In three dimensions independent draws from the
# same cell can be had by rejection, and tell what the interval should hold.

# %%
in_space = Linearization(logits=lin.logits, gradients=flat)
other_way = -0.2 * fgm(in_space, epsilon)
estimates = {
    name: expected_utility(
        in_space,
        other_way,
        smooth(deep, solution=walk.solution, config=config),
        num_draws=1000,
        seed=seed,
    )
    for name, config in {"default steps": None, "one step": hasty}.items()
}
tried = sample_l2_ball(20_000, 3, epsilon, seed=seed)
same_cell = (deep.contains(tried) == deep.contains(walk.points[0])).all(dim=1)
by_rejection = float(
    point_payoffs(in_space, other_way[:, None], tried[same_cell]).mean()
)
for name, estimate in estimates.items():
    width = estimate.high - estimate.low
    print(
        f"{name}: independent: {estimate.is_independent} | mixed: {estimate.is_mixed}"
        f" | worth as many as were drawn: {estimate.effective_size >= 1000}"
        f" | width of the interval: {width:.1f}"
    )
sound = estimates["default steps"]
print("the interval holds the mean:", sound.low <= by_rejection <= sound.high)
by_fgm = 1 - 2 * walk.solution.coverage
print("and not what FGM gets in the same cell:", not sound.low <= by_fgm <= sound.high)

# %% [markdown]
# ## Different budgets
#
# The paper gives both players the same budget. The proof does not use it. With budget
# $\epsilon_A$ for the attacker and $\epsilon_D$ for the defender, $\epsilon_A$ enters the
# half-spaces and $\epsilon_D$ the ball, and nothing else changes.

# %%
for reach in (0.5, 0.9, 1.5):
    pair = equilibrium(lin, epsilon=epsilon, attack_epsilon=reach)
    found = exploitability(
        lin, pair.attacker, pair.defender, epsilon=epsilon, attack_epsilon=reach
    )
    print(
        f"attacker {reach}, defender {epsilon}: phi(v*) ="
        f" {round(pair.solution.coverage * len(lin.logits))}/{len(lin.logits)},"
        " the defender gains nothing by leaving:",
        found.defender_gain <= 1e-12,
    )

# %% [markdown]
# ## Where it must fail
#
# Each control breaks one part of the lemma. The defender then gains by leaving, or beats
# SMOOTH, by more than 0.01. The game is another one, of five inputs.
#
# - *$v$ off $V^*$*: the reverse of a maximizer.
# - *No defense*: $v = 0$.
# - *The wrong budget*: a maximizer of $\phi$ for an attacker with 0.8 of the budget.
# - *Another attack*: SMOOTH against an attacker who plays FGM with half of the budget.
#   Lemma 3 is about FGM alone. The answer to a weaker attack is another one.
# - *A defender who sees the clean $x$*: he plays $-a_{\mathrm{FGM}}(x)$ at each $x$. The
#   lemma compares constants; a function of $x$ saves every input.

# %%
five = Linearization(
    logits=torch.tensor([0.75, -0.875, 0.5, -1.0, 0.875], dtype=torch.float64),
    gradients=torch.tensor(
        [[1.0, 0.0], [1.0, -0.25], [0.25, 1.0], [-0.25, 1.5], [-0.75, 0.5]]
    ).double(),
)
pair = equilibrium(five, epsilon=epsilon)
step, v = pair.attacker.perturbations, pair.defender.perturbation
for_less = maximize_coverage(
    RobustSets.from_linearization(five, epsilon, attack_epsilon=0.8 * epsilon)
).perturbation
controls = {
    "SMOOTH itself": (step, v),
    "v off V*": (step, -v),
    "no defense": (step, 0 * v),
    "the wrong budget": (step, for_less),
    "another attack": (fgm(five, 0.5 * epsilon), v),
}
gains = {
    name: exploitability(five, *played, epsilon=epsilon).defender_gain
    for name, played in controls.items()
}
Markdown(
    table_of(
        {
            "played": name,
            "the defender gains": f"{gains[name]:.2f}",
            "more than 0.01": gains[name] > 0.01,
        }
        for name in gains
    )
)

# %%
seeing = PointwiseDefense(-step)
found = expected_utility(five, step, seeing, epsilon=epsilon)
print("SMOOTH gets:", f"{-pair.value:.2f}", "| who sees x gets:", f"{-found.value:.2f}")
print("by more than 0.01:", -found.value + pair.value > 0.01)
