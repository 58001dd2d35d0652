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
# # Sharper bounds
#
# **How much of what a fitted defense keeps in the sample is it certain to keep on new points?**
#
# ```{outcomes}
# ```
#
# *This page speaks of the tangents $f_L$. Whether they may stand for a trained network is measured
# in [](local_linearity.ipynb): at the budgets of the tables they may not.*

# %% mystnb={"code_prompt_show": "Show the parameters", "code_prompt_hide": "Hide the parameters"} tags=["parameters", "hide-input"]
store = "../results/generalization"  # folder of the stored results
table1 = "../results/table1"  # folder of those of Table 1, for the budgets
source = "auto"  # of what is computed: "auto", "torchvision" or "debian"
compute = False  # True runs what the store lacks, which takes the complete data
workers = 2  # processes that compute, 0 to 64; 0: this one alone
split = 1  # the split of the training images that is drawn, 0 or 1
smallest = 100  # powers are fitted to sizes from here on, 10 to 300

# %% mystnb={"code_prompt_show": "Show the set-up", "code_prompt_hide": "Hide the set-up"} tags=["hide-input"]
import math

import torch
from IPython.display import Markdown

from experiments.figures.bound_pictures import (
    plot_bounds,
    plot_pair_bounds,
    plot_prices,
)
from experiments.figures.checks_table import Check, ChecksTable
from experiments.figures.markdown import table_of
from experiments.figures.rate_pictures import (
    fit_rates,
    plot_ramp_floor,
    plot_rates,
    slope_table,
)
from experiments.figures.sharper_bounds import (
    better_of_two,
    bound_values,
    fit_table,
    goal_table,
    pair_name,
    reuse_table,
    validity_table,
)
from experiments.populations.ramp_floor import mean_ramp, ramp_floor, ramp_maximizer
from experiments.populations.sample_rates import measure_rates
from experiments.populations.slopes import fit_slope, paper_rate
from experiments.section5.bound_runs import SEARCH_10
from experiments.section5.plans import (
    PRICE_PLAN,
    VALIDITY_PLAN,
    bound_plan,
    image_rates_plan,
    reuse_plan,
)
from experiments.section5.rate_runs import RATE_PLANS, RatePlan
from experiments.store.record_files import stored_folder
from experiments.sweep.resume import load_or_compute
from experiments.sweep.runner import executor_for
from experiments.tables.table_1 import primary_budgets
from paper_lib.bounds import bounds_at, compress, compression_bound, held_out_bound
from paper_lib.checks import check_choice, check_count
from paper_lib.defense import ramp_ascent
from paper_lib.generalization import expected_deviation_bound, log_num_regions

check_choice(source, "source", ("auto", "torchvision", "debian"))
workers = check_count(workers, "workers", 0, 64)
split = check_count(split, "split", 0, 1)
smallest = check_count(smallest, "smallest", 10, 300)
stored_folder(table1, name="table1", holding="budgets-*.json")
if not compute:
    stored_folder(store)
budgets = primary_budgets(table1)
plans = [
    bound_plan(budgets),
    reuse_plan(budgets),
    VALIDITY_PLAN,
    image_rates_plan(budgets),
    PRICE_PLAN,
]
with executor_for(workers if compute else 0) as executor:
    bounds, reuses, tests, images, prices = (
        load_or_compute(
            plan,
            store,
            executor=executor,
            source=source,
            compute=compute,
            progress=compute,
        )
        for plan in plans
    )
rates = load_or_compute(
    RATE_PLANS, f"{store}/rates.json", compute=compute, progress=compute
)
whole = [record.sizes[-1] for record in bounds]
splits = sorted({record.config.seed for record in bounds})
shown = {
    "compression": ("compressed", "compression"),
    "fit for PAC-Bayes": ("certified", "PAC-Bayes, center"),
    "ramp, center": ("ramp", "PAC-Bayes, center"),
    "polished, center": (SEARCH_10, "PAC-Bayes, center"),
    "polished, origin": (SEARCH_10, "PAC-Bayes"),
}
values = bound_values(whole, shown)
rows = RatePlan(kind="gaussian", dim=2, solver="ramp").population()
of_bounds = "tests/regression/test_stored_bounds.py::"
of_rates = "tests/regression/test_stored_rates.py::"
of_floor = "tests/experiments/populations/test_ramp_floor.py::"

# %% [markdown]
# (sharper-bounds-pairs)=
# ## The answer in one picture
#
# The goal, set before any of this was computed: a lower bound on $\phi(v)$ of a fitted $v$,
# from training images alone and at 95% confidence, within 0.10 of the held-out share of
# the best solution known. Half of the training images trains the classifier; $v$ is fitted on the
# other half, which is counted. The gray boxes are the goal. Both players have *the first choice's one budget* of each data set, the one declared
# before the study of [Table 1](all_pairs.ipynb).

# %% mystnb={"figure": {"caption": "Lower bounds of $\\phi(v)$ on eight pairs of classes, of the split that the parameter `split` names. Bar: the held-out share of the polished solution, on test images; box: within 0.10 below it. The names say which $v$ is bounded, and what the bound is taken around: a center from the half that trained the classifier, or the origin. From the stored runs at the first choice's one budget.", "name": "fig-sharper-pairs"}, "image": {"alt": "Eight rows, one a pair of classes, with marks on an axis from 0 to 1. In each row the marks of compression and of the fit for PAC-Bayes lie in or next to the gray box of width 0.10 below the held-out share; the polished solution lies left of most boxes, bounded from the origin farther than around the center, but for MNIST 3-8 and Fashion-MNIST 5-7, where it is the other way round."}} tags=["hide-input"]
drawn = [pair for pair in bounds if pair.config.seed == split]
plot_pair_bounds(
    [pair_name(pair.config) for pair in drawn],
    bound_values([pair.sizes[-1] for pair in drawn], shown),
    held_out=[pair.sizes[-1].searched.coverage_test for pair in drawn],
    within=0.10,
)

# %% tags=["remove-input"]
better = better_of_two(whole)
certain = [
    bound / one.searched.coverage for bound, one in zip(better, whole, strict=True)
]
Markdown(
    f"**{min(certain):.0%} to {max(certain):.0%} of it, by pair**, with 95% confidence: so much the better of two bounds, compression "
    "and a fit for PAC-Bayes, is of the largest share that a $v$ was found to keep in the sample."
)

# %% mystnb={"code_prompt_show": "Show how many pairs each bound reaches, and the bounds", "code_prompt_hide": "Hide the tables"} tags=["hide-cell"]
reached = {"the better of the first two": better, **values}
fitted = [entry.fits["certified"].bounds["PAC-Bayes, center"] for entry in whole]
of_pairs = table_of(
    {
        "pair": pair_name(pair.config).replace("-", "\N{NON-BREAKING HYPHEN}"),
        "split": pair.config.seed,
        "n": f"{whole[k].num:,}",
        "$\\phi_n(v_n)$": f"{whole[k].searched.coverage:.3f}",
        "held out": f"{whole[k].searched.coverage_test:.3f}",
        **{title: f"{found[k]:.3f}" for title, found in values.items()},
        "center, held out": f"{whole[k].center.value:.3f}",
        "move of the fit": f"{fitted[k].terms['distance from center']:.2f}",
    }
    for k, pair in enumerate(bounds)
)
Markdown(f"{goal_table(bounds, reached, within=0.10)}\n\n{of_pairs}")

# %% [markdown]
# The better of these two bounds comes within 0.10 of the held-out share on every pair and both splits; both share the chance of failure, so that the better may be picked after looking. The bound of
# the paper says nothing here: above 1 is no deviation. Widths and noises were settled while bounds on split 0 were looked at; split 1,
# which nobody had looked at, is the cleaner test.
#
# ## The statement
#
# Section 5 of the paper {cite:p}`pal2020game` bounds how far $\phi_n(v)$, the share of robust sets that contain $v$ in a sample, can be from
# $\phi(v)$, the probability that a new point's robust set contains it. At the size of MNIST its bound is above 1
# ([](the_vc_bound.ipynb)), and the section ends by calling for better ones. A bound on this page is a *lower bound on $\phi(v)$*, the
# sample's share less a price, and says nothing where the price is as large as the share.
#
# **The idea.** A price is paid for the freedom with which $v$ was fitted. Counting all that 784 dimensions allow is too dear. The ramp
# and PAC-Bayes ask instead how far $v$ moved from a center that has not seen the points, and compression asks how few points it takes to
# rebuild $v$. Neither asks for the dimension.
#
# **What must hold.** Each bound is conditional on the classifier and on the budget, and the points that are counted may have had
# no part in either. The budgets are taken to two decimals; they were calibrated on training images of both
# halves, so all multiples of 0.01 up to 10 share the chance of failure. In place of the paper's assumption that the maximizer
# of $\phi_n$ is found stands the certificate of [the algorithm](the_algorithm.ipynb).
#
# | way | holds for | its price |
# | :-- | :-- | :-- |
# | counting regions | every $v$ at once | the dimension, in $\log N$ |
# | the ramp | every $v$ at once | the distance from a center, over the width of the ramp |
# | PAC-Bayes | every $v$ at once | the distance from a center, over the noise |
# | compression | a $v$ rebuilt from few points | the number of points |
# | held out | one $v$ fixed in advance | none but the sample's own chance |
#
# :::{dropdown} Where each price comes from
# **Counting regions, with every constant.** $\sup_v \phi_n(v) - \phi(v)$ changes by at most $1/n$ when one point is replaced, so by
# McDiarmid's inequality it exceeds its mean by more than $\sqrt{\log(1/\delta)/2n}$ with
# probability at most $\delta$. One tail is enough for a lower bound. The mean is at most
# twice the Rademacher complexity of the indicators. Centered at $\frac12$ they have length
# $\sqrt n / 2$, so for $N$ different patterns Massart's lemma gives
#
# $$\operatorname{E} \sup_v \bigl(\phi_n(v) - \phi(v)\bigr) \le
# \sqrt{\frac{2 \log N}{n}}, \qquad N \le \sum_{k \le d} \binom nk .$$
#
# The paper has $n^{2d}$ in place of the sum and a factor of 2 more.
#
# **Counting on the sample.** The number of patterns on the *sample* may be far smaller, since only faces that meet the
# ball count. It is not the shatter coefficient, though. Given the sample it bounds the
# empirical complexity, which itself moves by at most $1/n$ with one point; with both
# concentrations,
# $\phi(v) \ge \phi_n(v) - \sqrt{2 \log N / n} - 3 \sqrt{\log(2/\delta)/2n}$. In the plane
# `trace_count` counts $N$ exactly.
#
# **The ramp, and no dimension.** Let $h_i(v) = (c_i^\top v + b_i)/\|c_i\|$ be the signed distance of $v$ from the edge of
# a robust set. Moving $v$ by $r$ moves it by at most $r$. A ramp of width $g$ lies under
# the indicator and has slope $1/g$, so contraction {cite:p}`ledoux1991probability` leaves
# the complexity of the linear functions $v \mapsto c_i^\top v / \|c_i\|$ over a ball of
# radius $r$ around a center $c$, which is at most $r/\sqrt n$ by Cauchy and Schwarz
# {cite:p}`bartlett2002rademacher`:
#
# $$\phi(v) \ge \frac1n \sum_i \operatorname{ramp}_g(h_i(v)) - \frac{2 r}{g \sqrt n} -
# \sqrt{\frac{\log(1/\delta)}{2 n}} .$$
#
# This is the relaxation that the paper itself ascends. Offsets $b_i$ do not vary with $v$
# and cost nothing. Rows whose ramp is 0 or 1 throughout the class may drop out of the
# complexity; that form counts on the sample and has the last term of the section before.
# `margin_bound` takes the best of both forms, of twelve widths and, around a center, of
# thirteen radii; all of them share $\delta$.
#
# **PAC-Bayes.** The paper suggests it. Add Gaussian noise of deviation $s$ to $v$: a distance becomes
# normal, so a row is kept with probability $\Phi(h_i(v)/s)$, in closed form. Against a
# prior of the same noise around $c$ the relative entropy is $\|v - c\|^2 / 2 s^2$, again
# without the dimension, and the lost share $L$ satisfies
# {cite:p}`seeger2002pacbayesian,maurer2004note`
#
# $$\operatorname{kl}(\hat L \,\|\, L) \le \frac1n \Bigl( \frac{\|v-c\|^2}{2 s^2} + \log
# \frac{2 K \sqrt n}{\delta} \Bigr) ,$$
#
# where $K = 72$ settings (twelve $s$, six margins, see below) share $\delta$. That speaks of a *noisy* defense, which leaves the ball. For $v$ itself, ask the noisy one
# for a margin $\gamma$ {cite:p}`langford2002pacbayes`. If $h(v) < 0$, then $h(v) + s Z <
# \gamma$ with probability at least $\Phi(\gamma/s)$. So $v$ loses at most $L_\gamma /
# \Phi(\gamma / s)$; at $\gamma = 0$ this is the familiar factor of two.
#
# A center may be any point that has not seen the half that is counted. The $v$ that the
# ramp finds on *the half that trained $f$* is one, and it is close to good ones
# {cite:p}`ambroladze2006tighter`.
#
# **Compression.** Suppose $k$ of the points suffice to rebuild $v$. The other $n - k$ have had no part in
# it, Chernoff's bound holds for each choice of $k$ points, and there are $\binom nk$ of
# them {cite:p}`littlestone1986relating,langford2005tutorial`:
#
# $$\operatorname{kl}(\hat L \,\|\, L) \le \frac{1}{n-k} \Bigl( \log \binom nk + \log
# \frac{2 k (k+1)}{\delta} \Bigr) .$$
#
# Two rules rebuild, which is the factor 2: the shortest vector in all $k$ robust sets,
# which the few active constraints of a polished solution determine; and the direction of
# the sum of $k$ unit normals, which `compress` picks greedily for its own bound. There
# points may repeat: the choices are $\binom{n+k-1}{k}$, and $n - k$ becomes the number of
# points that are not among them.
#
# **Held out.** For one $v$ fixed in advance the count is binomial, and Clopper and Pearson's interval
# {cite:p}`clopper1934use` is exact. It is the easiest of all, and says nothing of a $v$
# fitted on the points counted.
# :::

# %% [markdown]
# ## For robust sets of your own
#
# The calls, on a thousand rows whose $\phi$ is known, and the paper's Eq. (20) as written. The center comes from another thousand.

# %%
counted, other = rows.draw(1000, seed=0), rows.draw(1000, seed=1)
v, center = ramp_ascent(counted).perturbation, ramp_ascent(other).perturbation
few = compress(counted, confidence=0.95, seed=0)
found = bounds_at(counted, v, center=center, confidence=0.95)
found["compression"] = compression_bound(counted, few, confidence=0.95)
found["center, held out"] = held_out_bound(counted, center, confidence=0.95)
for name, bound in found.items():
    print(f"{name}: {bound.value:.2f}, for {bound.holds_for}")
print(f"in the sample {counted.coverage(v):.2f}, in truth {rows.coverage(v):.2f}")
n, m = 1000, 2
print(f"Eq. (20) on the mean deviation: {4 * math.sqrt(m * math.log(n) / n):.2f}")
gaps = [
    pair.searched.coverage_test - bound
    for pair, bound in zip(whole, better_of_two(whole), strict=True)
]
print(f"on images, largest distance of the better of two: {max(gaps):.3f}")

# %% [markdown]
# ## Every bound against n
#
# MNIST 0 against 1. The first $n$ images of the half that did not train $f$ fit $v$ and are counted.

# %% mystnb={"figure": {"caption": "Lower bounds of $\\phi(v)$ for MNIST 0 against 1 against the number of points, each with 95% confidence for all budgets at once. Thick: measured, of the polished solution. The bounds are of it too, but for compression, whose $v$ is rebuilt from few points, the fit for PAC-Bayes, and the center, fixed in advance. From the stored run of split 0.", "name": "fig-sharper-sizes"}, "image": {"alt": "Seven curves of lower bounds rise with n from 100 to 6,333, toward two thick curves of measured shares near 0.95: held out and the fit for PAC-Bayes end at 0.94 and 0.92, compression at 0.90, PAC-Bayes and the ramp between 0.79 and 0.89. Regions begin to say something at the last n alone, 0.06, and Eq. (20) says nothing."}} tags=["hide-input"]
first = bounds[0].sizes
polished = (
    "Eq. (20)",
    "regions",
    "ramp",
    "PAC-Bayes",
    "ramp, center",
    "PAC-Bayes, center",
)
curves = {name: (SEARCH_10, name) for name in polished}
plot_bounds(
    [entry.num for entry in first],
    {
        **bound_values(first, curves),
        **bound_values(first, {"compression": shown["compression"]}),
        "center, held out": [entry.center.value for entry in first],
        **bound_values(first, {"fit for PAC-Bayes": shown["fit for PAC-Bayes"]}),
    },
    measured={
        "in the sample": [entry.searched.coverage for entry in first],
        "test images": [entry.searched.coverage_test for entry in first],
    },
)

# %% mystnb={"code_prompt_show": "Show all bounds of all fits, and what those around a center pay", "code_prompt_hide": "Hide the tables"} tags=["hide-cell"]
around = {
    pair_name(pair.config): pair.sizes[-1].searched.bounds["PAC-Bayes, center"]
    for pair in drawn
}
costs = table_of(
    {
        "polished, around a center": name,
        "$\\phi_n(v_n)$": f"{bound.observed:.3f}",
        "kept with noise and margin": f"{bound.terms['kept with noise']:.3f}",
        "bound": f"{bound.value:.3f}",
        "noise": f"{bound.terms['noise']:.2f}",
        "margin": f"{bound.terms['margin']:.2f}",
        "relative entropy (nats)": f"{bound.terms['relative entropy']:.1f}",
        "distance from the center": f"{bound.terms['distance from center']:.2f}",
    }
    for name, bound in around.items()
)
Markdown(f"{fit_table(first[-1])}\n\n{costs}")

# %% [markdown]
# *Fits: ramp, the paper's ascent; annealed and polished, those of [the algorithm](the_algorithm.ipynb); fit for PAC-Bayes, an ascent of that
# bound around the center (`fit_certified`); compressed, the direction of a sum of few unit normals; least norm, the shortest vector in
# the robust sets that hold the polished solution.* The fit for PAC-Bayes hardly moves from the center: it is a held-out bound in
# other words, and a little worse than one. Where $\phi$ is near one half a count of $n$ points is itself uncertain by about
# $\sqrt{1/4n}$, and each bound pays a multiple of it. MNIST 0 against 5 has the fewest points, and its test images are easier than
# its training images.
#
# ## The regret, optimization error included
#
# $v^*$ is fixed by the population, so no uniform bound is needed for it: it lies in no more of the sample's robust sets than the
# certificate of the solver allows, and Clopper and Pearson's interval for that count bounds $\phi(v^*)$. That there is such a $v^*$, for
# every distribution of inputs, is proved with [Lemma 3](existence-of-v). A lower bound on $\phi(\hat v)$ completes it:
#
# $$0 \le \phi(v^*) - \phi(\hat v) \le \overline{\phi(v^*)} - \underline{\phi(\hat v)} .$$
#
# Eq. (18) needs $\hat v = v_n^*$; this does not. Each end takes half of the chance of failure. First split.

# %% mystnb={"code_prompt_show": "Show the bounds on the regret, pair by pair", "code_prompt_hide": "Hide the table"} tags=["hide-cell"]
of_first = {
    pair_name(pair.config): pair.sizes[-1]
    for pair in bounds
    if pair.config.seed == splits[0]
}
Markdown(
    table_of(
        {
            "pair": name,
            "$\\phi_n(v_n)$, polished": f"{entry.searched.coverage:.3f}",
            "certified $\\max \\phi_n$": f"{entry.certificate.upper_count / entry.num:.3f}",
            "$\\phi(v^*)$ at most": f"{entry.certificate.optimum.value:.3f}",
            **{
                f"regret of {fit}": f"{entry.fits[at].regrets[key].value:.3f}"
                for fit, (at, key) in {
                    "the polished": shown["polished, center"],
                    "the compressed": shown["compression"],
                    "the fit for PAC-Bayes": shown["fit for PAC-Bayes"],
                }.items()
            },
        }
        for name, entry in of_first.items()
    )
)

# %% [markdown]
# ## Do they hold?
#
# On populations with known $\phi$ each bound is computed on 1,000 samples, with $v$ fitted to each sample. A bound at 95% may fail in 5% of
# them; it is *rejected* if even the 99.9% lower limit of its failure rate exceeds that. To see that the test could reject it, its price
# is multiplied by ever smaller factors until it is rejected. The bounds hold with much to spare, so this cannot tell a constant that
# is a little too small; tests compare each with a computation by hand. In the table *held out* is of a center fixed in advance, *traces* counts
# on the sample, and *optimum* and *regret* bound $\phi(v^*)$ and $\phi(v^*) - \phi(v)$ from above.

# %% mystnb={"code_prompt_show": "Show every bound on every population", "code_prompt_hide": "Hide the table"} tags=["hide-cell"]
control = "held out, v fitted"
fooled = [record.bounds[control] for record in tests]
Markdown(validity_table(tests))

# %% [markdown]
# (sharper-bounds-rates)=
# ## How fast it is in fact
#
# Where $\phi$ is known, the regret and the largest deviation can be measured. The normals of
# a linear classifier are $\pm w$ for every point, so that $\phi(v)$ depends on $w^\top v$
# alone and the problem has one dimension whatever $d$ is. For rows $(c, b)$ that are jointly
# normal, $\phi(v)$ is a normal distribution function of $v$ and the normals do vary in all
# dimensions. The third population is finite: 80 such rows in the plane.

# %% mystnb={"figure": {"caption": "Regret and largest deviation against n on populations that are known: means over samples with 95% intervals, and the powers fitted from the size on that `smallest` names. A cross at the lower edge marks a size whose mean regret is zero. Gray: what bounds them. From the stored runs.", "name": "fig-sharper-rates"}, "image": {"alt": "Three panels, one below the other, both axes logarithmic, n from 10 to 100,000. The regret of the exact maximizer falls from a few hundredths to below a thousandth, steeper than the gray bounds above it; so does that of the annealed solution, later in 100 dimensions. The largest deviation falls in parallel to the bounds, ten times lower."}} tags=["hide-input"]
fits = fit_rates(RATE_PLANS, rates, smallest=smallest)
known = ("linear, d = 100", "finite, d = 2", "gaussian, d = 2")
plot_rates(
    {
        "regret, exact maximizer": {
            name: fits[f"{name}, exact", "regret"] for name in known
        },
        "regret, annealed": {
            f"gaussian, d = {dim}": fits[f"gaussian, d = {dim}, annealed", "regret"]
            for dim in (2, 10, 100)
        },
        "largest deviation": {
            name: fits[f"{name}, exact", "deviation"] for name in known
        },
    },
    bounds={
        r"$\sqrt{\log n / n}$": paper_rate,
        "Eq. (20), d = 2": lambda n: 4 * math.sqrt(2 * math.log(n) / n),
        "counted regions, d = 2": lambda n: expected_deviation_bound(
            round(n), log_num_regions(round(n), 2), centered=True
        ),
    },
)

# %% mystnb={"code_prompt_show": "Show all slopes", "code_prompt_hide": "Hide the table"} tags=["hide-cell"]
Markdown(slope_table(RATE_PLANS, rates, fits))

# %% [markdown]
# *Slopes of a line through the logarithms of $n$ and of the mean, with 95% bootstrap intervals; $1/\sqrt n$ has $-0.5$. Last column:
# whether $-2/3$ lies in the interval, for maximizers of $\phi_n$ on smooth populations.*
#
# The largest deviation falls as $1/\sqrt n$: the bound's rate is right up to the logarithm, and its constant is large. The regret of an
# exact maximizer falls faster, because near its maximum $\phi$ is flat. Eq. (18), which bounds the regret by twice the deviation,
# cannot show it. Cube-root asymptotics {cite:p}`kim1990cube` give maximizers of such counts the power $-2/3$ in the end; where the last
# column says *outside*, that is no account of what was measured. A rate faster than $\sqrt{\log n / n}$ is what the paper reports of
# its experiments, without a figure that shows it. On a finite population the regret even vanishes once the sample picks
# out the best face.

# %% [markdown]
# (sharper-bounds-ramp-floor)=
# ### The ramp, and the scale of the logit
#
# The regret of the paper's own method stops falling. The reason is the surrogate, not the ascent: the ramp has another maximizer than
# $\phi$, and how far away depends on the scale of the logit. Multiply $f$ by a constant, and every robust set stays as it is, but the
# ramp becomes steeper. For Gaussian rows the mean ramp has a closed form: with $c^\top v + b$ normal of mean $m$ and
# deviation $s$ it is
#
# $$\operatorname{E} \min(\max(0, c^\top v + b), 1) = s \Bigl( \psi \bigl( \tfrac ms \bigr) -
# \psi \bigl( \tfrac{m - 1}s \bigr) \Bigr), \qquad \psi(z) = z \Phi(z) + \Phi'(z) .$$
#
# Its maximizer $w$ lies along the mean normal, and $\phi(v^*) - \phi(w)$ is a *floor*: what the regret comes down to with all
# samples there are and a perfect ascent.

# %% mystnb={"figure": {"caption": "The regret of the ramp against the scale of the logit. Line: the floor, in closed form. Circle and triangles at scale 1: stored samples of 100,000 rows in 2, 10 and 100 dimensions; in 100 they have not come all the way down. At scales 3 and 10: samples of 20,000 rows drawn here.", "name": "fig-sharper-floor"}, "image": {"alt": "A curve against a logarithmic scale of the logit from 1 to 100: the floor of the regret is flat at 0.0027 up to about 3.5, then falls to 0.0003 at 10 and to zero. The marks of measured regrets lie on the curve, that of 100 dimensions a little above it."}} tags=["hide-input"]
others = {
    scale: measure_rates(
        rows.scaled(scale),
        [20_000],
        repetitions=4,
        seed=0,
        solver="ramp",
        with_deviations=False,
    ).regrets()[0]
    for scale in (3, 10)
}
at_three, at_ten = (sum(found) / len(found) for found in others.values())
plot_ramp_floor(
    {
        scale: ramp_floor(rows.scaled(scale))
        for scale in (10 ** (step / 20) for step in range(41))
    },
    {
        f"stored, d = {dim}": (
            1.0,
            fits[f"gaussian, d = {dim}, ramp", "regret"].means[-1],
        )
        for dim in (2, 10, 100)
    }
    | {"drawn, scale 3": (3, at_three), "drawn, scale 10": (10, at_ten)},
)

# %% [markdown]
# If the reason were an optimization error, the ramp would be larger at $v^*$ than where the ascent ends; it is smaller. At scale 3,
# where the floor is the same, other samples come down to the same regret; at 10 they go below it. Section 5 speaks of the
# maximizer of $\phi_n$ and of no optimization error: this is another one, a bias, which that assumption does not remove. A larger scale
# is no cure in general, since fewer rows are on the slope then. On the test images of Fashion-MNIST 8 against 9 three times the
# logit raises the coverage, and at thirty times the ascent from $v = 0$ gets stuck;
# `test_a_larger_scale_of_the_logit_is_no_cure_on_images` finds both where the complete data are.

# %% [markdown]
# ### What each bound asks for
#
# A bound's *price* is its distance below the share in the sample. Beside it stand the overfit $\phi_n(v_n) - \phi(v_n)$, which would have
# been enough, and the regret. $v_n$ is annealed, the center comes from another sample of the same size.

# %% mystnb={"figure": {"caption": "What bounds ask for against n, on jointly normal rows in 2, 10 and 100 dimensions, means over four samples. Thick: what was measured. Prices of 1 and means not above zero are left out. From the stored runs.", "name": "fig-sharper-prices"}, "image": {"alt": "Three panels, one below the other, both axes logarithmic, n from 10 to 100,000. All prices fall with n and lie above the two thick curves of overfit and regret: Eq. (20) highest, then the ramp and PAC-Bayes, compression lowest of those for a fitted v; the exact bound for a center fixed in advance is lower and meets the overfit in 10 dimensions."}} tags=["hide-input"]
plot_prices(prices)

# %% [markdown]
# Even the sharpest bounds that allow for a fitted $v$ ask for several times the overfit: the price of not knowing the distribution.
#
# ### On images
#
# The test set is the population here, with samples drawn from it with replacement. The best $v$ known for all of it takes the
# place of $v^*$; a certificate bounds what any other could add.

# %% mystnb={"code_prompt_show": "Show the figure of regrets on images", "code_prompt_hide": "Hide the figure", "figure": {"caption": "Regret against n on two test sets, of the paper's ramp, the annealed and the polished solution: means with 95% intervals and fitted powers. From the stored runs.", "name": "fig-sharper-images"}, "image": {"alt": "Two panels, MNIST 0-1 and Fashion-MNIST 8-9, logarithmic axes, n from 10 to 10,000. The ramp's regret flattens near 0.008 and 0.03, the annealed one's falls slowly, and the polished one's starts higher than the annealed one's and falls below it at the end."}} tags=["hide-cell"]
plot_rates(
    {
        f"{pair_name(record.config.pair)}: regret": {
            solver: fit_slope(found.sizes, found.regrets(), smallest=smallest)
            for solver, found in record.rates.items()
        }
        for record in images
    }
)

# %% tags=["remove-input"]
Markdown(
    "\n".join(
        f"- {pair_name(one.config.pair)}: best known {one.best_count / one.num:.4f}, "
        f"certified at most {one.upper_count / one.num:.4f}, of {one.num:,} test images."
        for one in images
    )
)

# %% [markdown]
# With few points the polished solution does worse than the annealed one: it fits the sample more closely, and that is lost elsewhere. The
# ramp's regret stops falling here as well, for the same reason, as `test_what_the_ramp_misses_on_images_is_bias` finds where the
# complete data are.
#
# ## What fails when an assumption is removed
#
# **A vector fitted on the points counted.** The interval of Clopper and Pearson is exact, and lower in price than every other bound. Why not use it for the fitted $v$?
#
# :::{dropdown} Solution
# It holds for one $v$ fixed in advance. A $v$ fitted on the sample was chosen because it does well there, and its count is no longer
# binomial. In a hundred dimensions the interval failed in all samples.
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers"} tags=["hide-cell"]
for record, one in zip(tests, fooled, strict=True):
    kind, dim = record.config.kind, record.config.dim
    print(f"{kind}, d = {dim}: wrong in {one.failures:,} of 1,000 samples")

# %% [markdown]
# **One sample for everything.** The paper thinks of $n$ as "the size of the entire training data", which also trained $f$. Do the bounds hold on those points?
#
# :::{dropdown} Solution
# None applies: $f$ depends on the points. With a classifier that generalizes they happen to be true, with twice as many points. One that
# has learned its sample by heart is the control: pullovers against coats of Fashion-MNIST, 300 images, once with their labels and
# once with labels tossed by a coin, at half the median margin. There the bound of compression is false both times, and that of PAC-Bayes
# with tossed labels; with 300 fresh images all are true.
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers"} tags=["hide-cell"]
Markdown(reuse_table(reuses))

# %% [markdown]
# **The better bound, picked after looking.** Two bounds hold with 95% confidence each. May one quote the larger?
#
# :::{dropdown} Solution
# Not at 95%: either may fail, together in up to 10% of samples. If each takes half of the chance of failure, the larger holds at 95%.
# That costs little, since the chance stands in a logarithm.
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers"} tags=["hide-cell"]
larger = map(max, values["compression"], values["fit for PAC-Bayes"])
costs = [most - kept for most, kept in zip(larger, better, strict=True)]
print(f"it costs {min(costs):.4f} to {max(costs):.4f} on the {len(costs)} runs")

# %% [markdown]
# ## What was checked

# %% tags=["hide-input"]
tried = [
    one for record in tests for name, one in record.bounds.items() if name != control
]
factors = [one.rejecting_factor or 0.0 for one in tried]
heart = [one for one in reuses if one.fresh]
named = [("ramp", "PAC-Bayes"), ("compressed", "compression")]
same, fresh = (
    [
        one[fit].bounds[key].value - one[fit].coverage_test
        for one in part
        for fit, key in named
    ]
    for part in ([one.fits for one in heart], [one.fresh for one in heart])
)
exact = [key[0] for key in fits if key[1] == "deviation"]
usual = smallest == 100  # what is said of intervals is said of those from 100 on
inside = [
    low <= -2 / 3 <= high
    for (name, kind), fit in fits.items()
    if kind == "regret" and "finite" not in name and "ramp" not in name
    for low, high in [fit.interval]
]
highest = max(fits[name, "regret"].interval[1] for name in exact)
deviations = [fits[name, "deviation"].slope for name in exact]
ended = ramp_ascent(rows.draw(20_000, seed=0)).perturbation
places = torch.stack([ended, rows.maximum().perturbation, ramp_maximizer(rows)])
at_end, at_best, most = mean_ramp(rows, places).tolist()
floor = ramp_floor(rows)
dear = [
    price / record.sizes[-1].overfit
    for record in prices
    for name, price in record.sizes[-1].prices.items()
    if name != "center, held out"
]
averages = [
    {
        solver: [sum(row) / len(row) for row in rate.regrets()]
        for solver, rate in record.rates.items()
    }
    for record in images
]
early = [
    (found["polished"][k], found["annealed"][k])
    for record, found in zip(images, averages, strict=True)
    for k, size in enumerate(record.config.sizes)
    if size <= 1000
]

ChecksTable(
    [
        Check(
            what="the better of two bounds is within 0.10 of the held-out share",
            cases=len(gaps),
            figure=f"{max(gaps):.3f} at most",
            holds=max(gaps) <= 0.10,
            test=of_bounds
            + "test_the_goal_is_reached_by_bounds_from_training_images_alone",
        ),
        Check(
            what="no bound is rejected on samples of known populations",
            cases=len(tried),
            figure=f"{sum(one.is_rejected for one in tried)} rejected",
            holds=not any(one.is_rejected for one in tried),
            test=of_bounds + "test_every_bound_held_and_every_control_was_rejected",
        ),
        Check(
            what="each would be, with a smaller price",
            cases=len(tried),
            figure=f"factors {min(factors):.2f} to {max(factors):.2f}",
            holds=0.0 < min(factors) <= max(factors) < 1.0,
            test=of_bounds + "test_every_bound_held_and_every_control_was_rejected",
        ),
        Check(
            what="the exact bound for one $v$ fixed in advance is, at a $v$ that was fitted",
            cases=len(fooled),
            figure=f"{sum(one.is_rejected for one in fooled)} rejected",
            holds=all(one.is_rejected for one in fooled),
            test=of_bounds + "test_every_bound_held_and_every_control_was_rejected",
        ),
        Check(
            what="for a classifier that knows its sample by heart compression's bound is false on it",
            cases=len(heart),
            figure=f"above by {min(same[1::2]):.2f} and {max(same[1::2]):.2f}",
            holds=all(gap > 0.05 for gap in same[1::2]),
            test=of_bounds + "test_learning_by_heart_makes_a_bound_false",
        ),
        Check(
            what="both bounds are true on as many fresh images",
            cases=len(fresh),
            figure=f"below by {-max(fresh):.2f} or more",
            holds=max(fresh) <= 0.0,
            test=of_bounds + "test_learning_by_heart_makes_a_bound_false",
        ),
        Check(
            what=r"the regret of the exact maximizer falls faster than $1/\sqrt n$",
            cases=len(exact),
            figure=f"intervals end at {highest:.2f}",
            holds=highest < -0.5 if usual else None,
            test=of_rates + "test_the_regret_falls_faster_than_the_bound",
        ),
        Check(
            what=r"the largest deviation falls as $1/\sqrt n$",
            cases=len(exact),
            figure=f"{min(deviations):.2f} to {max(deviations):.2f}",
            holds=all(-0.54 < slope < -0.46 for slope in deviations),
            test=of_rates + "test_the_largest_deviation_falls_as_the_square_root",
        ),
        Check(
            what="$-2/3$ lies in some intervals of the regret and not in others",
            cases=len(inside),
            figure=f"in {sum(inside)}",
            holds=any(inside) and not all(inside) if usual else None,
            test=of_rates + "test_the_cube_root_is_outside_some_of_the_intervals",
        ),
        Check(
            what="the mean ramp is larger where the ascent ends than at $v^*$",
            cases=1,
            figure=f"lacks {(most - at_end) / (most - at_best):.0%} of what $v^*$ lacks",
            holds=at_end > at_best,
            test=of_floor + "test_no_point_of_the_disc_has_a_larger_mean_ramp",
        ),
        Check(
            what="at scale 3 the regret is the floor of scale 1, within a twentieth",
            cases=len(others[3]),
            figure=f"floor {floor:.4f}",
            holds=abs(at_three / floor - 1) < 0.05,
            test=of_floor + "test_samples_approach_the_floor_of_their_own_scale",
        ),
        Check(
            what="at scale 10 it is less than half of that floor",
            cases=len(others[10]),
            figure=f"floor there {ramp_floor(rows.scaled(10)):.4f}",
            holds=at_ten < 0.5 * floor,
            test=of_floor + "test_samples_approach_the_floor_of_their_own_scale",
        ),
        Check(
            what="every price that allows for a fitted $v$ is above the overfit",
            cases=len(dear),
            figure=f"{min(dear):.1f} times or more",
            holds=min(dear) > 1.0,
            test=of_bounds + "test_prices_fall_with_n_and_allow_for_the_overfit",
        ),
        Check(
            what="on images, up to $n = 1,000$ the polished solution does worse than the annealed",
            cases=len(early),
            figure=f"at {sum(one > two for one, two in early)}",
            holds=all(one > two for one, two in early),
            test=of_bounds + "test_on_images_the_polished_solution_needs_many_points",
        ),
        Check(
            what="at the largest $n$ it does best, and the ramp worst",
            cases=len(averages),
            figure=", ".join(f"{found['polished'][-1]:.4f}" for found in averages),
            holds=all(
                found["polished"][-1] < found["annealed"][-1] < found["ramp"][-1]
                for found in averages
            ),
            test=of_bounds + "test_on_images_the_polished_solution_needs_many_points",
        ),
    ]
)

# %% [markdown]
# ## Behind this page
#
# ```{page-footer}
# :records: results/generalization/bounds-*.json results/generalization/reuse-*.json results/generalization/validity-*.json results/generalization/prices-*.json results/generalization/rates*.json
# ```
