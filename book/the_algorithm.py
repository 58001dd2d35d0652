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
# **How near to the best possible defense is the one that the paper's algorithm finds?**
#
# ```{outcomes}
# ```
#
# *This page speaks of the tangents $f_L$. Whether they may stand for a trained network is measured
# in [](local_linearity.ipynb): at the budgets of the tables they may not.*

# %% mystnb={"code_prompt_show": "Show the parameters", "code_prompt_hide": "Hide the parameters"} tags=["parameters", "hide-input"]
seed = 0  # of training and of every search, from 0 to 2**62
source = "embedded"  # or "auto": the complete data, where this machine has them
epochs = 5  # passes over the training images, 1 to 20; the embedded set is small
store = "../results"  # folder of the stored results

# %% mystnb={"code_prompt_show": "Show the set-up", "code_prompt_hide": "Hide the set-up"} tags=["hide-input"]
import itertools
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from IPython.display import Markdown

from experiments.figures.answering import Answering
from experiments.figures.checks_table import Check, ChecksTable
from experiments.figures.markdown import table_of
from experiments.figures.solver_records import (
    FollowedPath,
    LongSearch,
    load_benchmark,
    load_budget_images,
    load_comparisons,
    load_curves,
)
from experiments.figures.the_algorithm import (
    aims_table,
    draw_budget_images,
    plot_ascents,
    plot_certified_bands,
    plot_relaxations,
    plot_solvers,
    solver_table,
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
longer = load_benchmark(f"{store}/search_600s.json", LongSearch, "Quality", "instances")
followed = load_benchmark(f"{store}/path_budgets.json", FollowedPath, "Path", "pairs")
torch.set_num_threads(1)
as_stored = (seed, source, epochs) == (0, "embedded", 5)

of_defense = "tests/paper_lib/defense/"
checks = []

# %% [markdown]
# ## The picture
#
# A row is a pair of classes with a budget, in median margins of the training points. The equilibrium defense is a $v$ in as
# many robust sets as possible. Blue is the best that was found. Black is what no $v$ whatever exceeds, by a proof that a
# reader can check without our solver. The best possible $v$ lies between.

# %% mystnb={"figure": {"caption": "Share of 4,000 training points that a perturbation covers, for 16 instances: with none, with the paper's ascent, with the search of this page; and two proven bounds on what any perturbation covers. The light band is what search and proof leave open. From the records `results/defense`.", "name": "fig-solvers"}, "image": {"alt": "Dot plot of 16 instances against the percentage of training points covered. The search lies one to a few points right of the paper's ascent, on MNIST 0 against 1 at 1.3 margins 27 points; the proven bound lies one to nine points right of the search, the bound from pairs far beyond; no defense is at half or less at the larger budgets."}} tags=["hide-input"]
records = load_comparisons(defenses)
plot_solvers(records)

# %%
ascent = [one.methods["ramp, raw rows"].count / one.best for one in records]
search = [one.best / one.bounds["moments"].count for one in records]
print(f"the paper's ascent, of the best found: {min(ascent):.0%} to {max(ascent):.0%}")
print(f"the best found, of what is proven: {min(search):.0%} to {max(search):.0%}")

# %% [markdown]
# ## The problem
#
# The coverage of $v$ is the share of the robust sets that contain it,
#
# $$\phi_n(v) = \frac1n \sum_{i=1}^n \mathbf 1[v \in R(x_i)]. \tag{5}$$
#
# For $n$ points the defense is Eq. (7): among the half-spaces $c_i^\top v + b_i \ge 0$, satisfy as many as one $v$ in the ball
# can.
#
# $$\max_{\|v\|_2 \le \epsilon}\ \frac1n \sum_{i=1}^n \mathbf 1[c_i^\top v + b_i \ge 0] \tag{7}$$
#
# Section 4 of the paper solves it for one and two points, by projections, and for more it ascends a relaxation, without a word on how far
# the result is from the maximum. The problem has names of its own: maximum feasible subsystem {cite:p}`amaldi2005maximum`,
# densest hemisphere {cite:p}`johnson1978densest` where all $b_i$ are zero. It is NP-hard when the dimension is part of the input
# {cite:p}`johnson1978densest`. So this page does two things: it looks for a better $v$, and it *proves* how much better any
# other could still be.
#
# :::{dropdown} One point, two points, and the plane
# **One point.** With one half-space the projection of the origin onto it is a maximizer, if it lies in the ball. The paper
# also treats a half-space that misses the ball. With equal budgets and $f(x) \ne 0$ that cannot happen, because
# $-a_{\mathrm{FGM}}(x)$ always lies in $R(x)$; such rows arise only by hand, or when the attacker has the larger budget.
#
# **Two points.** Two half-spaces, each of which meets the ball, either meet each other inside it, and then the projection of
# the origin onto their intersection satisfies both, or they do not, and then the projection onto either is as good as it
# gets. The second case needs a proof: multipliers $\mu_1, \mu_2 \ge 0$ with $\sum_i \mu_i (-b_i) > \epsilon \|\sum_i \mu_i c_i\|$. If
# some $v$ in the ball satisfied both rows, the left side would be at most $\sum_i \mu_i c_i^\top v$, and so at most the right
# side. This is the smallest certificate on this page.
#
# **More points: regions.** The boundary lines cut the disc into cells, and the count is constant on each. The paper says the
# number of cells grows exponentially. In the plane it is at most $(n^2 + n + 2) / 2$, polynomial in $n$ for every fixed
# dimension, as Section 5 says itself. So in the plane the maximum can be found exactly: sweep along every line.
#
# The bound in the last column of the table below comes from another algorithm: boxes that tile the disc, each with the number of
# rows that hold nowhere in it. Whoever checks it visits the boxes again, with rounding turned against the claim, and trusts
# neither program.
# :::

# %% mystnb={"code_prompt_show": "Show two half-spaces that meet inside the ball", "code_prompt_hide": "Hide them", "figure": {"caption": "Two half-spaces that meet inside the ball: the projection of the origin onto their intersection satisfies both.", "name": "fig-two-rows-inside"}, "image": {"alt": "Disc of the defender's vectors in the plane, cut by two lines that cross in it; a dark cell where two rows hold, with the projection of the origin onto it."}} tags=["hide-cell"]
rows = {
    "one that meets the ball": ([[0.6, 0.8]], [-0.5]),
    "one that misses the ball": ([[0.6, 0.8]], [-1.2]),
    "two that meet inside": ([[0.0, 1.0], [0.8, -0.6]], [-0.3, -0.2]),
    "two that meet outside": ([[0.0, 1.0], [0.6, -0.8]], [-0.6, -0.7]),
}
few = {
    name: RobustSets(
        normals=torch.tensor(normals), offsets=torch.tensor(offsets), epsilon=1.0
    )
    for name, (normals, offsets) in rows.items()
}
solved = {name: maximize_coverage(sets) for name, sets in few.items()}
closed = all(
    one.method == "closed_form"
    and one.certificate.gap == 0
    and one.certificate.verify(few[name])
    for name, one in solved.items()
)
name = "two that meet inside"
plot_half_planes(few[name], points={"projection of 0": solved[name].perturbation})

# %% mystnb={"code_prompt_show": "Show two that meet outside of it", "code_prompt_hide": "Hide them", "figure": {"caption": "Two half-spaces that meet the ball, and each other only outside of it: one of two is the maximum.", "name": "fig-two-rows-outside"}, "image": {"alt": "Disc of the defender's vectors in the plane, cut by two lines that do not cross in it; two caps where one row holds, none where two do."}} tags=["hide-cell"]
name = "two that meet outside"
plot_half_planes(few[name], points={"projection of 0": solved[name].perturbation})

# %% mystnb={"code_prompt_show": "Show twelve half-planes", "code_prompt_hide": "Hide them", "figure": {"caption": "Twelve half-planes at random: each cell of the disc by the number of rows that hold in it, and a maximizer.", "name": "fig-twelve-rows"}, "image": {"alt": "Disc in the plane of the two coordinates of v, cut by twelve lines into 56 cells, shaded by how many rows hold; the maximizer holds six of twelve."}} tags=["hide-cell"]
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
found = {n: round(one.coverage * n) for n, one in solved.items()}
num_cells = {
    n: len(cells(sets.normals.numpy(), sets.offsets.numpy(), 1.0))
    for n, sets in families.items()
}
checks.append(
    Check(
        what="closed forms for one and two points, the sweep in the plane: proven to be the "
        "most, in at most $(n^2 + n + 2) / 2$ cells",
        cases=len(few) + len(families),
        figure=", ".join(map(str, found.values())),
        holds=closed
        and all(
            found[n] == solved[n].certificate.upper_count
            and solved[n].certificate.verify(families[n])
            and num_cells[n] <= (n * n + n + 2) // 2
            for n in families
        ),
        test=of_defense
        + "test_maximize.py::test_nothing_in_the_plane_exceeds_the_bound_and_exact_methods_"
        "reach_it",
    )
)
plot_half_planes(families[12])

# %% mystnb={"code_prompt_show": "Show the cells of up to forty half-planes", "code_prompt_hide": "Hide the table"} tags=["hide-cell"]
Markdown(
    table_of(
        {
            "points": n,
            "cells in the disc": num_cells[n],
            "at most": (n * n + n + 2) // 2,
            "maximum found": found[n],
            "method": solved[n].method,
            "proven bound": solved[n].certificate.upper_count,
        }
        for n in families
    )
)

# %% [markdown]
# ## The paper's relaxation, and where it is blind
#
# For images the plane is gone: $d = 784$. The paper replaces the indicator by the ramp $\min(\max(0, \alpha), 1)$ and runs
# projected gradient steps. The ramp lies below the indicator, so its value is a lower bound on the coverage. But its slope
# is zero where a row is violated: a row that the current $v$ does not satisfy never asks for help. And it is zero again where
# the row is satisfied by more than one unit, which depends on the scale of the logit.

# %% mystnb={"figure": {"caption": "The indicator of a row, the paper's ramp and logistic functions of three widths (above), and the slopes that an ascent follows (below).", "name": "fig-relaxations"}, "image": {"alt": "Two panels over the slack of a row from -1.2 to 1.6. Values: a step, a ramp from 0 to 1, three logistic curves that sharpen. Slopes: the ramp's is zero for every negative slack, shaded; those of the logistic functions are positive everywhere."}} tags=["hide-input"]
plot_relaxations()

# %% [markdown]
# The smallest example of the dead zone: two rows, both violated at $v = 0$, both satisfied at $v = (0.9, 0.1)$. The ascent does
# not start, and covers none of them; the exact method covers both.
#
# The same on real images. We train the 10-20-50 network of [Table 1](all_pairs.ipynb) on zeros and ones, take the median margin
# of the training points as the budget, and 1.3 times as much. At the median margin the ascent is near the best. At 1.3 times
# it ends, from 0, with little more than one of the two classes; from the mean normal it covers over 20 points more.

# %% mystnb={"code_prompt_show": "Show four ascents, step by step", "code_prompt_hide": "Hide the ascents", "figure": {"caption": "The paper's ascent on embedded images of 0 and 1: the mean ramp, step by step, and the coverage where it ends (dots). At 1.3 median margins it depends on where it starts.", "name": "fig-ascents"}, "image": {"alt": "Mean ramp against the step for four ascents. At the median margin, raw and unit rows rise to about 0.85 coverage; at 1.3 times the ascent from zero stays below one half, that from the mean normal ends more than twenty points higher."}} tags=["hide-cell"]
stuck = RobustSets(
    normals=torch.tensor([[1.0, 0.0], [1.0, 0.2]]),
    offsets=torch.tensor([-0.5, -0.5]),
    epsilon=1.0,
)
ramp, exact = ramp_ascent(stuck), maximize_coverage(stuck)
checks.append(
    Check(
        what="in its dead zone the ramp stops at once, where the exact method covers all",
        cases=len(stuck.offsets),
        figure=f"{ramp.coverage:g}, {exact.coverage:g}",
        holds=ramp.in_dead_zone and ramp.coverage == 0.0 and exact.coverage == 1.0,
        test=of_defense
        + "test_ramp.py::test_in_the_dead_zone_the_method_stops_where_it_started",
    )
)

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
from_zero = ascents["1.3 times, from 0"].coverage
from_mean = ascents["1.3 times, from the mean normal"].coverage
covered = wide.contains(ascents["1.3 times, from 0"].perturbation)
shares = [covered[pair.train.labels == label].double().mean() for label in (-1, 1)]
checks.append(
    Check(
        what="at 1.3 times the ascent from 0 ends with one class, over 90% of it and under "
        "10% of the other; from the mean normal it covers more",
        cases=len(covered),
        figure="over 20 points",
        holds=bool(max(shares) > 0.9 > 0.1 > min(shares))
        and from_mean - from_zero > 0.2
        if as_stored
        else None,
        test=of_defense + "test_ramp.py::test_a_better_start_leaves_the_dead_zone",
    )
)
plot_ascents(ascents)

# %% [markdown]
# ## A search without the dead zone
#
# Four steps, each of which removes one fault.
#
# 1. **Unit rows.** Divide each row by $\|c_i\|$ and $v$ by $\epsilon$. The problem no longer knows the scale of the logit:
#    $g_i^\top u \ge t_i$ with $t_i = 1 - m_i / \epsilon$, where $m_i$ is the margin.
# 2. **Anneal.** A logistic function of the slack has a slope everywhere. Its width falls from 0.3 of the budget to 0.003, so
#    the ascent first sees all rows and at last nearly the count. Several starts are compared on a part of the rows.
# 3. **Polish.** The rows that $u$ satisfies are satisfied by a shorter point too, the point of least norm, held by a few
#    dozen active rows. What is left of the budget pays for further rows, cheapest first. The dual active-set method
#    {cite:p}`goldfarb1983numerically` tells the price of a row before it is paid.
# 4. **Exchange.** Give up a few active rows, those that cost most norm, and fill up again. Keep the change unless it loses
#    rows.
#
# For a case of your own, `sets` are half-spaces $c_i, b_i$ and a budget. Here are Eq. (7) and its ramp at what the search
# finds. (The last digits hang on the trained weights, which differ between processors, so these lines are not compared.)

# %% tags=["nbval-ignore-output"]
solution = maximize_coverage(sets, method="search", seed=seed)
slack = sets.normals @ solution.perturbation + sets.offsets
print(f"Eq. (7): {(slack >= 0).double().mean():.3f} of the rows hold")
print(f"mean ramp: {slack.clamp(0, 1).mean():.3f}")

# %% [markdown]
# **Two ways to miss the maximum.** Either the ascent does not find the maximizer of the ramp, which is an *optimization
# error*, or it finds it, and that is no maximizer of the coverage, a *bias of the surrogate*. The ramp itself tells them
# apart: is it larger where the ascent ends, or at the $v$ of the search, which covers more? With all samples there are the
# bias remains, and how large it is depends on the scale of the logit ([](sharper_bounds.ipynb)).

# %% mystnb={"code_prompt_show": "Show what both found, as images", "code_prompt_hide": "Hide the images", "figure": {"caption": "The perturbations as images, blue below zero and red above: where the paper's ascent from 0 ends, and what the search finds, at both budgets.", "name": "fig-algorithm-images"}, "image": {"alt": "Two by two images of 28 by 28 pixels, ramp and search at the median margin and at 1.3 times. Three are alike, a red core with blue at its sides; the ramp at 1.3 times is a blue bar between two red ones instead."}} tags=["hide-cell"]
wide_solution = maximize_coverage(wide, method="search", seed=seed)
live = {
    "median margin": (sets, solution),
    "1.3 times": (wide, wide_solution),
}
misses = {
    name: "bias"
    if ascents[f"{name}, from 0"].ramp_value >= ramp_value(rows, better.perturbation)
    else "optimization"
    for name, (rows, better) in live.items()
}
checks += [
    Check(
        what="the search covers no fewer rows than any ascent, as counted in exact "
        "arithmetic",
        cases=len(live),
        figure="both budgets",
        holds=solution.coverage >= ascents["median margin, from 0"].coverage
        and wide_solution.coverage >= max(from_zero, from_mean)
        and solution.certificate.lower == solution.coverage,
        test=of_defense
        + "search/test_annealing.py::test_annealing_leaves_the_dead_zone_of_the_ramp",
    ),
    Check(
        what="the ascent from 0 misses by the ramp's bias at the median margin, by an error "
        "of optimization at 1.3 times",
        cases=len(misses),
        figure="both told apart",
        holds=list(misses.values()) == ["bias", "optimization"] if as_stored else None,
        test=of_defense + "test_ramp.py::test_the_ramp_by_hand",
    ),
]
ended = [ascents[f"{name}, from 0"].perturbation for name in live]
searched = [better.perturbation for _, better in live.values()]
plot_images(
    {"ramp": torch.stack(ended), "search": torch.stack(searched)},
    signed=["ramp", "search"],
    notes={"ramp": list(live), "search": list(live)},
)

# %% [markdown]
# ## A bound that can be checked
#
# How much could any other $v$ gain? Every proof here is a lower bound on the number of rows that *every* $v$ violates.
#
# **The idea.** *Pairs*: two half-spaces may miss each other inside the ball, and then one of the two rows is lost wherever $v$ is.
# *Moments*: many rows, each at peace with every other, may still ask for more than one $v$ can give. A semidefinite relaxation
# sees this from mean and covariance alone, in each of the parts into which the ball is cut. Its multipliers are the evidence:
# whoever checks it computes one minimum a part, and needs no solver.
#
# :::{dropdown} How pairs and moments prove it
# **Pairs.** Two half-spaces miss each other inside the ball exactly when the angle between their normals exceeds
# $\arccos t_i + \arccos t_j$. One row of such a pair is lost wherever $v$ is. A matching of conflicting pairs therefore costs
# one row each, and the best fractional matching is found in the bipartite double cover of the conflict graph.
#
# **Moments.** Pairs cannot see that many rows, each at peace with every other, ask for more than one $u$ can give. Suppose the
# defender drew $u$ at random, and of the product $g^\top u$ only the mean $m$ and the variance $\sigma^2$ were known. By Cantelli's
# inequality the row fails with probability at least $\delta^2 / (\sigma^2 + \delta^2)$, $\delta = (t - m)_+$. Minimizing the sum of these
# over all means and covariances with $\mathbb E \|u\|^2 \le 1$ is a convex problem, a semidefinite relaxation, and its value is
# a lower bound for every fixed $u$ as well.
#
# A law with a large variance along one direction cheats: it sits half of the time where one class is safe, half of the time
# where the other is. So the ball is cut along that direction, and each part gets its own bound, again and again.
#
# **What is checked.** The multipliers of the relaxation give, for each part, a sum of functions
# $1 - (g_i^\top u + s_i)^2 / (t_i + s_i)^2 \le \mathbf 1[g_i^\top u < t_i]$ and a Lagrangian that is convex. Its minimum is a
# number. The check computes it by one Cholesky factorization for each part, bounds all rounding errors, and rounds up to a
# whole number of rows. The solver may be wrong; the check then fails.
# :::

# %% tags=["nbval-ignore-output"]
certificate = upper_bound(
    sets, None, max_nodes=31, seed=seed, start=solution.perturbation
)
assert certificate.verify(sets)  # without the solver; save_certificate stores it
print(
    f"found {certificate.lower:.3f}, and no v covers more than {certificate.upper:.3f}"
)

# %% [markdown]
# A check is worth something if it can fail. One row fewer is too much to claim; rows whose last bits differ are other rows;
# and a certificate survives the way to disk.

# %% tags=["hide-input"]
claim = replace(certificate, upper_count=certificate.upper_count - 1)
boast = replace(certificate, lower_count=certificate.lower_count + 1)
other = RobustSets(
    normals=sets.normals.nextafter(torch.tensor(math.inf)),
    offsets=sets.offsets,
    epsilon=sets.epsilon,
)
try:
    refused = not certificate.verify(other)
except ValueError as error:
    refused = "sets must be the rows this certificate was made for" in str(error)
with tempfile.TemporaryDirectory() as folder:
    save_certificate(certificate, Path(folder) / "certificate.safetensors")
    again = load_certificate(Path(folder) / "certificate.safetensors")
checks += [
    Check(
        what="the certificate holds and leaves less than half of what no proof leaves",
        cases=len(sets.offsets),
        figure="under 10 points",
        holds=certificate.verify(sets)
        and certificate.gap < min((1.0 - certificate.lower) / 2, 0.1)
        if as_stored
        else None,
        test=of_defense + "certificates/test_certificates.py"
        "::test_what_was_certified_verifies_and_encloses_the_truth",
    ),
    Check(
        what="a bound lower by one row, a count higher by one and other last bits are "
        "refused; read back from disk, the certificate holds",
        cases=4,
        figure="3 refused",
        holds=refused
        and not claim.verify(sets)
        and not boast.verify(sets)
        and again.verify(sets),
        test=of_defense + "certificates/test_certificates.py"
        "::test_a_lower_upper_bound_than_the_evidence_proves_fails",
    ),
]

# %% [markdown]
# ## The methods on the complete data
#
# The {ref}`first figure <fig-solvers>` is of four thousand training points of each pair, a classifier trained on all of them, and
# budgets of 0.7, 1 and 1.3 times the median margin. *Held out* is coverage of all test points. The certified gap lies
# between the best count found and what pairs prove, or what moments prove with 101 parts of the ball.
#
# No test point served to choose a setting of the search or of the bound. But both were developed with training points of 0
# against 1, 2 against 4 and 1 against 7 of MNIST and 0 against 6 of Fashion-MNIST in view; last settings were chosen on 3
# against 8 and 4 against 9, which are not in the figure.
#
# :::{dropdown} How to read the table, and how the records were computed
# A cell of a method has the percentage of training points covered,
# that of points held out, and seconds; a cell of a bound its percentage, its gap above the best found in points, and
# seconds. *Ratio* is the gap of moments to that of pairs. Of the *second run*, with ten minutes of search: of 4,000 rows what ramp, ramp on unit rows, annealing with polish, search, and the best of ten minutes cover; then the gain of the
# search over the ramp, what it leaves to ten minutes, in points, and its time in those of the ramp.
#
# `python -m tools.compare_defenses` computes those of the figure; work is limited, not time, so the counts come out again.
# Seconds are for one thread of a machine that other work shared; *search* here exchanges rows sixty times, the default is
# ten. `fit_defense` sets a fifth of its points aside, so its fit sees fewer.
#
# *The second run*, with ten minutes more, on another machine, which trained the classifiers itself: every method twice, then
# ten minutes of search for each instance. It is what `python -m benchmarks quality --runs 2 --search-seconds 600 --workers 16
# --write` stores, kept as `results/search_600s.json`. The best is that of all, ten minutes of search among them.
#
# *Paths*: what `python -m benchmarks path --write` measured on five pairs is kept as `results/path_budgets.json`: twenty budgets
# each, from 0.5 to 1.5 times the median margin, counted on the same rows. Times are of a machine with two cores that other
# work shared, the two solvers in turn.
# :::

# %% mystnb={"code_prompt_show": "Show the table of all instances", "code_prompt_hide": "Hide the table"} tags=["hide-cell"]
Markdown(solver_table(records, longer))

# %% [markdown]
# ### Coverage against the budget
#
# The band between what was found and what is proven holds $\max_v \phi_n(v)$ at every budget. A larger budget helps the attacker
# as much as the defender: it shifts every half-space away by as much as it lengthens $v$.

# %% mystnb={"figure": {"caption": "Coverage against the budget of both players, 4,000 training points of two pairs of MNIST: without a defense (dotted), with the paper's ascent (dashed), with the search, and the band that holds the maximum. From the records `results/defense`. With JavaScript a click or a finger on a curve sets the budget, or the slider, which takes arrow keys as well.", "name": "fig-certified-bands"}, "image": {"alt": "Two panels, MNIST 0-1 and 2-4: share of training points covered against the budget in pixels. All curves fall; no defense falls fastest, the ramp drops away from the best found beyond the median margin on 0-1; the band above the best found widens with the budget."}} tags=["hide-input"]
curves = load_curves(defenses)
plot_certified_bands(curves)

# %% mystnb={"code_prompt_show": "Show the perturbations at every budget", "code_prompt_hide": "Hide them", "figure": {"caption": "The perturbations of {ref}`the curves <fig-certified-bands>` as images, blue below zero and red above, each on its own scale, from the smallest budget to the largest: of the ascent and of the search, on 0 against 1 and on 2 against 4.", "name": "fig-budget-images"}, "image": {"alt": "Four rows of twenty small images: on 0 against 1 red and blue arcs about the middle, alike in both rows up to 1.25 median margins, from 1.3 on a blue bar between red ones in the row of the ascent; on 2 against 4 red strokes around a blue spot, alike in both rows but for the last two."}} tags=["hide-cell"]
draw_budget_images(load_budget_images(defenses))

# %% mystnb={"code_prompt_show": "Show what the picture is told", "code_prompt_hide": "Hide what the picture is told"} tags=["hide-input"]
Answering(script="coverage_by_budget", told=curves)

# %% [markdown]
# Budgets share their normals, so that one matrix product serves all of them in a step of the annealing. `coverage_path` solves
# a family of budgets in that way, and mostly, not always, it covers what single searches cover.

# %% mystnb={"code_prompt_show": "Show the five paths", "code_prompt_hide": "Hide the five paths"} tags=["hide-cell"]
budgets = [epsilon * (0.6 + 0.1 * step) for step in range(8)]
family = [RobustSets.from_linearization(train_lin, budget) for budget in budgets]
path = [one.coverage for one in coverage_path(family, seed=seed)]
ramps = [ramp_ascent(one).coverage for one in family]
rises = [later > before for before, later in itertools.pairwise(path)]
below = [ours < ramp for ours, ramp in zip(path, ramps, strict=True)]
checks.append(
    Check(
        what="live, a path of budgets covers less at each larger one, and never less than "
        "the ramp",
        cases=len(budgets),
        figure="no exception",
        holds=not any(rises) and not any(below) if as_stored else None,
        test=of_defense + "test_batch.py"
        "::test_a_path_is_feasible_repeats_and_is_near_the_single_solves",
    )
)
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

# %% [markdown]
# **Aims.** They were set before the runs: one for the gap, three for the search as it runs by default, two for a path.

# %% tags=["hide-input"]
Markdown(aims_table(records, longer, followed))

# %% [markdown]
# ## What to deploy
#
# A maximizer of $\phi_n$ fits its sample. The polish gains rows by holding $v$ against a few dozen of them, and test points do not
# sit there. `fit_defense` therefore chooses how sharp the relaxation ends, and whether to polish, by cross-validation, fits
# again on all points, and reports coverage on points that neither the fit nor the choice saw.

# %%
test_sets = RobustSets.from_linearization(test_lin, epsilon)
deployed = fit_defense(sets, holdout=test_sets, seed=seed)
print("compared:", *(name.removeprefix("annealed ") for name in deployed.validation))
print(f"reported on {deployed.num_holdout} points that nothing else saw")

# %% mystnb={"code_prompt_show": "Show the means of all methods, held out", "code_prompt_hide": "Hide the means"} tags=["hide-cell"]
excess = solution.coverage - float(test_sets.coverage(solution.perturbation))
checks += [
    Check(
        what="live, the search covers more of its sample than of test points, and of the "
        "sample no less than `fit_defense`",
        cases=deployed.num_holdout,
        figure="both",
        holds=excess > 0 and deployed.coverage <= solution.coverage
        if as_stored
        else None,
        test=of_defense
        + "test_fit.py::test_the_points_set_aside_are_counted_and_never_fitted",
    ),
]
Markdown(
    table_of(
        {
            "mean over the instances, %": name,
            "of the sample": f"{sum(one.percent(one.methods[name].count) for one in records) / len(records):.2f}",
            "held out": f"{100 * sum(one.methods[name].holdout for one in records) / len(records):.2f}",
        }
        for name in records[0].methods
    )
)

# %% [markdown]
# ## What holds and what does not
#
# **The paper's ascent is near the maximum, or it is not.** Up to the median margin the search gains a few points over it at
# most. Beyond, the ascent from zero can fail altogether: on 0 against 1 at 1.3 times the record has less than half of the
# rows, where the search has nearly three quarters.
#
# **The maximum is known to within the gaps above**, less than half of what pairs leave open, and about one to three points at
# the smallest budgets. What limits the bound is that a cell of the ball still lets $u$ vary in hundreds of directions, each a
# little. Each cut removes one of them, and the gain of a cut shrinks as the cells grow in number. A gap of one point was the
# aim and is missed on all instances.
#
# **More coverage of the sample is not more coverage.** The search wins everywhere on its sample, and on test points a smoother
# relaxation does as well or better. `fit_defense` holds out on average what plain annealing does, no more; what
# cross-validation buys is a choice that needs no test points. On Fashion-MNIST 2 against 4 the ramp on unit rows, the worst
# of all on the sample, is the best held out, by half a point. Where the ascent fails, it fails on new points as well: on 0 against 1 at
# 1.3 times it keeps less than half of them, annealing nearly three quarters. Where it does not, ascent on raw rows, annealing, search and `fit_defense` differ by no more on
# new points than on the sample, mostly by less than half as much: there generalization decides which $v$ to deploy.

# %% tags=["hide-input"]
ratios = [one.gap("moments") / one.gap("pairs") for one in records]
gains = [
    one.percent(one.methods["search"].count - one.methods["ramp, raw rows"].count)
    for one in records
]
smoother = [
    one.methods["annealed"].holdout >= one.methods["search"].holdout for one in records
]
four = ("ramp, raw rows", "annealed", "search", "fit_defense")
spans = [one.spans(four) for one, gain in zip(records, gains, strict=True) if gain < 10]
odd = next(one for one in records if one.name == "fashion-mnist 2-4, 1")
fitted = {name: one for name, one in odd.methods.items() if name != "no defense"}
fewest = min(fitted, key=lambda name: fitted[name].count)
of_tables = "tests/experiments/figures/test_solver_tables.py::"
checks += [
    Check(
        what="every stored certificate was checked; it leaves less than half of the gap of "
        "pairs",
        cases=len(records),
        figure=f"{min(ratios):.2f} to {max(ratios):.2f}",
        holds=all(bool(one.bounds["moments"].verified) for one in records)
        and max(ratios) < 0.5,
        test=of_tables + "test_moments_halve_the_gap",
    ),
    Check(
        what="on every stored instance the search covers more than the ramp",
        cases=len(gains),
        figure=f"median {median(gains):.2f} points",
        holds=min(gains) > 0,
        test=of_tables + "test_the_search_gains_everywhere",
    ),
    Check(
        what="in the second run both rounds found the same",
        cases=len(longer),
        figure="all",
        holds=all(one.repeats for one in longer),
        test="tests/regression/test_stored_defenses.py"
        "::test_ten_minutes_of_search_add_little_to_the_defaults",
    ),
    Check(
        what="held out, annealing alone covers no less than the search",
        cases=len(smoother),
        figure=f"{sum(smoother)}",
        holds=all(smoother),
        test=of_tables + "test_annealing_holds_out_as_much",
    ),
    Check(
        what="where the search gains under 10 points, ramp on raw rows, annealing, search and `fit_defense` "
        "differ by no more held out than on the sample",
        cases=len(spans),
        figure=f"medians {median(out for _, out in spans):.2f} and {median(fit for fit, _ in spans):.2f} points",
        holds=all(out < fit + 1e-9 for fit, out in spans),
        test=of_tables + "test_the_methods_differ_less_held_out",
    ),
    Check(
        what="Fashion-MNIST 2 against 4: what covers fewest of the sample covers most held "
        "out",
        cases=len(fitted),
        figure=fewest,
        holds=fewest == max(fitted, key=lambda name: fitted[name].holdout),
        test=of_tables + "test_worst_fitted_best_held_out",
    ),
]
ChecksTable(checks)

# %% [markdown]
# ## Behind this page
#
# ```{page-footer}
# :records: results/defense/*.json results/[ps]*.json
# ```
