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
# **What should the defender play, when the attacker plays FGM?**
#
# ```{outcomes}
# ```
#
# ```{index} ! SMOOTH
# ```
#
# *This page speaks of the tangents $f_L$. Whether they may stand for a trained network is measured
# in [](local_linearity.ipynb): at the budgets of the tables they may not.*

# %% mystnb={"code_prompt_show": "Show the parameters", "code_prompt_hide": "Hide the parameters"} tags=["parameters", "hide-input"]
seed = 0  # of all draws, from 0 to 2**32
epsilon = 1.0  # the budget of both players, from 0.9 to 1.1: three best places

# %% mystnb={"code_prompt_show": "Show the set-up and the game", "code_prompt_hide": "Hide the set-up and the game"} tags=["hide-input"]
import math
from collections import Counter

import numpy as np
import torch
from IPython.display import Markdown
from scipy.stats import chisquare

from experiments.figures.checks_table import Check, ChecksTable
from experiments.figures.lemma_1 import plot_maximizer_set
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

lin = Linearization(
    logits=torch.tensor([0.8, -0.73, 0.59], dtype=torch.float64),
    gradients=torch.tensor([[1.0, 0.0], [0.5, -0.9], [-0.5, -0.8]]).double(),
)
sets = RobustSets.from_linearization(lin, epsilon)

# %% [markdown]
# ## A game with three best places
#
# Three inputs, each given by its logit $f(x_i)$ and gradient $\nabla f(x_i)$. This is all
# that the game knows of a classifier. Any two of the three robust sets overlap, and all
# three do not. So the coverage $\phi$, the share of inputs whose robust set contains $v$, is at most $2/3$, and there are
# three places where it is reached.

# %% mystnb={"figure": {"caption": "Three robust sets in the ball V, by Lemma 1. Each shade is a count of sets that hold; the ticks on a line point to the side that holds.", "name": "fig-lemma-3-sets"}, "image": {"alt": "The disc of all v cut by three lines into seven cells: a white triangle in the middle that is in no robust set, gray cells around it that are in one, and three separate dark corners at the rim that are in two. A star marks a maximizer, 2 of 3."}} tags=["hide-input"]
plot_half_planes(sets)

# %% [markdown]
# ## The statement
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

# %% [markdown]
# ## SMOOTH in code
#
# Eq. (4), and the calls for a game of your own: `lin` holds the logits and gradients of the inputs. The last call
# looks for the best constant with Eq. (1) alone. That the attack is FGM it does not know.

# %%
attack = fgm(lin, epsilon)
best = maximizer_set(sets)
v = best.draw(1, seed)[0]
robust = sets.normals @ v + sets.offsets >= 0
phi_of_v = float(robust.double().mean())  # Eq. (4)
at_smooth = -expected_utility(lin, attack, smooth(sets), epsilon=epsilon).value
answer = defender_best_response(lin, attack, epsilon=epsilon)
print(f"V* has {len(best.cells)} parts, with {best.count} of {len(robust)} inputs each")
print(f"2 phi(v) - 1 at a draw: {2 * phi_of_v - 1:+.4f}")
print(f"SMOOTH gets             {at_smooth:+.4f}")
print(f"the best constant gets  {-answer.value:+.4f}")

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
# that makes $R(x)$ closed. Without it a maximizer [may be missing](#landing-on-the-boundary-as-a-flip).

# %% [markdown]
# ## The lemma in every dimension, checked by Coq
#
# Here it is for a proof assistant, which has [checked it](machine_checked_proofs.md) for every
# real inner product space and for two budgets. `best` is $V^*$, and `smooth` is every strategy that
# plays in $V^*$ with probability one.
#
# :::{dropdown} The statements as Coq has them
# ```{coq} phi best smooth measures_robust_sets equation_37 lemma_3
# ```
#
# For finitely many inputs a maximizer, too, is proved:
#
# ```{coq} maximizer_exists
# ```
# :::
#
# Assumed are monotone averages, that $p_X$ measures the sets $\{x : v \in R(x)\}$, and a maximizer
# `v_star`, which is proved to exist for finitely many inputs.
# Left out: a maximizer for a density $p_X$, whose [proof](#existence-of-v) is above, and the
# order of integration, Eq. (34), since Eq. (2) is written with the inputs innermost.

# %% [markdown]
# ## The proof, step by step
#
# Let $s_D$ play one of four constants. The space of strategies is then finite, the
# integrals are sums, and each line of Appendix C can be computed.
#
# **Eqs. (30) and (31).** The expectation is the weighted sum over all pairs of an input and a constant.
#
# **Eqs. (32) and (33).** The sum is split by whether $d(x)$ lies in the robust set, Lemma 1,
# and on each part the utility is a constant. The check goes entry by entry: utilities
# come from Eq. (1) alone, memberships from Eq. (3) alone.
#
# **Eq. (34).** The sums change places. For integrals this is Fubini's theorem, which needs
# the utility to be measurable and the integral of its absolute value to be finite. That
# value is 1 everywhere, so the integral is 1.
#
# **Eqs. (35) to (37).** The inner sum over inputs is $\phi(v_d)$, and for the inputs left
# over it is $1 - \phi(v_d)$. What remains is an average of $2\phi(v_d) - 1$.
#
# **Eq. (38).** An average is at most the maximum. Here are 2,000 random mixtures of four
# constants each; none passes the bound. It is an equality exactly for the mixtures that
# play in $V^*$ alone. To see both cases, half of the mixtures are made of draws from $V^*$.
#
# **Eqs. (39) to (42).** Now $s_{\mathrm{SMOOTH}}$ itself. Its density is one over the area
# of $V^*$ on $V^*$, and zero elsewhere. So the integral over all strategies is the one over
# $F^*$, the integrand is a constant there, and the density integrates to one.
# The expected utility is then estimated from draws, and has no error all the same: each draw scores the
# same number.

# %% mystnb={"code_prompt_show": "Show the checks of these steps", "code_prompt_hide": "Hide the checks of these steps"} tags=["hide-input"]
of_steps = "tests/book/test_lemma_3_steps.py::"
of_game = "tests/paper_lib/game/"
of_notes = "tests/book/test_reading_notes.py::"
of_draws = "tests/paper_lib/defense/draws/"

# Eqs. (30) and (31). Rows of the score are inputs, columns are the four constants.
constants = sample_l2_ball(4, 2, epsilon, seed=seed)
weights = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
defender = Mixture(tuple(map(ConstantDefense, constants)), tuple(weights.tolist()))
by_30 = -expected_utility(lin, attack, defender, epsilon=epsilon).value
score = -torch.stack([utility(lin, attack, v) for v in constants], dim=1)
by_31 = float((score * weights).sum(1).mean())

# Eqs. (32) and (33).
inside = sets.contains(constants).T.double()
by_32 = sum(
    float((score * part * weights).sum(1).mean()) for part in (inside, 1 - inside)
)
by_33 = float(((inside - (1 - inside)) * weights).sum(1).mean())

# Eqs. (34) to (37).
by_34 = float(((inside - (1 - inside)).mean(0) * weights).sum())
phi = sets.coverage(constants)
by_35 = float((phi * weights).sum() - ((1 - inside).mean(0) * weights).sum())
by_36 = float((phi * weights).sum() - ((1 - phi) * weights).sum())
by_37 = float(((2 * phi - 1) * weights).sum())
equal = [by_30, by_31, by_32, by_33, by_34, by_35, by_36, by_37]
checks = [
    Check(
        what="against FGM the defender gets $+1$ in $R(x)$ and $-1$ off it",
        cases=score.numel(),
        figure=f"{int(inside.sum())} in, {int((1 - inside).sum())} off",
        holds=torch.equal(score, 2 * inside - 1),
        test=of_steps + "test_plus_one_in_the_set",
    ),
    Check(
        what=r"(30) to (37): each line is the mean of $2\phi - 1$",
        cases=len(equal),
        figure=f"{by_30:+.4f}",
        holds=max(equal) - min(equal) < 1e-12,
        test=of_steps + "test_the_average_of_coverage",
    ),
]

# Eq. (38).
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
reached = torch.equal(utilities >= bound - 1e-12, all_in)
checks.append(
    Check(
        what="(38): no mixture passes the bound; those in $V^*$ alone reach it",
        cases=len(utilities),
        figure=f"{int(all_in.sum())} in V*",
        holds=bool((utilities <= bound + 1e-12).all())
        and reached
        and int((~all_in).sum()) > 900,
        test=of_steps + "test_the_bound_and_who_reaches_it",
    )
)

# Eqs. (39) to (42).
drawn = smooth(sets).draw(10_000, seed)
density = 1 / sum(best.areas)
total = sum(density * area for area in best.areas)
checks.append(
    Check(
        what=r"(39) to (42): draws stay in $V^*$, and SMOOTH gets $2\phi(v^*) - 1$",
        cases=len(drawn),
        figure=f"{at_smooth:+.4f}",
        holds=bool((sets.coverage(drawn) == best.coverage).all())
        and abs(total - 1) < 1e-12
        and abs(at_smooth - bound) < 1e-12,
        test=of_steps + "test_smooth_gets_the_bound",
    )
)

# %% [markdown]
# ## The lemma from the outside
#
# The proof used robust sets throughout. A second check does without: the best constant above was found with Eq. (1)
# and the attack as a list of vectors. A fine grid over the disc is a third way. Neither finds
# anything better than SMOOTH. The same is then done for random games in dimensions 1 to 4, where the defender plays a
# single maximizer.

# %% tags=["hide-input"]
grid = disc_grid(epsilon, num_rings=40, num_angles=180)
on_grid = point_payoffs(lin, attack[:, None], grid).mean(axis=0)
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
checks += [
    Check(
        what="no constant gets more than SMOOTH: by the best response, and on a grid",
        cases=len(grid),
        figure=f"{-answer.value:+.4f}",
        holds=answer.is_exact
        and abs(answer.value + bound) < 1e-12
        and bool(-on_grid.min() <= bound + 1e-12),
        test=of_game + "test_smoothing.py::test_smooth_itself_is_in_equilibrium",
    ),
    Check(
        what="in random games one maximizer is a best response, and no draw is better",
        cases=len(gains),
        figure=f"{agree} of {len(gains)}",
        holds=agree == len(gains) and not any(gain > 1e-12 for gain in gains),
        test=of_game + "test_gains.py::test_nobody_gains_by_leaving_fgm_against_smooth",
    ),
]

# %% [markdown]
# ## What V* looks like
#
# For a sample, $\phi_n$ is constant on each cell that the boundary lines cut out of the
# disc. $V^*$ is the union of the fullest cells, each convex and closed. There may be many
# of them; the table below counts them in random games.

# %% mystnb={"figure": {"caption": "The maximizers of the game above, in three parts, each with its share of the area, and 600 uniform draws.", "name": "fig-lemma-3-maximizers"}, "image": {"alt": "The disc of all v with three separate green cells of different size, each labeled with its share of the area and speckled with black draws. All draws lie in the cells; larger cells hold more of them."}} tags=["hide-input"]
plot_maximizer_set(best, draws=best.draw(600, seed))

# %% mystnb={"code_prompt_show": "Show how many parts random games have", "code_prompt_hide": "Hide the random games"} tags=["hide-cell"]
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


# %% tags=["hide-input"]
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
tiled = abs(areas.sum() - sum(best.areas)) < 1e-12
in_one = int(counts.sum()) == len(drawn)
passes = test.pvalue > 1e-6
of_cell = [(sides[:, :3] == cell.satisfied).all(axis=1) for cell in best.cells]
equal = np.concatenate([sides[one][: min(map(sum, of_cell))] for one in of_cell])
counts = np.array([(equal == cell.satisfied).all(axis=1).sum() for cell in bins])
test = chisquare(counts, counts.sum() * areas / areas.sum())
checks.append(
    Check(
        what="uniform draws pass the test of their bins, draws that ignore areas do not",
        cases=len(drawn),
        figure=f"{len(bins)} bins",
        holds=bool(passes and test.pvalue < 1e-6)
        and tiled
        and in_one
        and len(bins) >= 9,
        test=of_draws
        + "test_planar_maximizers.py::test_a_sampler_that_ignores_areas_is_rejected",
    )
)

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


# %% tags=["hide-input"]
draws = torch.Generator().manual_seed(5)
slopes = torch.randn(30, 6, generator=draws, dtype=torch.float64)
heights = l2_norm(slopes) * torch.rand(30, generator=draws).double()
game = Linearization(logits=heights, gradients=slopes)
wide = RobustSets.from_linearization(game, epsilon)
slow, hasty = HitAndRunConfig(thin=60, burn_in=4), HitAndRunConfig(thin=1, burn_in=0)
long = draw_maximizers(wide, 1600, config=slow, seed=seed)
short = draw_maximizers(wide, 1600, config=hasty, seed=seed)
all_best = bool((wide.coverage(long.points) == long.solution.coverage).all())
runs, apart = {60: long, 1: short}, {}
for steps, run in runs.items():
    by_chain = run.points.reshape(HitAndRunConfig().num_chains, -1, 6)
    apart[steps] = (by_chain.mean(dim=1).std(dim=0) / run.points.std(dim=0)).max()
word = {True: "yes", False: "no"}
checks.append(
    Check(
        what="in six dimensions sixty steps between draws mix the chains, one does not",
        cases=len(long.points),
        figure=f"R-hat {long.r_hat:.1f}, {short.r_hat:.1f}",
        holds=all_best
        and long.is_maximal
        and long.is_mixed
        and not short.is_mixed
        and long.r_hat <= 1.01 < short.r_hat
        and bool(apart[60] <= 0.2 < apart[1]),
        test=of_draws + "test_maximizer_draws.py::test_too_short_chains_are_noticed",
    )
)
Markdown(
    table_of(
        {
            "steps between draws": steps,
            "R-hat": f"{run.r_hat:.1f}",
            "means of chains differ by a fifth of the spread": word[
                bool(apart[steps] > 0.2)
            ],
            "worth half as many independent draws": word[
                run.effective_size > len(run.points) / 2
            ],
            "said to be mixed": word[run.is_mixed],
        }
        for steps, run in runs.items()
    )
)

# %% [markdown]
# Three limits. The walk sees one cell, not all of $V^*$. How many steps it needs grows with
# the dimension and with how thin the cell is. And agreement of the chains is evidence, not
# proof. The first limit is easy to show: give the three inputs from above a third
# coordinate that the classifier ignores. $V^*$ still has three parts, and the draws stay in
# one. For the lemma this is no loss, since each draw is a maximizer. It is just not the
# uniform distribution on $V^*$.
#
# **What an estimate from such draws is worth.** Against FGM every maximizer gets the same,
# and draws have no error to speak of. Against another attack they do. Hoeffding's
# inequality is about independent draws, and these are not: so `expected_utility` counts
# them as their effective size, the number of independent draws they are worth. That is
# an estimate itself, and the confidence is approximate. Where the chains have not mixed
# there is nothing to stand on, and the interval is all that is possible. Here the attack
# is a short step of FGM's the wrong way. In three dimensions independent draws from the
# same cell can be had by rejection, and tell what the interval should hold.


# %% tags=["hide-input"]
flat = torch.nn.functional.pad(lin.gradients, (0, 1))
deep = RobustSets.from_linearization(
    Linearization(logits=lin.logits, gradients=flat), epsilon
)
walk = draw_maximizers(deep, 1600, seed=seed)
all_best = bool((deep.coverage(walk.points) == best.coverage).all())
seen = len(deep.contains(walk.points).unique(dim=0))
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
sound, hopeless = estimates["default steps"], estimates["one step"]
by_fgm = 1 - 2 * walk.solution.coverage
checks += [
    Check(
        what="with a third coordinate all draws are maximizers, from one cell of three",
        cases=len(walk.points),
        figure=f"{seen} of {len(best.cells)} cells",
        holds=all_best
        and seen == 1
        and walk.method == "hit_and_run"
        and not walk.is_complete,
        test=of_draws + "test_maximizer_draws.py::test_draws_in_space_are_maximizers",
    ),
    Check(
        what="an estimate from mixed chains holds the mean; without mixing it is "
        "$[-1, 1]$",
        cases=1000,
        figure=f"widths {sound.high - sound.low:.1f}, "
        f"{hopeless.high - hopeless.low:.1f}",
        holds=sound.low <= by_rejection <= sound.high
        and not sound.low <= by_fgm <= sound.high
        and not sound.is_independent
        and sound.effective_size < 1000
        and (hopeless.low, hopeless.high) == (-1.0, 1.0),
        test=of_game
        + "test_smoothing.py::test_smooth_in_space_says_how_far_to_trust_its_draws",
    ),
]

# %% [markdown]
# ## Different budgets
#
# The paper gives both players the same budget. The proof does not use it. With budget
# $\epsilon_A$ for the attacker and $\epsilon_D$ for the defender, $\epsilon_A$ enters the
# half-spaces and $\epsilon_D$ the ball, and nothing else changes.


# %% tags=["hide-input"]
kept, left = [], []
for reach in (0.5, 0.9, 1.5):
    pair = equilibrium(lin, epsilon=epsilon, attack_epsilon=reach)
    found = exploitability(
        lin, pair.attacker, pair.defender, epsilon=epsilon, attack_epsilon=reach
    )
    kept.append(round(pair.solution.coverage * len(lin.logits)))
    left.append(found.defender_gain)
checks.append(
    Check(
        what="with 0.5, 0.9 and 1.5 for the attacker the defender gains nothing",
        cases=len(kept),
        figure="keeps " + ", ".join(map(str, kept)),
        holds=max(left) <= 1e-12,
        test=of_notes + "test_different_budgets_leave_the_theorem_standing",
    )
)

# %% [markdown]
# ## What fails when an assumption is removed
#
# Four exercises and their solutions.
#
# ### Landing on the boundary as a flip
#
# On the line let $f(x) = x$, with half of the inputs at $-\epsilon$ and the others spread evenly over $[0,
# 2\epsilon]$. Where is $\phi$ largest? And if landing on the boundary were a flip, so that robust sets were open?
#
# :::{dropdown} Solution
# With closed sets the maximum $3/4$ is at $v = 0$. With open ones $\phi$ comes as
# close to $3/4$ as one likes, from below zero, and falls to $1/4$ at zero: there is no maximizer, and nothing for SMOOTH to play.
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers"} tags=["hide-cell"]
spread = epsilon * (torch.arange(1000, dtype=torch.float64) + 0.5) / 500
on_line = torch.cat([torch.full_like(spread, -epsilon), spread])
half_lines = RobustSets.from_linearization(
    Linearization(logits=on_line, gradients=torch.ones(2000, 1).double()), epsilon
)
tries = epsilon * torch.arange(-1000, 1001, dtype=torch.float64)[:, None] / 1000
slack = tries @ half_lines.normals.T + half_lines.offsets
closed, opened = ((one.double()).mean(dim=1) for one in (slack >= 0, slack > 0))
below, at = float(opened[999]), float(opened[1000])
print(f"closed sets: phi is largest at 0, where it is {float(closed[1000]):.2f}")
print(f"open sets: phi just below 0 is {below:.2f}, at 0 it is {at:.2f}")
checks.append(
    Check(
        what=r"with closed sets $\phi$ is largest at 0, with open ones it falls there",
        cases=len(tries),
        figure=f"{below:.2f} to {at:.2f}",
        holds=bool(closed[1000] == closed.max()) and below - at > 0.4,
        test=of_notes
        + "test_landing_on_the_boundary_decides_whether_a_maximizer_exists",
    )
)

# %% [markdown]
# ### V* without volume
#
# A uniform distribution needs a set with volume. Take three inputs whose margins are all $\epsilon$, with gradients at
# angles of 120 degrees. What is $V^*$, and what does SMOOTH play? And with two inputs, whose gradients are opposite?
#
# :::{dropdown} Solution
# The boundaries of the three half-planes pass through $0$. All three contain $v = 0$, and no other
# $v$ lies in more than two. So $V^*$ is one point, which SMOOTH plays always.
#
# Of two opposite half-planes both contain their common boundary, and nothing else is in both. So $V^*$ is a segment, from edge to
# edge of $V$. It has no area to draw from either, and `smooth` plays one point of it.
#
# The lemma stays true each time, because its proof asks for nothing but
# probability one on $V^*$.
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers", "figure": {"caption": "Three half-planes whose boundaries meet in 0: the only maximizer is that point.", "name": "fig-lemma-3-point"}, "image": {"alt": "The disc of all v, empty but for a green diamond at its center, (0, 0): the set of maximizers has shrunk to one point and has no area to draw from."}} tags=["hide-cell"]
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
played = smooth(star).draw(5, seed)
opposite = RobustSets(
    normals=torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64),
    offsets=torch.zeros(2, dtype=torch.float64),
    epsilon=epsilon,
)
along = epsilon * torch.linspace(-1, 1, 201, dtype=torch.float64)
segment = torch.stack([torch.zeros_like(along), along], dim=1)
beside = segment[1:-1] + torch.tensor([1e-9, 0.0], dtype=torch.float64)
one_point = smooth(opposite).draw(5, seed)
checks += [
    Check(
        what="where $V^*$ is one point, it is what SMOOTH plays",
        cases=3 * len(circle),
        figure=f"{elsewhere:.2f} elsewhere",
        holds=star.coverage(torch.zeros(2, dtype=torch.float64)) == 1.0
        and not point.has_volume
        and elsewhere <= 2 / 3
        and float(played.norm()) == 0,
        test=of_notes + "test_the_maximizers_may_be_a_single_point",
    ),
    Check(
        what="two opposite half-planes leave a segment, of which SMOOTH plays one point",
        cases=len(segment) + len(beside),
        figure=f"{float(opposite.coverage(beside).max()):.2f} beside",
        holds=bool((opposite.coverage(segment) == 1.0).all())
        and bool((opposite.coverage(beside) == 0.5).all())
        and not maximizer_set(opposite).has_volume
        and len(one_point.unique(dim=0)) == 1
        and bool((opposite.coverage(one_point) == 1.0).all()),
        test=of_notes + "test_the_maximizers_may_be_a_segment",
    ),
]
plot_maximizer_set(point)

# %% [markdown]
# ### Another vector, or another attack
#
# In another game, of five inputs: what does the defender gain by leaving, if he plays the reverse of a maximizer, nothing at
# all, or a maximizer for an attacker with 0.8 of the budget? And if he plays SMOOTH, but the attacker plays FGM with half of
# the budget?
#
# :::{dropdown} Solution
# Each time he gains more than 0.01, and none by leaving SMOOTH against FGM. Lemma 3 is about FGM alone. The answer to a weaker
# attack is another one.
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers"} tags=["hide-cell"]
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
checks.append(
    Check(
        what="off $V^*$, and against another attack, the defender gains by leaving",
        cases=len(gains) - 1,
        figure=f"from {min(list(gains.values())[1:]):.2f}",
        holds=gains["SMOOTH itself"] <= 1e-12
        and all(gain > 0.01 for gain in list(gains.values())[1:]),
        test=of_game + "test_gains.py::test_who_plays_wrong_gains_by_leaving",
    )
)
Markdown(
    table_of(
        {"played": name, "the defender gains": f"{gain:.2f}"}
        for name, gain in gains.items()
    )
)

# %% [markdown]
# ### A defender who sees the clean input
#
# The lemma compares constants. What if the defender sees $x$?
#
# :::{dropdown} Solution
# He plays $-a_{\mathrm{FGM}}(x)$ at each $x$, which undoes the attack. A function of $x$ saves every input.
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers"} tags=["hide-cell"]
seeing = PointwiseDefense(-step)
found = expected_utility(five, step, seeing, epsilon=epsilon)
print(f"SMOOTH gets {-pair.value:.2f}, who sees x gets {-found.value:.2f}")
checks.append(
    Check(
        what="a defender who sees the clean $x$ beats SMOOTH, and saves every input",
        cases=len(five.logits),
        figure=f"{-found.value:+.0f}",
        holds=pair.value - found.value > 0.01 and found.value == -1.0,
        test=of_game
        + "test_gains.py::test_a_defender_who_sees_the_points_beats_smooth",
    )
)

# %% [markdown]
# ## What was checked
#
# Eqs. (30) to (42) were evaluated on one game, and the tests repeat them in exact arithmetic. That a best place exists is
# proved above, which the paper leaves out. For the tangents the lemma holds after a correction: where $V^*$ has no volume there
# is no uniform draw, and SMOOTH is read as any strategy that plays in $V^*$ with probability one. Nothing is lost by this, since
# each maximizer, played always, gets the same.

# %% tags=["hide-input"]
ChecksTable(checks)

# %% [markdown]
# ## Behind this page
#
# ```{page-footer}
# ```
