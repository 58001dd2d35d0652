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
# # MNIST 0 against 1
#
# Table 2 of the paper follows one classifier, zeros against ones, through five pairs of
# attack and defense. Table 3 says how each number is computed. This page shows the result
# on the complete data, from a stored run, beside the paper's numbers; then it goes through
# the same code live, on the 1,000 real images that travel with the book; and then it says
# what the result depends on.
#
# The paper states neither the budget, nor the widths of the network, nor how it was
# trained, nor any setting of the optimizers. So some numbers must be chosen. What was
# chosen, and with a view to what, is said in [](mnist-01-choices).
#
# *This page speaks of the tangents $f_L$. Whether they may stand for a trained network is measured
# in [](local_linearity.ipynb): at the budgets of the tables they may not.*

# %% [markdown]
# ## Parameters
#
# Papermill can set each of these; [](reproduce.md) shows how. All but the last are of the
# live part; the stored runs are of zeros against ones, whatever is set here. What is said
# of the page's own live run is shown for that one alone.

# %% tags=["parameters"]
classes = "0-1"  # any two different digits, for the live part
budget = "calibrated"  # to Table 2; or a length in pixels, 0.1 to 20
seed = 0  # of training, from 0
source = "embedded"  # or "auto", "torchvision": the complete data, where they are
epochs = 10  # 1 to 50; the embedded set is small, so it is passed over more often
primary = "literal"  # or "fixed-label", "ball": the reading of PGD that the curves use
compute = False  # run what the store lacks, on the complete data: make experiments

# %%
from dataclasses import replace

import torch
from IPython.display import Markdown, display

from experiments.figures.live_pair import (
    coverage_from_elsewhere,
    disagreement_table,
    lemma_2_holds,
    plot_attack_and_defense,
    start_table,
)
from experiments.figures.markdown import comparison_table
from experiments.figures.mnist_0_against_1 import (
    choice_table,
    dead_zone_table,
    origin_table,
    outside_table,
    plot_accuracy_against_budget,
    plot_margins,
    reading_table,
    seed_goal_table,
)
from experiments.store.pair_settings import Site
from experiments.tables.classifier_choice import load_candidates, nearest_candidate
from experiments.tables.classifiers import train_pair
from experiments.tables.paper_numbers import PAPER_TABLE_2
from experiments.tables.planning import parse_pair
from experiments.tables.points import linearize_pair
from experiments.tables.scoring import score_pair
from experiments.tables.table_2 import WIDE, PairConfig, load_table_2
from paper_lib.attacks import PGD_READINGS, fgm
from paper_lib.checks import check_between, check_choice, check_count, check_seed
from paper_lib.data import load_pair
from paper_lib.defense import RampConfig, ramp_ascent
from paper_lib.evaluation import (
    calibrate_epsilon,
    evaluate,
    percents,
)
from paper_lib.geometry import in_l2_ball
from paper_lib.robust_sets import RobustSets

digits = parse_pair(classes)
if budget != "calibrated":
    check_between(budget, "budget", 0.1, 20)
check_seed(seed)
check_choice(source, "source", ("embedded", "auto", "torchvision"))
epochs = check_count(epochs, "epochs", 1, 50)
check_choice(primary, "primary", tuple(PGD_READINGS))
calibrated_live = budget == "calibrated"
# What is said of the page's own live run is true of that one alone.
as_stored = (classes, calibrated_live, seed, source, epochs, primary) == (
    *("0-1", True, 0, "embedded", 10, "literal"),
)
paper = PAPER_TABLE_2 if digits == (0, 1) else {}

# %% [markdown]
# (mnist-01-complete)=
# ## Table 2 on the complete data
#
# The page's code on all zeros and ones of MNIST, with five seeds. It only loads the stored
# records; `make experiments` computes those that are missing.

# %%
groups = load_table_2("../results/table2", compute=compute)
both = {name: groups[name] for name in ("20-50-500", "10-20-50")}
wide = both["20-50-500"]

# %% [markdown]
# **Under the declared choices.** Each cell is the mean over five seeds of training, with
# the smallest and the largest value in brackets. The difference is to the paper, in
# percentage points.
#
# The classifier of this table has widths 20, 50 and 500, and its PGD is *literal*. Table 1
# on [All pairs](all_pairs.ipynb) is computed with another classifier, 10-20-50, and the
# reading *ball*: each choice was declared for its own table. Both classifiers and all
# readings stand side by side further down.

# %%
literal = [one.score.table_3("literal") for one in wide]
Markdown(comparison_table(literal, PAPER_TABLE_2, here="here, complete data"))

# %% [markdown]
# ## From images to a linear model
#
# From here on the page computes live. The images are scaled to $[0, 1]$, and every length
# on this page is an $\ell_2$ length in those units. The first of the two classes has label
# $-1$, the second $+1$: zeros and ones, unless `classes` names others. Training points train the
# classifier, set the budget and fit the defense. Test points are scored and do nothing
# else.

# %%
pair = load_pair("mnist", digits, source=source)
print(f"source: {pair.source}")
print(
    f"training points: {len(pair.train.labels)}, test points: {len(pair.test.labels)}"
)

# %% [markdown]
# The classifier $f$ is a convolutional network with four layers that have weights and one
# logit: convolution, max-pool, ReLU, twice, then two fully connected layers. The game
# never looks at the network again. All it needs of a point $x$ is the logit $f(x)$ and
# the gradient $\nabla f(x)$, which define the linear model
# $f_L(x') = f(x) + \nabla f(x)^\top (x' - x)$.

# %%
live = PairConfig(
    classes=digits,
    seed=seed,
    train=replace(WIDE, epochs=epochs),
    primary=primary,
    budget_multiples=(0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0),
)
site = Site(source=source)
trained = train_pair(live.classifier, site)
at = linearize_pair(trained, site)
train_lin, test_lin = at.fit, at.lin
right = int(100 * (test_lin.signs == pair.test.labels).double().mean())
print(f"classified correctly, at least {min(right, 99)}% of test points")
print("points without a label (logit zero):", test_lin.num_unlabeled)
print("flat points (gradient zero):", test_lin.num_flat)

# %% [markdown]
# The distance from $x$ to the boundary of its linear model is the margin
# $|f(x)| / \|\nabla f(x)\|_2$. FGM without a defense flips the label of a point exactly
# when the margin is below the budget. So the share of points with a larger margin *is*
# the approximate accuracy in the row FGM, no defense.
#
# This ties the budget to the table. Unless `budget` sets it, it is that at which the row, on
# training points, equals the paper's number. So that row is no test of the paper, and it is not the
# only cell that was used: another chose the classifier ([](mnist-01-choices)).

# %%
target = PAPER_TABLE_2["FGM", "none", "approximate"] / 100
epsilon = calibrate_epsilon(train_lin, target) if calibrated_live else float(budget)
kept = (train_lin.margins >= epsilon).double().mean()
hit = abs(float(kept) - target) <= 1 / len(pair.train.labels)
print(
    "the share FGM leaves alone is the target, to one training point:",
    hit if calibrated_live else "not applicable, the budget was set by hand",
)

# %%
plot_margins(train_lin, epsilon=epsilon, classes=[str(digit) for digit in digits])

# %% [markdown]
# ## The attack
#
# FGM takes the whole budget against the gradient:
# $a_{\mathrm{FGM}}(x) = -\epsilon\, \operatorname{sgn}(f(x)) \nabla f(x) / \|\nabla f(x)\|_2$.
# PGD repeats FGM and projects. Appendix D can be read in three ways, and the
# [reading notes](reading_notes.md) say why; all three are run, under these names:
#
# | name | a step attacks the label of | projection onto | step |
# | :-- | :-- | :-- | :-- |
# | literal | the current iterate | the sphere | $\epsilon$ |
# | fixed-label | the clean image | the sphere | $\epsilon$ |
# | ball | the current iterate | the ball | $\epsilon / 4$ |

# %%
attacks = {"FGM": fgm(test_lin, epsilon)} | {
    name: reading.attack(at.model, pair.test.images, epsilon).perturbations
    for name, reading in PGD_READINGS.items()
}
for name, attack in attacks.items():
    print(f"{name}: every perturbation within the budget:", end=" ")
    print(bool(in_l2_ball(attack, epsilon).all()))

# %% [markdown]
# ## The defense
#
# The defender adds one and the same $v$ to every image, without knowing the image or the
# attack. Lemma 1 says for which $v$ a point is safe from *every* attack: for those in the
# half-space $c_i^\top v + b_i \ge 0$, with $c_i = \operatorname{sgn}(f(x_i)) \nabla f(x_i)$
# and $b_i = |f(x_i)| - \epsilon \|\nabla f(x_i)\|_2$. The best $v$ lies in as many of these
# half-spaces as possible. The paper looks for it by projected gradient ascent, after
# replacing the indicator by a ramp, and calls the result $v_n^*$.

# %%
sets = RobustSets.from_linearization(train_lin, epsilon)
solution = ramp_ascent(sets, config=RampConfig())
print("v is in the ball:", bool(in_l2_ball(solution.perturbation, epsilon)))
print("the ramp lies below the count:", solution.ramp_value <= solution.coverage)
undefended = sets.coverage(torch.zeros_like(solution.perturbation))
more = "more" if solution.coverage > undefended else "no more"
print(f"v covers {more} training points than no defense")

# %% [markdown]
# Four test images, what FGM adds to each, and what the defense adds to all. Red pixels
# are raised, blue ones lowered. Under each image stands the class that $f$ itself sees.
# Nothing is clipped to $[0, 1]$, of which the paper says nothing; the pictures are.

# %%
plot_attack_and_defense(at, attacks["FGM"], solution.perturbation)

# %% [markdown]
# ## The rows of Table 3, live on the embedded images
#
# This is not the paper's experiment: some hundred images train and test the classifier, and
# the result on the complete data is in [](mnist-01-complete).
# *True* accuracy asks $f$ at the perturbed image for the label of the data. *Approximate*
# accuracy asks $f_L$ for the sign of $f$ at the clean image; only its first row is scored
# against the label. The numbers below come from the embedded images and from weights that
# differ a little between processors, so this table is not checked digit by digit. What
# must hold on every machine is checked below it.

# %%
# NBVAL_IGNORE_OUTPUT
# Depends on trained weights; tests/regression covers the numbers.
calibrated, *others = live.scores(epsilon)
result = calibrated.result(score_pair(calibrated, trained, site))
here = f"here, live, {pair.source} images"
display(Markdown(comparison_table([result.table_3(primary)], paper, here=here)))

# %% [markdown]
# Three statements are checked below. The first two are theorems, so a failure would be an
# error in the code. By Lemma 1, the approximate accuracy under FGM with the defense is the share of test points
# whose robust set holds $v$; only points that rounding decides may differ. By Lemma 2, no
# attack leaves a lower approximate accuracy than FGM does at the same defense. The third
# is the paper's second conclusion from Table 1, and an experiment: it may come out either
# way.

# %%
table = percents(result.table_3(primary))
test_sets = RobustSets.from_linearization(test_lin, epsilon)
share = 100 * test_sets.coverage(solution.perturbation)
equal = abs(table["FGM", "SMOOTH", "approximate"] - share) <= 100 / len(
    pair.test.labels
)
print("Lemma 1: accuracy under FGM is the coverage of v, to one test point:", equal)
print(
    "Lemma 2: no reading of PGD goes below FGM, defended or not:", lemma_2_holds(result)
)
gain = table["FGM", "SMOOTH", "approximate"] - table["FGM", "none", "approximate"]
raises = "raises" if gain > 0 else "does not raise"
print(f"the defense {raises} approximate accuracy under FGM on test points")

# %% [markdown]
# A check is worth something if it can fail. FGM with the wrong sign moves every point
# away from its boundary; scored by the same code, it is no longer the strongest attack.

# %%
wrong_sign = evaluate(
    at.model,
    pair.test,
    test_lin,
    epsilon=epsilon,
    defense=solution.perturbation,
    pgd_attack=-attacks["FGM"],
)
harmless = percents(wrong_sign)["PGD", "none", "approximate"] == 100
print("FGM with the wrong sign leaves every label in place:", harmless)

# %% [markdown]
# ## Where the linear model and the network part
#
# The theorems speak of $f_L$. True accuracy is about $f$, and the two may disagree at the
# perturbed image, which lies up to $2\epsilon$ from the clean one. For each row, this is
# the share of test points that one of them keeps and the other loses.

# %% tags=["hide-input"]
# NBVAL_IGNORE_OUTPUT
# Depends on trained weights; tests/paper_lib/evaluation/test_evaluation.py covers the computation.
v = solution.perturbation
display(Markdown(disagreement_table(at, attacks["FGM"], attacks[primary], v)))

# %% [markdown]
# Where neither player moves, the two agree by definition.

# %% tags=["remove-input"]
if as_stored:
    display(
        Markdown(
            """
Everywhere else they do not. Appendix E argues that networks are close to locally linear. At
this budget, which the paper's own number sets, this one is not. The gaps between the true
and the approximate column of the tables on the complete data, and their spread over seeds,
have the same origin.
"""
        )
    )

# %% [markdown]
# ## Accuracy against the budget, live
#
# The budget moves every row but the first. Here all five rows are computed at other budgets,
# the defense fitted anew at each. Hollow markers are the paper's numbers, where it has any
# for these classes, drawn at the budget of the tables above.

# %%
curve = [one.result(score_pair(one, trained, site)) for one in others]
plot_accuracy_against_budget(
    [point.config.epsilon for point in curve],
    [point.table_3(primary) for point in curve],
    calibrated=epsilon,
    paper=paper or None,
)

# %% [markdown]
# (mnist-01-choices)=
# ## What was chosen, and with a view to what
#
# | setting | value | chosen |
# | :-- | :-- | :-- |
# | budget | a quantile of the training margins | on the cell FGM, no defense, of Table 2, by training points |
# | classifier | widths 20, 50 and 500, Adam at $10^{-3}$, batches of 64, two epochs | among six, on the cell FGM, SMOOTH, of Table 2, by training points (below) |
# | reading of PGD | literal | as Appendix D is written, before the run |
# | ascent | 300 steps from $v = 0$, lengths falling from $0.1\,\epsilon$ to $0.002\,\epsilon$, raw rows | before the run |
# | points | all training points train $f$, set the budget and fit $v$; all test points are scored | one sample for everything, as Section 5 has it; the paper does not say which points its tables score |
#
# Six classifiers were compared by how near the coverage of the defense on *training*
# points comes to the paper's number for FGM, SMOOTH, with three seeds that appear nowhere
# else. The nearest mean was taken. The two best means lie closer together than the seeds
# of either, so this is a choice between equals, and the cell that made it is no
# prediction.
#
# The other cells are not clean predictions either. Three of the six classifiers, the
# chosen one among them, the readings of PGD and the schedule of the ascent had been tried
# before on ten pairs of classes, this one included, with test cells in view. Test cells at
# seeds 1 to 4 were first computed after the choices were made.

# %% tags=["hide-input"]
candidates = load_candidates("../results/classifier_choice.json")
nearest = nearest_candidate(candidates)
goal = PAPER_TABLE_2["FGM", "SMOOTH", "approximate"]
display(Markdown(choice_table(candidates)))
print(f"nearest to the paper's {goal}: {nearest.name}")
print("it is the classifier of this page:", nearest.settings == WIDE)

# %% [markdown]
# ## What the complete result depends on
#
# For two cells a distance to the paper was set as the goal before the run: approximate
# accuracy within 5 points for FGM, SMOOTH, and within 8 for PGD, SMOOTH. The smaller
# classifier, widths 10, 20 and 50 and one epoch, is held to the same.

# %% tags=["hide-input"]
Markdown(seed_goal_table(both))

# %% [markdown]
# **All three readings of PGD**, for the classifier declared primary, for the smaller one,
# and for the primary one with unit rows: the rows $c_i, b_i$ divided by $\|c_i\|$ before
# the ascent (seed 0). The ramp depends on the scale of the logit, the count it replaces
# does not. Rows without PGD do not depend on the reading.

# %% tags=["hide-input"]
for name, group in groups.items():
    display(Markdown(reading_table(name, group)))

# %% [markdown]
# Five seeds show how far one training run moves a cell. A number of the paper that lies
# between the smallest and the largest of them cannot be told from another seed.

# %% tags=["hide-input"]
Markdown(outside_table(both))

# %% [markdown]
# **Accuracy against the budget**, complete data, seed 0, literal reading.

# %%
points = wide[0].curve
plot_accuracy_against_budget(
    [point.epsilon for point in points],
    [point.table_3("literal") for point in points],
    calibrated=wide[0].epsilon,
    paper=PAPER_TABLE_2,
)

# %% [markdown]
# **Where these numbers come from.** Each record under `results/table2` says what it was
# computed with. Seconds are for the whole run, on a machine shared with other work.

# %% tags=["hide-input"]
Markdown(origin_table(groups))

# %% [markdown]
# ## What agrees and what does not
#
# **Agrees.** Under the declared choices, approximate accuracy with SMOOTH comes out near
# the paper's under both attacks and at every seed. For FGM this was the aim of the choice
# of the classifier; the smaller one misses it at most seeds. For PGD it was not. The
# pattern that the paper draws its conclusions from is there for both: FGM is the
# strongest attack in the linear model, and SMOOTH takes back most of what FGM took. The
# first half of this is a theorem; the second is a measurement on held-out points.
#
# **Calibrated, so no evidence.** The cell FGM, no defense. It is met on training points;
# test points lie a little farther from the boundary, hence the small surplus.
#
# **Depends on the reading and on the network.** With the primary classifier the literal
# PGD leaves more labels in place than the paper reports, on all four cells, and the
# reading with short steps and a ball comes closest. With the smaller classifier the
# literal reading is the nearer one on some cells. No reading matches all cells for both.
# Keeping the label of the clean image makes a much stronger attack on $f$ than the
# paper's. The ball was not declared primary before the run, and it is not made so now.
#
# **Does not agree.** True accuracy under FGM with SMOOTH stays below the paper's number
# at every seed, with both classifiers and with unit rows. The defense moves points
# up to $\epsilon$ in addition to the attack, out to where the network bends away from its
# tangents. The paper's network seems to bend less; a smaller budget would have the same
# effect, but the approximate column then no longer matches. Without the network or the
# budget of the paper this cannot be settled.
#
# **Where the defense ends.** In the curve the two rows with SMOOTH fall off a cliff
# beyond the calibrated budget. The ascent starts at $v = 0$, and there only points that
# FGM cannot flip pull on $v$. When one class holds nearly all of these, the ascent serves
# that class and ends at about half of the points, with a gradient that need not vanish.
# When no point is left, the gradient is zero and it does not start.

# %% tags=["hide-input"]
Markdown(dead_zone_table(points, "literal"))

# %% [markdown]
# That this is the ascent and not the game can be seen by starting it elsewhere: at zero, and
# in the direction of the mean unit normal, for the live classifier.

# %%
# NBVAL_IGNORE_OUTPUT
# Depends on trained weights; the next cell gives the verdict.
from_zero = [point.defenses[live.solver].train_coverage for point in curve]
elsewhere = coverage_from_elsewhere(at, curve)
display(Markdown(start_table(live.budget_multiples, from_zero, elsewhere)))

# %%
ahead = elsewhere[4] - from_zero[4]
print(
    "at 1.25 times the budget the other start covers over 10 points more:",
    ahead > 0.1 if as_stored else "not applicable, a statement on the page's own run",
)
