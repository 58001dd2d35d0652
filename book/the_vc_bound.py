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
# # The VC bound
#
# The defender computes $v_n^*$ from $n$ samples. What it is worth on the whole
# distribution is $\phi(v_n^*)$, and the best he could have is $\phi(v^*)$. Section 5 of the
# paper {cite:p}`pal2020game` bounds the difference, by the theory of
# {cite:t}`vapnik1971uniform`:
#
# $$\mathbb E \sup_{v \in V} |\phi_n(v) - \phi(v)| \le 4 \sqrt{\frac{m \log n}{n}}
# \qquad \text{(Eq. (20))}.$$
#
# **The idea.** For one fixed $v$ the coverage $\phi_n(v)$ is the mean of $n$ independent
# tosses and lies near $\phi(v)$. But $v_n^*$ is chosen after the sample was seen, so all
# $v$ have to be near at once. There are infinitely many. A sample, though, can tell only
# finitely many apart: two vectors in the same robust sets have the same $\phi_n$. The
# robust sets are cut off by $n$ hyperplanes, and these cut the ball into no more than about
# $n^m$ regions. So the maximum is over $n^m$ means and not over infinitely many, and the
# logarithm of their number is what it costs.
#
# **The consequence.** The bound falls to zero as $n$ grows. It is below 1, where it begins
# to say something, only for $n$ far above $m$. At the end of the page stands where.

# %% [markdown]
# ## Parameters

# %% tags=["parameters"]
seed = 0  # of all draws
population_size = 60  # points of the population that the simulations draw from
num_draws = 2000  # samples in each simulation
epsilon = 0.4  # budget of both players, in the units of the plane

# %%
import itertools
import math
from fractions import Fraction
from pathlib import Path

import torch
from IPython.display import Markdown

from paper_lib.arrangement import cells
from paper_lib.experiments import load_record
from paper_lib.generalization import (
    deviation_distribution,
    difference_bounds,
    draw_deviations,
    expected_deviation_bound,
    log_num_regions,
    mcdiarmid_deviation,
    mcdiarmid_tail,
    num_regions,
    paper_mcdiarmid_tail,
    shatter_coefficient,
    smallest_informative_n,
    trace_count,
    vc_bound,
)
from paper_lib.geometry import sample_l2_ball
from paper_lib.linearize import linearize
from paper_lib.models import DiscClassifier, example_network
from paper_lib.plotting import (
    markdown_table,
    plot_bound_against_samples,
    plot_concentration,
    plot_superimposed_sets,
    plot_trace_counts,
)
from paper_lib.robust_sets import RobustSets

torch.set_num_threads(1)

# %% [markdown]
# **The population.** To see a bound at work one has to know $\phi$. Here the distribution is
# uniform on finitely many points of the plane, around the curved boundary of
# $f(x) = 1 - \|x\|^2$. Then $\phi(v)$ is the coverage of $v$ on all of them, and a
# supremum over $v$ is a maximum over the regions, which the library lists exactly.

# %%
disc = DiscClassifier(1.0)
points = sample_l2_ball(population_size, 2, 1.5, seed=seed)
population = RobustSets.from_linearization(linearize(disc, points), epsilon)
print("points:", population_size)
print("subsets of them that some v covers:", trace_count(population, "robust_sets"))

# %% [markdown]
# ## Bounded differences, Eqs. (8) to (10)
#
# A function $h$ of $n$ arguments has bounded differences $c_1, \dots, c_n$ if changing the
# $i$-th argument alone never changes $h$ by more than $c_i$ (Eq. (8)).
#
# :::{prf:theorem} McDiarmid's inequality
# :label: mcdiarmid
# :nonumber:
#
# Let $h$ have bounded differences $c_i$ and let $X_1, \dots, X_n$ be independent. Then for
# every $t \ge 0$
#
# $$\Pr[h - \mathbb E h \ge t] \le \exp\Bigl(\frac{-2t^2}{\sum_i c_i^2}\Bigr),
# \qquad
# \Pr[|h - \mathbb E h| \ge t] \le 2 \exp\Bigl(\frac{-2t^2}{\sum_i c_i^2}\Bigr).$$
# :::
#
# The first form is that of {cite:t}`mcdiarmid1989method`. It applies to $-h$ as well, and the
# second form adds up both. The paper's Eqs. (9) and (10) are two-sided and lack the factor of
# 2, and both are false as printed ([reading
# notes](reading_notes.md#two-tails-and-one-factor)). Two tosses of a coin show it. In both
# cases $n = 1$ and $c_1 = 1$.
#
# - *Eq. (9), a fair coin.* Let $h$ be the toss. It is 0 or 1, so always one half away from its
#   mean.
# - *Eq. (10), a coin that shows heads a quarter of the time.* Let $\mathcal B$ hold the one set
#   $B$ of heads, and $h = |\mu_1(B) - \mu(B)|$. It is $3/4$ on heads and $1/4$ on tails, so
#   always more than $1/10$ away from its mean, $3/8$.

# %%
tails = torch.tensor([0.0, -1.0, -1.0, -1.0], dtype=torch.float64)
skew = RobustSets(normals=torch.zeros(4, 2).double(), offsets=tails, epsilon=1.0)
laws = {
    "(9), h is a fair toss": ({Fraction(0): 1 / 2, Fraction(1): 1 / 2}, 0.4),
    "(10), heads a quarter": (deviation_distribution(skew, 1), 0.1),
}
for name, (law, t) in laws.items():
    mean = sum(value * weight for value, weight in law.items())
    found = sum(weight for value, weight in law.items() if abs(value - mean) > t)
    print(f"{name}: probability of more than {t:g} from the mean: {float(found):.3f}")
    print(f"  at most, as printed: {paper_mcdiarmid_tail([1.0], t):.3f}")
    print(f"  at most, with the factor 2: {mcdiarmid_tail([1.0], t):.3f}")

# %% [markdown]
# **The constants.** For $h = \sup_B |\mu_n(B) - \mu(B)|$ one sample more or less in $B$ changes
# each $\mu_n(B)$ by at most $1/n$, and so the supremum. The paper says $c_i = 1/n$. All samples of
# three from a population of four, one by one:

# %%
few = RobustSets(
    normals=population.normals[:4], offsets=population.offsets[:4], epsilon=epsilon
)
for name, four in {"robust sets": few, "the skew coin": skew}.items():
    rows = torch.eye(4, dtype=torch.float64)
    constants = difference_bounds(
        lambda *drawn, four=four: max(
            abs(Fraction(sum(held[i] for i in drawn), 3) - Fraction(sum(held), 4))
            for held in map(tuple, trace_rows[name])
        ),
        [range(4)] * 3,
    )
    print(f"{name}: c =", ", ".join(map(str, constants)))
