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
# # The algorithm and its certificate
#
# The equilibrium defense is a $v$ in as many robust sets as possible. For $n$ points
# this is Eq. (7): among the half-spaces $c_i^\top v + b_i \ge 0$, satisfy as many as one
# $v$ in the ball can. Section 4 of the paper solves it for one and two points, and for
# more it ascends a relaxation, without a word on how far the result is from the maximum.
#
# The problem has names of its own: maximum feasible subsystem
# {cite:p}`amaldi2005maximum`, densest hemisphere {cite:p}`johnson1978densest` where all
# $b_i$ are zero. It is NP-hard when the dimension is part of the input
# {cite:p}`johnson1978densest`. So this page does two things: it looks for a better $v$, and it *proves* how much better any other could
# still be. The proof is a file that a reader can check without our solver.
#
# *This page speaks of the tangents $f_L$. Whether they may stand for a trained network is measured
# in [](local_linearity.ipynb): at the budgets of the tables they may not.*

# %% [markdown]
# ## Parameters

# %% tags=["parameters"]
seed = 0  # of training and of every search, from 0 to 2**62
source = "embedded"  # or "auto": the complete data, where this machine has them
epochs = 5  # passes over the training images, 1 to 20; the embedded set is small
store = "../results"  # folder of the stored results

# %%
import itertools
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from IPython.display import Markdown, display

from experiments.figures.markdown import table_of
from experiments.figures.solver_records import (
    FollowedPath,
    LongSearch,
    load_benchmark,
    load_comparisons,
    load_curves,
)
from experiments.figures.the_algorithm import (
    plot_ascents,
    plot_certified_band,
    plot_relaxations,
)
from experiments.store.record_files import stored_folder
from paper_lib.arrangement import cells
from paper_lib.checks import check_choice, check_count, check_seed
from paper_lib.data import load_pair
from paper_lib.defense import (
    RampConfig,
    coverage_path,
    fit_defense,
    load_certificate,
    maximize_coverage,
    ramp_ascent,
    save_certificate,
    upper_bound,
)
from paper_lib.defense.ramp import ramp_value
from paper_lib.geometry import scale_to_radius, unit_vectors
from paper_lib.linearize import linearize
from paper_lib.models import TrainConfig, train_classifier
from paper_lib.plotting.half_planes import plot_half_planes
from paper_lib.plotting.perturbations import plot_images
from paper_lib.robust_sets import RobustSets

check_seed(seed)
check_choice(source, "source", ("embedded", "auto"))
epochs = check_count(epochs, "epochs", 1, 20)
defenses = stored_folder(f"{store}/defense")
torch.set_num_threads(1)

# %% [markdown]
# ## One point
#
# With one half-space the projection of the origin onto it is a maximizer, if it lies in
# the ball. The paper also treats a half-space that misses the ball. With equal budgets
# and $f(x) \ne 0$ that cannot happen, because $-a_{\mathrm{FGM}}(x)$ always lies in
# $R(x)$; such rows arise only by hand, or when the attacker has the larger budget.

# %%
one_point = {
    "meets the ball": RobustSets(
        normals=torch.tensor([[0.6, 0.8]]), offsets=torch.tensor([-0.5]), epsilon=1.0
    ),
    "misses the ball": RobustSets(
        normals=torch.tensor([[0.6, 0.8]]), offsets=torch.tensor([-1.2]), epsilon=1.0
    ),
}
for name, sets in one_point.items():
    solution = maximize_coverage(sets)
    print(
        f"{name}: coverage {solution.coverage:g}, |v| = "
        f"{solution.perturbation.double().norm():.3f}, by {solution.method}, "
        f"proven optimal: {solution.certificate.gap == 0}"
    )

# %%
sets = one_point["meets the ball"]
plot_half_planes(sets, points={"projection of 0": maximize_coverage(sets).perturbation})

# %% [markdown]
# ## Two points
#
# Two half-spaces, each of which meets the ball, either meet each other inside it, and
# then the projection of the origin onto their intersection satisfies both, or they do
# not, and then the projection onto either is as good as it gets. The second case needs a
# proof: multipliers $\mu_1, \mu_2 \ge 0$ with $\sum_i \mu_i (-b_i) > \epsilon \|\sum_i
# \mu_i c_i\|$. If some $v$ in the ball satisfied both rows, the left side would be at
# most $\sum_i \mu_i c_i^\top v$, and so at most the right side. This is the smallest
# certificate on this page.

# %%
two_points = {
    "meet inside": RobustSets(
        normals=torch.tensor([[0.0, 1.0], [0.8, -0.6]]),
        offsets=torch.tensor([-0.3, -0.2]),
        epsilon=1.0,
    ),
    "meet outside": RobustSets(
        normals=torch.tensor([[0.0, 1.0], [0.6, -0.8]]),
        offsets=torch.tensor([-0.6, -0.7]),
        epsilon=1.0,
    ),
}
for name, sets in two_points.items():
    solution = maximize_coverage(sets)
    print(
        f"{name}: coverage {solution.coverage:g}, by {solution.method}, "
        f"proven optimal: {solution.certificate.gap == 0}, "
        f"certificate holds: {solution.certificate.verify(sets)}"
    )

# %%
sets = two_points["meet inside"]
plot_half_planes(sets, points={"projection of 0": maximize_coverage(sets).perturbation})

# %%
sets = two_points["meet outside"]
plot_half_planes(sets, points={"projection of 0": maximize_coverage(sets).perturbation})

# %% [markdown]
# ## More points: regions
#
# The boundary lines cut the disc into cells, and the count is constant on each. The paper
# says the number of cells grows exponentially. In the plane it is at most
# $(n^2 + n + 2) / 2$, polynomial in $n$ for every fixed dimension, as Section 5 says
# itself. So in the plane the maximum can be found exactly: sweep along every line.

# %%
draw = torch.Generator().manual_seed(4)
normals = torch.randn(40, 2, generator=draw, dtype=torch.float64)
thresholds = 0.5 * torch.rand(40, generator=draw, dtype=torch.float64)
families = {
    n: RobustSets(
        normals=unit_vectors(normals[:n]), offsets=-thresholds[:n], epsilon=1.0
    )
    for n in (3, 6, 12, 24, 40)
}
solved = {n: maximize_coverage(sets) for n, sets in families.items()}
Markdown(
    table_of(
        {
            "points": n,
            "cells in the disc": len(
                cells(families[n].normals.numpy(), families[n].offsets.numpy(), 1.0)
            ),
            "at most": (n * n + n + 2) // 2,
            "maximum found": round(solved[n].coverage * n),
            "method": solved[n].method,
            "proven bound": solved[n].certificate.upper_count,
        }
        for n in families
    )
)

# %%
plot_half_planes(families[12])

# %% [markdown]
# The bound in the last column comes from another algorithm: boxes that tile the disc,
# each with the number of rows that hold nowhere in it. Whoever checks it visits the boxes
# again, with rounding turned against the claim, and trusts neither program.

# %% [markdown]
# ## The paper's relaxation, and where it is blind
#
# For images the plane is gone: $d = 784$. The paper replaces the indicator by the ramp
# $\min(\max(0, \alpha), 1)$ and runs projected gradient steps. The ramp lies below the
# indicator, so its value is a lower bound on the coverage. But its slope is zero where a
# row is violated: a row that the current $v$ does not satisfy never asks for help. And it
# is zero again where the row is satisfied by more than one unit, which depends on the
# scale of the logit.

# %%
plot_relaxations()

# %% [markdown]
# The smallest example of the dead zone: two rows, both violated at $v = 0$, both
# satisfied at $v = (0.9, 0.1)$. The ascent does not start.

# %%
stuck = RobustSets(
    normals=torch.tensor([[1.0, 0.0], [1.0, 0.2]]),
    offsets=torch.tensor([-0.5, -0.5]),
    epsilon=1.0,
)
ramp = ramp_ascent(stuck)
print("the ramp stops in its dead zone:", ramp.in_dead_zone)
print("coverage by the ramp:", ramp.coverage)
print("coverage by the exact method:", maximize_coverage(stuck).coverage)

# %% [markdown]
# The same on real images. We train the 10-20-50 network of [Table 1](all_pairs.ipynb) on
# zeros and ones, take the median margin of the training points as the budget, and 1.3
# times as much. Each curve is the mean ramp over the steps, each dot the coverage where it
# ends.

# %%
pair = load_pair("mnist", (0, 1), source=source)
settings = replace(TrainConfig(), epochs=epochs)
model = train_classifier(pair.train, config=settings, seed=seed).model
train_lin, test_lin = (
    linearize(model, part.images) for part in (pair.train, pair.test)
)
epsilon = float(train_lin.margins.median())
sets = RobustSets.from_linearization(train_lin, epsilon)
wide = RobustSets.from_linearization(train_lin, 1.3 * epsilon)
toward_mean = scale_to_radius(unit_vectors(wide.normals).mean(0), wide.epsilon)
ascents = {
    "median margin, from 0": ramp_ascent(sets),
    "the same, unit rows": ramp_ascent(sets, config=RampConfig(rows="unit")),
    "1.3 times, from 0": ramp_ascent(wide),
    "1.3 times, from the mean normal": ramp_ascent(wide, start=toward_mean),
}
plot_ascents(ascents)

# %%
from_zero = ascents["1.3 times, from 0"].coverage
from_mean = ascents["1.3 times, from the mean normal"].coverage
by = "more than" if from_mean - from_zero > 0.2 else "at most"
print(f"at 1.3 times, the start from the mean normal gains {by} 20 points")
covered = wide.contains(ascents["1.3 times, from 0"].perturbation)
shares = [covered[pair.train.labels == label].double().mean() for label in (-1, 1)]
most = "little more than one class" if max(shares) > 0.9 > 0.1 > min(shares) else "both"
print(f"at 1.3 times, the ascent from 0 covers, of zeros and ones: {most}")

# %% [markdown]
# ## A search without the dead zone
#
# Four steps, each of which removes one fault.
#
# 1. **Unit rows.** Divide each row by $\|c_i\|$ and $v$ by $\epsilon$. The problem no
#    longer knows the scale of the logit: $g_i^\top u \ge t_i$ with $t_i = 1 - m_i /
#    \epsilon$, where $m_i$ is the margin.
# 2. **Anneal.** A logistic function of the slack has a slope everywhere. Its width falls
#    from 0.3 of the budget to 0.003, so the ascent first sees all rows and at last nearly
#    the count. Several starts are compared on a part of the rows.
# 3. **Polish.** The rows that $u$ satisfies are satisfied by a shorter point too, the
#    point of least norm, held by a few dozen active rows. What is left of the budget pays
#    for further rows, cheapest first. The dual active-set method
#    {cite:p}`goldfarb1983numerically` tells the price of a row before it is paid.
# 4. **Exchange.** Give up a few active rows, those that cost most norm, and fill up
#    again. Keep the change unless it loses rows.

# %%
solution = maximize_coverage(sets, method="search", seed=seed)
wide_solution = maximize_coverage(wide, method="search", seed=seed)
print("at the median margin, no less than the ramp:", end=" ")
print(solution.coverage >= ascents["median margin, from 0"].coverage)
print("at 1.3 times, no less than the ramp from either start:", end=" ")
print(wide_solution.coverage >= max(from_zero, from_mean))
print("satisfied in exact arithmetic, as counted:", end=" ")
print(solution.certificate.lower == solution.coverage)

# %% [markdown]
# **Two ways to miss the maximum.** Either the ascent does not find the maximizer of the
# ramp, which is an *optimization error*, or it finds it, and that is no maximizer of the
# coverage, a *bias of the surrogate*. The ramp itself tells them apart: is it larger where
# the ascent ends, or at the $v$ of the search, which covers more? With all samples there
# are the bias remains, and how large it is depends on the scale of the logit
# ([](sharper_bounds.ipynb)).

# %%
for name, rows, better in (
    ("median margin", sets, solution),
    ("1.3 times", wide, wide_solution),
):
    ended = ascents[f"{name}, from 0"].ramp_value
    elsewhere = ramp_value(rows, better.perturbation)
    what = "a bias of the surrogate" if ended >= elsewhere else "an optimization error"
    print(f"{name}: what the ascent from 0 misses is {what}")

# %%
plot_images(
    {
        "ramp": ascents["median margin, from 0"].perturbation[None],
        "search": solution.perturbation[None],
        "ramp, 1.3": ascents["1.3 times, from 0"].perturbation[None],
        "search, 1.3": wide_solution.perturbation[None],
    },
    signed=["ramp", "search", "ramp, 1.3", "search, 1.3"],
)

# %% [markdown]
# ## A bound that can be checked
#
# How much could any other $v$ gain? Every proof here is a lower bound on the number of
# rows that *every* $v$ violates.
#
# **Pairs.** Two half-spaces miss each other inside the ball exactly when the angle between
# their normals exceeds $\arccos t_i + \arccos t_j$. One row of such a pair is lost
# wherever $v$ is. A matching of conflicting pairs therefore costs one row each, and the
# best fractional matching is found in the bipartite double cover of the conflict graph.
#
# **Moments.** Pairs cannot see that many rows, each at peace with every other, ask for
# more than one $u$ can give. Suppose the defender drew $u$ at random, and of the product
# $g^\top u$ only the mean $m$ and the variance $\sigma^2$ were known. By Cantelli's
# inequality the row fails with probability at least $\delta^2 / (\sigma^2 + \delta^2)$,
# $\delta = (t - m)_+$. Minimizing the sum of these over all means and covariances with
# $\mathbb E \|u\|^2 \le 1$ is a convex problem, a semidefinite relaxation, and its value
# is a lower bound for every fixed $u$ as well.
#
# A law with a large variance along one direction cheats: it sits half of the time where
# one class is safe, half of the time where the other is. So the ball is cut along that
# direction, and each part gets its own bound, again and again.
#
# **What is checked.** The multipliers of the relaxation give, for each part, a sum of
# functions $1 - (g_i^\top u + s_i)^2 / (t_i + s_i)^2 \le \mathbf 1[g_i^\top u < t_i]$ and
# a Lagrangian that is convex. Its minimum is a number. The check computes it by one
# Cholesky factorization for each part, bounds all rounding errors, and rounds up to a
# whole number of rows. The solver may be wrong; the check then fails.

# %%
certificate = upper_bound(
    sets, None, max_nodes=31, seed=seed, start=solution.perturbation
)
print("the certificate holds:", certificate.verify(sets))
trivial = 1.0 - certificate.lower
for share, name in ((0.10, "10 points"), (trivial / 2, "half of what no proof leaves")):
    than = "less than" if certificate.gap < share else "no less than"
    print(f"what any v could still gain is {than} {name}")

# %% [markdown]
# A check is worth something if it can fail. One row fewer is too much to claim; rows
# whose last bits differ are other rows; and a certificate survives the way to disk.

# %%
claim = replace(certificate, upper_count=certificate.upper_count - 1)
print("a bound lower by one row is refused:", not claim.verify(sets))
boast = replace(certificate, lower_count=certificate.lower_count + 1)
print("a count higher by one row is refused:", not boast.verify(sets))
other = RobustSets(
    normals=sets.normals.nextafter(torch.tensor(math.inf)),
    offsets=sets.offsets,
    epsilon=sets.epsilon,
)
try:
    certificate.verify(other)
except ValueError as error:
    print("other rows:", str(error).split(",")[0])
with tempfile.TemporaryDirectory() as folder:
    save_certificate(certificate, Path(folder) / "certificate.safetensors")
    again = load_certificate(Path(folder) / "certificate.safetensors")
print("read back from disk, it holds:", again.verify(sets))

# %% [markdown]
# ## The methods on the complete data
#
# Four thousand training points of each pair, a classifier trained on all of them, budgets
# of 0.7, 1 and 1.3 times the median margin. `python -m tools.compare_defenses` computes
# these records; work is limited, not time, so the counts come out again. *Held out* is
# coverage of all test points. Seconds are for one thread of a machine that other work
# shared; *search* here exchanges rows sixty times, the default is ten. `fit_defense` sets a
# fifth of its points aside, so its fit sees fewer.
#
# No test point served to choose a setting of the search or of the bound. But both
# were developed with training points of 0 against 1, 2 against 4 and 1 against 7 of MNIST
# and 0 against 6 of Fashion-MNIST in view; last settings were chosen on 3 against 8 and 4
# against 9, which are not in the tables.

# %% tags=["hide-input"]
records = load_comparisons(defenses)
methods = list(records[0].methods)
display(
    Markdown(
        table_of(
            {
                "covered (%)": one.name,
                **{
                    name: f"{one.percent(one.methods[name].count):.2f}"
                    for name in methods
                },
            }
            for one in records
        )
    )
)

# %% tags=["hide-input"]
display(
    Markdown(
        table_of(
            {
                "held out (%)": one.name,
                **{name: f"{100 * one.methods[name].holdout:.2f}" for name in methods},
            }
            for one in records
        )
    )
)

# %% tags=["hide-input"]
display(
    Markdown(
        table_of(
            {
                "seconds": one.name,
                **{name: f"{one.methods[name].seconds:.2f}" for name in methods},
                "bound": f"{one.bounds['moments'].seconds:.0f}",
            }
            for one in records
        )
    )
)

# %% [markdown]
# **The certified gap**, in points of coverage: between the best count found and what
# pairs prove, and what moments prove with 101 parts of the ball.

# %% tags=["hide-input"]
display(
    Markdown(
        table_of(
            {
                "percent": one.name,
                "best found": f"{one.percent(one.best):.2f}",
                "bound, pairs": f"{one.percent(one.bounds['pairs'].count):.2f}",
                "bound, moments": f"{one.percent(one.bounds['moments'].count):.2f}",
                "gap, pairs": f"{one.percent(one.gap('pairs')):.2f}",
                "gap, moments": f"{one.percent(one.gap('moments')):.2f}",
                "ratio": f"{one.gap('moments') / one.gap('pairs'):.2f}",
            }
            for one in records
        )
    )
)
print("every certificate was checked:", end=" ")
print(all(one.bounds["moments"].verified for one in records))
gains = [
    one.percent(one.methods["search"].count - one.methods["ramp, raw rows"].count)
    for one in records
]
print("the search covers more than the ramp on every instance:", min(gains) > 0)
ratios = [one.gap("moments") / one.gap("pairs") for one in records]
print(f"largest ratio of the gaps: {max(ratios):.2f}")
gaps = [(one.instance.multiple, one.percent(one.gap("moments"))) for one in records]
smallest = [gap for multiple, gap in gaps if multiple == 0.7]
print(f"gaps at 0.7 times: {min(smallest):.2f} to {max(smallest):.2f} points")
print(f"smallest gap: {min(gap for _, gap in gaps):.2f} points; aim 1")
print(f"median gain over the ramp, in points: {median(gains):.2f}")

# %% [markdown]
# **What a longer search finds.** One run on another machine, which trained the classifiers
# itself: every method twice, then ten minutes of search for each instance. It is what
# `python -m benchmarks quality --runs 2 --search-seconds 600 --workers 16 --write` stores,
# kept as `results/search_600s.json`. The rows are those that each covers, of 4,000; the
# best is that of all, ten minutes of search among them. The benchmark has three aims for
# the search as it runs by default: a median gain over the ramp of at least 1.5 points, at
# most 0.1 points left to a search of ten minutes, at most twice the time of the ramp.

# %% tags=["hide-input"]
longer = load_benchmark(f"{store}/search_600s.json", LongSearch, "Quality", "instances")
display(
    Markdown(
        table_of(
            {
                "rows covered": one.name,
                "ramp": one.counts["ramp"],
                "ramp, unit rows": one.counts["ramp, unit rows"],
                "annealed + polish": one.counts["polished"],
                "search": one.counts["ours"],
                "best, ten minutes": one.best,
                "gain over the ramp, points": f"{one.gain:.2f}",
                "left to find, points": f"{one.distance:.2f}",
                "time to the ramp's": f"{one.time_ratio:.2f}",
            }
            for one in longer
        )
    )
)
middle = median(one.gain for one in longer)
most = max(one.distance for one in longer)
slowest = max(one.time_ratio for one in longer)
for what, figure, aim, met in (
    ("median gain over the ramp, points", middle, 1.5, middle >= 1.5),
    ("most that ten minutes add, points", most, 0.1, most <= 0.1),
    ("longest time to the ramp's", slowest, 2.0, slowest <= 2.0),
):
    print(f"{what}: {figure:.2f}, aim {aim:g}, {'met' if met else 'missed'}")
print("the same in both rounds:", all(one.repeats for one in longer))

# %% [markdown]
# ## Coverage against the budget
#
# The band between what was found and what is proven holds $\max_v \phi_n(v)$ at every
# budget. A larger budget helps the attacker as much as the defender: it shifts every
# half-space away by as much as it lengthens $v$.

# %% tags=["hide-input"]
for curve in load_curves(defenses):
    display(Markdown(f"**{curve.instance.pair}**"))
    display(plot_certified_band(curve.points))

# %% [markdown]
# Budgets share their normals, so that one matrix product serves all of them in a step of
# the annealing. `coverage_path` solves a family of budgets in that way, and mostly, not
# always, it covers what single searches cover. What `python -m benchmarks path --write`
# measured on five pairs is kept as `results/path_budgets.json`: twenty budgets each, from
# 0.5 to 1.5 times the median margin, counted on the same rows. Times are of a machine with
# two cores that other work shared, the two solvers in turn. The benchmark's aims were a path
# for the time of four single searches, and no row lost.

# %% tags=["hide-input"]
followed = load_benchmark(f"{store}/path_budgets.json", FollowedPath, "Path", "pairs")
display(
    Markdown(
        table_of(
            {
                "pair": one.name,
                "rows": f"{one.rows:,}",
                "budgets with as many": one.gains.count(0),
                "the path covers fewer": one.off(-1),
                "the path covers more": one.off(1),
                "time, in single searches": f"{one.ratio:.2f}",
            }
            for one in followed
        )
    )
)
budgets_compared = [gain for one in followed for gain in one.gains]
worst = min(followed, key=lambda one: min(one.gains))
lost = sum(gain < 0 for gain in budgets_compared)
print(f"budgets at which rows are lost: {lost} of {len(budgets_compared)};", end=" ")
print(f"aim 0, {'missed' if lost else 'met'}")
print(f"most rows lost: {-min(worst.gains)} of {worst.rows:,}, {worst.name}")
print(f"rows lost and gained, all together: {sum(budgets_compared):+d}")
slowest = max(one.ratio for one in followed)
print(f"longest time: {slowest:.2f} single searches; aim 4,", end=" ")
print("met" if slowest < 4 else "missed")

# %% [markdown]
# Live, on the classifier trained above, without the bounds:

# %%
budgets = [epsilon * (0.6 + 0.1 * step) for step in range(8)]
family = [RobustSets.from_linearization(train_lin, budget) for budget in budgets]
path_solutions = coverage_path(family, seed=seed)
covered = [one.coverage for one in path_solutions]
rises = sum(later > before for before, later in itertools.pairwise(covered))
print(f"steps at which coverage rises with the budget: {rises} of {len(covered) - 1}")
ramps = [ramp_ascent(one).coverage for one in family]
below = sum(ours < ramp for ours, ramp in zip(covered, ramps, strict=True))
print(f"budgets at which the ramp covers more: {below} of {len(covered)}")

# %% [markdown]
# ## What to deploy
#
# A maximizer of $\phi_n$ fits its sample. The polish gains rows by holding $v$ against a
# few dozen of them, and test points do not sit there. `fit_defense` therefore chooses how
# sharp the relaxation ends, and whether to polish, by cross-validation, fits again on all
# points, and reports coverage on points that neither the fit nor the choice saw.

# %%
test_sets = RobustSets.from_linearization(test_lin, epsilon)
deployed = fit_defense(sets, holdout=test_sets, seed=seed)
print("candidates compared:", ", ".join(deployed.validation))
print("points that only the report saw:", deployed.num_holdout)
excess = solution.coverage - float(test_sets.coverage(solution.perturbation))
print(
    f"the search covers {'more' if excess > 0 else 'no more'} of its sample than of tests"
)
print("the fitted one covers no more of its sample than the search:", end=" ")
print(deployed.coverage <= solution.coverage)

# %% tags=["hide-input"]
display(
    Markdown(
        table_of(
            {
                "complete data": name,
                "mean held out (%)": f"{100 * sum(one.methods[name].holdout for one in records) / len(records):.2f}",
            }
            for name in methods
        )
    )
)
smoother = sum(
    one.methods["annealed"].holdout >= one.methods["search"].holdout for one in records
)
print(
    f"held out, annealed covers no less than the search: {smoother} of {len(records)}"
)
odd = next(one for one in records if one.name == "fashion-mnist 2-4, 1")
fitted = {name: one for name, one in odd.methods.items() if name != "no defense"}
fewest = min(fitted, key=lambda name: fitted[name].count)
print(f"fashion-mnist 2-4, covers the fewest: {fewest}")
held_out = max(fitted, key=lambda name: fitted[name].holdout)
print(f"fashion-mnist 2-4, covers the most held out: {held_out}")

# %% [markdown]
# ## What holds and what does not
#
# **The paper's ascent is near the maximum, or it is not.** Up to the median margin the
# search gains a few points over it at most. Beyond, the ascent from zero can fail
# altogether: on 0 against 1 at 1.3 times the record has less than half of the rows, where the
# search has nearly three quarters.
#
# **The maximum is known to within the gaps above**, less than half of what pairs leave
# open, and about one to three points at the smallest budgets. What limits the bound is
# that a cell of the ball still lets $u$ vary in hundreds of directions, each a little.
# Each cut removes one of them, and the gain of a cut shrinks as the cells grow in number.
# A gap of one point was the aim and is missed on all instances.
#
# **More coverage of the sample is not more coverage.** The search wins everywhere on its
# sample, and on test points a smoother relaxation does as well or better. `fit_defense`
# holds out on average what plain annealing does, no more; what cross-validation buys is a
# choice that needs no test points. On Fashion-MNIST
# 2 against 4 the ramp on unit rows, the worst of all on the sample, is the best held out. Which
# $v$ to deploy is a question of generalization, not of optimization.
