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
# # Local linearity
#
# **Is a trained network near enough to its tangents for the theorem to speak of the network itself?**
#
# ```{outcomes}
# ```

# %% tags=["parameters", "hide-input"]
store = "../results/assumption"  # folder of the stored results
table1 = "../results/table1"  # folder of those of Table 1
source = "embedded"  # of the live part: "embedded", "auto", "torchvision" or "debian"
classes = "3-8"  # any two different digits, for the live part
seed = 0  # of training and of all draws of the live part, from 0 to 2**32
compute = False  # True runs what the store lacks, which takes the complete data
workers = 2  # processes that compute, 0 to 64; 0: this one alone

# %% tags=["hide-input"]
import torch
from IPython.display import Markdown

from experiments.assumption.linearity_plans import (
    agreement_plan,
    closeness_plan,
    rows_plan,
    variation_plan,
)
from experiments.assumption.windows import church_windows
from experiments.figures.checks_table import ChecksTable
from experiments.figures.linearity_checks import linearity_checks
from experiments.figures.linearity_pictures import (
    plot_closeness,
    plot_plays,
    plot_shares,
    plot_variations,
)
from experiments.figures.linearity_tables import (
    bends_table,
    coverage_table,
    rows_table,
    shares_table,
    variations_table,
)
from experiments.figures.window_pictures import plot_windows
from experiments.store.record_files import stored_folder
from experiments.sweep.resume import load_or_compute
from experiments.sweep.runner import executor_for
from experiments.tables.group_results import primary_budgets
from experiments.tables.planning import ALL_PAIRS, DATASETS, groups_of, parse_pairs
from experiments.tables.table_1 import load_plan
from paper_lib.attacks import fgm
from paper_lib.checks import check_choice, check_count
from paper_lib.data import load_pair
from paper_lib.defense import ramp_ascent
from paper_lib.linearize import linearize
from paper_lib.local_linearity import (
    certify_agreement,
    find_disagreements,
    follow_segment,
    linearization_error,
    network_coverage,
)
from paper_lib.models import TrainConfig, train_classifier
from paper_lib.robust_sets import RobustSets

check_choice(source, "source", ("embedded", "auto", "torchvision", "debian"))
(digits,) = parse_pairs(classes)
seed = check_count(seed, "seed", 0, 2**32)
workers = check_count(workers, "workers", 0, 64)
if not compute:
    stored_folder(store)
names, varied = zip(*variation_plan(), strict=True)
plans = [agreement_plan(), closeness_plan(), varied, rows_plan()]
with executor_for(workers if compute else 0) as executor:
    settings = {"executor": executor, "compute": compute, "progress": compute}
    agreement, closeness, varied, rows = (
        load_or_compute(plan, store, **settings) for plan in plans
    )
budgets = primary_budgets(table1)
for_each_pair = groups_of(DATASETS, ALL_PAIRS, 0, protocol="margin quantile")
tables, _ = load_plan(for_each_pair, table1)

# %% [markdown]
# ## The answer in one picture
#
# The theorem takes the tangent $f_L$ of $f$ at each point for $f$ itself, in the whole ball of radius $2\epsilon$ that both
# players together can reach. The left panels part the points of the test sets by what is known of that ball, for the
# networks of [Table 1](all_pairs.ipynb): ten pairs of classes in each data set, three trained networks for each pair.

# %% mystnb={"figure": {"caption": "Left: shares of test points against the budget. Green: $f_L$ has no boundary in the ball, and it is proven that $f$ has none either; such a point is in no game, nothing can flip it. Blue would be points with a game at which agreement is proven: there are none. Orange: $f_L$ has no boundary in the ball and an attack on $f$ was found all the same. Red: $f_L$ has a boundary in the ball, and a place was found where $f$ and $f_L$ differ in sign. Gray: neither proven nor found. Shaded: the budgets of Table 1 of these networks. Right: what SMOOTH keeps of the tangents, with 95% intervals over the pairs, and between what lies what it keeps of $f$ itself. From the stored runs, 16 points of each of 60 networks.", "name": "fig-linearity-shares"}, "image": {"alt": "Two rows, MNIST and Fashion-MNIST. Left, stacked shares of points against the budget from 0.03 to 8 pixels: agreement is proven for nearly all points up to a budget of 0.1 and for none from 0.5 on; disagreements begin near 0.25 and are found at all points where the budgets of Table 1 are shaded. Right, SMOOTH keeps nearly all points of tangents and of f at budget 0.1; at Table 1's budget most of the tangents and almost none of f."}} tags=["hide-input"]
plot_shares(agreement)

# %% [markdown]
# **No.** At the budget of Table 1 a place where $f$ and its tangent differ in sign was found around every test point that was
# looked at. SMOOTH, which keeps the label of most tangents there, keeps that of almost no point of $f$ itself against an attack
# made for $f$. The theorem is right about the game it is stated for, the game of the tangents. It does not carry over to the
# network. At budgets of a tenth of a pixel $f$ and its tangents agree, and there neither player can do anything.
#
# ## The statement
#
# Appendix E of the paper {cite:p}`pal2020game` argues that the boundary of a network looks flat nearby, with the church windows of
# {cite:t}`wardefarley2016adversarial` as evidence. What the proofs need is this.
#
# :::{prf:assumption} agreement at a point
# :label: agreement
# :nonumber:
#
# $f(x + o)\, f_L(x + o) \ge 0$ for every offset $\|o\|_2 \le 2\epsilon$, where
# $f_L(x + o) = f(x) + \nabla f(x)^\top o$.
# :::
#
# With two budgets the radius is their sum. Call $m = |f(x)| / \|\nabla f(x)\|$ the margin: the distance from $x$ to the
# boundary of $f_L$.
#
# :::{prf:proposition} a game needs a straight boundary
# :label: game-needs-straight
# :nonumber:
#
# Let $f$ be continuous, $f(x) \ne 0$ and $\nabla f(x) \ne 0$. If agreement holds in the ball of radius $r > m$, then $f = 0$ on
# the whole piece of the hyperplane $f_L = 0$ inside that ball.
# :::
#
# *Proof.* Let $f_L(y) = 0$ with $\|y - x\| < r$ and suppose $f(y) > 0$. By continuity $f > 0$ around $y$. In every neighborhood of
# $y$ the tangent takes negative values, since its gradient is not zero. So there is a place in the ball with $f > 0 > f_L$. For
# $f(y) < 0$ exchange the signs. $\square$
#
# **The idea.** A point has a game only if the boundary of its tangent passes through the ball: otherwise $R(x) = V$, and whatever is
# played, the label stays. But where the boundary passes, the assumption asks $f$ to vanish exactly on a flat piece of dimension
# $d - 1$. A network that is bent anywhere on that piece, by however little, breaks it. Appendix E's picture of a
# nearly flat boundary is not enough, since the definition of the game knows signs only.
#
# **What follows.** The points of a data set fall into two kinds. Far points, with $m > 2\epsilon$, are in no game, and agreement
# there says only that nothing flips them. Near points are in the game, and there agreement fails unless $f$ is linear. So
# the assumption as the proofs need it holds for a trained network only where the theorem has nothing to say. What can be
# asked instead is how much is lost when $f$ is *nearly* its tangent; [](curved_boundaries.ipynb) proves a theorem about that.
#
# ## What was measured
#
# Each network was searched and proven at its own points. The search follows gradients of $f$ and of $f - f_L$, and then
# segments exactly; every place it returns is checked in 64-bit arithmetic with a bound on the rounding. The proof bounds the
# network from below and above by linear functions in the whole ball (after the ideas of CROWN {cite:p}`zhang2018efficient`, in
# $\ell_2$ and with the rounding accounted for). What is neither found nor proven is counted as undecided.

# %% tags=["hide-input"]
Markdown(shares_table(agreement))

# %% [markdown]
# *Means over networks in percent of points, in brackets 95% intervals over the ten pairs of classes. Budgets in pixels; the radius
# is twice the budget.*
#
# The defense that the theorem calls best, fitted as in [Table 1](all_pairs.ipynb), was then played on $f$ itself. $\phi_n(v)$ is
# the share of tangents that it keeps against every attack; $\phi_f(v)$ is the same share for $f$, enclosed by attacks
# from above and by proofs from below.

# %% tags=["hide-input"]
Markdown(coverage_table(agreement))

# %% [markdown]
# ## For a network of your own
#
# Everything above is a call. Here on a network trained on the digits that travel with the book.

# %%
pair = load_pair("mnist", digits, source=source)
model = train_classifier(pair.train, config=TrainConfig(epochs=10), seed=seed).model
points = pair.test.images[:16]
lin = linearize(model, points)
epsilon = float(lin.margins.median())  # half of the points within reach of FGM
found = find_disagreements(model, points, radius=2 * epsilon, seed=seed)
agrees = certify_agreement(model, points, radius=0.1)
error = linearization_error(model, points[:4], radius=0.1, seed=seed)
v = ramp_ascent(RobustSets.from_linearization(lin, epsilon)).perturbation
on_f = network_coverage(model, points, v, epsilon, seed=seed)
path = follow_segment(
    model, points[0], points[0] + 2 * epsilon * fgm(lin, 1.0)[0].view(1, 28, 28)
)
print(f"budget {epsilon:.2f}: disagreements at {int(found.found.sum())} of 16 points")
print(f"radius 0.1: agreement proven at {int(agrees.sum())} of 16")
print(
    f"radius 0.1: |f - f_L| between {error.lower.max():.3f} and {error.upper.max():.3f}"
)
print(f"SMOOTH keeps between {on_f.lower:.2f} and {on_f.upper:.2f} of f")
print(f"f bends {len(path.positions) - 2} times on the way of FGM to twice the budget")

# %% [markdown]
# ## How linear is f
#
# The error of the tangent, in shares of $|f(x)|$, grows about quadratically at first: at a share of one it is as large as the
# logit itself. How large it is depends on the direction. In one drawn at random $f$ stays close to its tangent far beyond any
# budget of the tables. In the direction of FGM, the one that the game is about, it does not.

# %% mystnb={"figure": {"caption": "Left: the error of the tangent in shares of the logit against the distance, in three directions; medians over points, shaded between the quartiles. *The worst found* follows the gradient of $f - f_L$. Right: the share of segments of a given length on which $f$ and $f_L$ differ in sign somewhere, followed exactly. Shaded: twice the budgets of Table 1, the reach of both players. From the stored runs, 60 networks.", "name": "fig-linearity-errors"}, "image": {"alt": "Two rows, MNIST and Fashion-MNIST. Left, on logarithmic axes the error of the tangent rises from about one thousandth of the logit at distance 0.1 to more than the logit itself at distance 4 in the worst direction, to about a third along FGM, and stays below a twentieth in a random direction. Right, signs differ on nearly all segments along FGM by the time they reach twice Table 1's budget, and on almost none at random."}} tags=["hide-input"]
plot_closeness(closeness)

# %% [markdown]
# The red regions of Figure 1 are the places within reach of a bend of the boundary. In the plane they are thin. In 784 dimensions
# the network bends everywhere: the table counts how often, on the way from a test point. A ReLU that switches, or a maximum that
# changes hands, is one bend.

# %% tags=["hide-input"]
Markdown(bends_table(closeness))

# %% [markdown]
# At the moves of the tables themselves, $f$ and the tangent part as follows. (Points that only $f$ keeps are rare; the stored records
# hold them.)

# %% mystnb={"figure": {"caption": "The share of test points whose label the tangent keeps and $f$ does not, by pair of classes and play, at the budget of Table 1. PGD is the literal reading of Appendix D. Means over three networks a pair.", "name": "fig-linearity-plays"}, "image": {"alt": "Two panels of dots, MNIST and Fashion-MNIST, ten pairs of classes each. Without attack and defense no point differs; under FGM with SMOOTH and under PGD between a tenth and a half of the points keep the tangent's label and lose that of f."}} tags=["hide-input"]
plot_plays(closeness)

# %% [markdown]
# ## Figure 4 for these networks
#
# A church window shows $f$ on a square around a point, from $-\epsilon$ to $\epsilon$ along the direction of FGM and along a random one
# orthogonal to it. The boundary looks straight, as Appendix E says. Two things are lost in such a picture. It shows a
# random direction, in which nothing happens for long. And the line that the theorem uses is that of the tangent at the center,
# which is straight as well, but elsewhere.

# %% mystnb={"figure": {"caption": "Church windows as in Figure 4 of the paper, for the network trained above, at its first sixteen test points. To the right: the direction of FGM; upwards: a random one. Blue: where $f$ gives the other class. Red: the boundary of the tangent at the center. Above each window the share of it in which the two differ in sign.", "name": "fig-church-windows"}, "image": {"alt": "Sixteen square windows, each with a blue region at the right whose edge is nearly a straight vertical line, and the straight red boundary of the tangent, in most windows to the right of that edge by a visible distance; between them the signs differ."}} tags=["hide-input"]
windows = church_windows(model, points, lin, epsilon, seed=seed, size=25)
plot_windows(windows)

# %% [markdown]
# ## Which classifier is the theorem about?
#
# The networks of the tables were not trained to be linear. Some choices change how near $f$ is to its tangents: width, length of
# training, weight decay, averages in place of maxima, a smooth activation, and a penalty on $|f - f_L|$ in training, in the spirit of
# {cite:t}`qin2019adversarial`. The last row is a function that is linear altogether. Settings were chosen on other pairs (3-5 and 6-8)
# and another seed.

# %% mystnb={"figure": {"caption": "How accuracy and agreement move with the classifier. Left: test accuracy. Middle: points at which a disagreement was found at a budget of 0.5. Right: the largest budget at which agreement is proven, the median over points; nothing is proven here for a smooth activation. From the stored runs.", "name": "fig-linearity-variations"}, "image": {"alt": "Three panels of dots with a line for each classifier. Accuracy is within a point or two for all but the linear one on the harder pairs; disagreements are most frequent for the tables' network and rare for those trained with the penalty and for the linear one, at which agreement is proven at the largest budget."}} tags=["hide-input"]
by_name: dict[str, list] = {}
for name, result in zip(names, varied, strict=True):
    by_name.setdefault(name, []).append(result)
plot_variations(by_name)

# %% tags=["hide-input"]
Markdown(variations_table(by_name))

# %% [markdown]
# *Reach of the tangent*: the shortest disagreement found in shares of the margin, the median over points; at 1 the tangent is right
# up to its own boundary. *Proven, budget*: the median of the largest budget at which agreement is proven. *Gain left*: the
# larger of both players' gains over FGM and SMOOTH that [the theorem on curved boundaries](curved_boundaries.ipynb) allows at most, at
# the budget given.

# %% tags=["hide-input"]
Markdown(rows_table(rows, tables))

# %% [markdown]
# ## What fails when an assumption is removed
#
# ### A boundary that is straight
#
# Let $f(x) = 2x$ below $x = 1$ and $f(x) = x + 1$ above, on the line, and look from $x = 3$ with $\epsilon = 2$. The only boundary of
# $f$ is the point 0: it cannot be straighter. Does agreement hold?
#
# :::{dropdown} Solution
# No. At 3 the tangent is $x + 1$, which is zero at $-1$ and not at 0. Between them $f < 0 < f_L$. A straight boundary is not enough,
# since what is needed is that the tangent has the *same* boundary. The segment from 3 to $-1$, followed exactly, shows the bend at 1 and
# the part on which the signs differ.
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers"} tags=["hide-cell"]
bent = torch.nn.Sequential(
    torch.nn.Linear(1, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1), torch.nn.Flatten(0)
).double()
# f = 2 - 2 max(1 - x, 0) + max(x - 1, 0)
values = ([[-1.0], [1.0]], [1.0, -1.0], [[-2.0, 1.0]], [2.0])
for weight, value in zip(bent.parameters(), values, strict=True):
    weight.data = torch.tensor(value, dtype=torch.float64)
start = torch.tensor([[3.0]], dtype=torch.float64)
witness = find_disagreements(bent, start, radius=4.0, seed=seed)
walked = follow_segment(bent, start[0], start[0] - 4.0)
print("bends at x =", [3.0 - 4.0 * at for at in walked.positions[1:-1].tolist()])
print("a disagreement is found:", bool(witness.found[0]))
place = float(start + witness.offsets)
print("between -1 and 0:", -1.0 <= place <= 0.0)

# %% [markdown]
# ### A ball of both budgets
#
# Would it be enough that $f$ and $f_L$ agree in the ball of radius $\epsilon$, the attacker's reach?
#
# :::{dropdown} Solution
# No. Take $f(x) = 1 - 2\max(x - 1, 0)$ and $x = 0$. There $f_L = 1$ throughout, and $f$ changes its sign at 1.5. With $\epsilon = 1$
# the attacker alone does not get so far. After the defense $v = 1$ she does, and a point is lost that the tangent calls safe.
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers"} tags=["hide-cell"]
ramp = torch.nn.Sequential(
    torch.nn.Linear(1, 1), torch.nn.ReLU(), torch.nn.Linear(1, 1), torch.nn.Flatten(0)
).double()
for weight, value in zip(ramp.parameters(), (1.0, -1.0, -2.0, 1.0), strict=True):
    torch.nn.init.constant_(weight, value)
zero = torch.zeros(1, 1, dtype=torch.float64)
print("agreement within one budget:", certify_agreement(ramp, zero, 1.0).tolist())
print("within both:", certify_agreement(ramp, zero, 2.0).tolist())
pushed = network_coverage(ramp, zero, torch.ones(1, dtype=torch.float64), 1.0)
print("flipped at v = 1:", pushed.flipped.tolist())

# %% [markdown]
# ## What was checked

# %% tags=["hide-input"]
ChecksTable(linearity_checks(agreement, closeness, budgets))

# %% [markdown]
# ## Behind this page
#
# ```{page-footer}
# :records: results/assumption/agreement-*.json results/assumption/closeness-*.json
# ```
