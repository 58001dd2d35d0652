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
# **Do the numbers of the paper's Table 2, zeros against ones under five plays, come out again?**
#
# ```{outcomes}
# ```
#
# *Approximate accuracy speaks of the tangents $f_L$, true accuracy of $f$. Whether the tangents may stand for a trained network is measured
# in [](local_linearity.ipynb): at the budgets of the tables they may not.*

# %% mystnb={"code_prompt_show": "Show the parameters", "code_prompt_hide": "Hide the parameters"} tags=["parameters", "hide-input"]
# All but the last are of the live part; the stored runs are of zeros against ones.
classes = "0-1"  # any two different digits, for the live part
budget = "calibrated"  # to Table 2; or a length in pixels, 0.1 to 20
seed = 0  # of training, from 0
source = "embedded"  # or "auto", "torchvision": the complete data, where they are
epochs = 10  # 1 to 50; the embedded set is small, so it is passed over more often
primary = "literal"  # or "fixed-label", "ball": the reading of PGD in the live table
compute = False  # run what the store lacks, on the complete data: make experiments

# %% mystnb={"code_prompt_show": "Show the set-up", "code_prompt_hide": "Hide the set-up"} tags=["hide-input"]
from dataclasses import replace

from IPython.display import Markdown, display

from experiments.figures.checks_table import ChecksTable
from experiments.figures.live_pair import (
    LiveGame,
    coverage_by_start,
    live_checks,
    plot_attack_and_defense,
)
from experiments.figures.markdown import accuracy_table, comparison_table
from experiments.figures.mnist_0_against_1 import (
    choice_table,
    distance_table,
    explored_table,
    of_combination,
    plot_accuracy_against_budget,
    plot_ways,
    reading_table,
    ways_to_table_2,
)
from experiments.figures.table_2_checks import guarantee_table, record_checks
from experiments.study.declared import DECLARED, declared_groups
from experiments.study.misses import study_table
from experiments.study.study_plan import load_study
from experiments.tables.classifier_choice import load_candidates
from experiments.tables.paper_numbers import PAPER_TABLE_2
from experiments.tables.planning import parse_pair
from experiments.tables.table_2 import WIDE, load_table_2
from paper_lib.attacks import PGD_READINGS, fgm
from paper_lib.checks import check_between, check_choice, check_count, check_seed
from paper_lib.data import load_pair
from paper_lib.defense import ramp_ascent
from paper_lib.evaluation import calibrate_epsilon, evaluate
from paper_lib.linearize import linearize
from paper_lib.models import train_classifier
from paper_lib.robust_sets import RobustSets

digits = parse_pair(classes)
if budget != "calibrated":
    check_between(budget, "budget", 0.1, 20)
check_seed(seed)
check_choice(source, "source", ("embedded", "auto", "torchvision"))
epochs = check_count(epochs, "epochs", 1, 50)
check_choice(primary, "primary", tuple(PGD_READINGS))
calibrated = budget == "calibrated"
# What is said of the page's own live run is true of that one alone.
as_stored = (classes, calibrated, seed, source, epochs, primary) == (
    *("0-1", True, 0, "embedded", 10, "literal"),
)
paper = PAPER_TABLE_2 if digits == (0, 1) else {}
groups = load_table_2("../results/table2", compute=compute)
study = "../results/study"
fresh = load_study(declared_groups(datasets=("mnist",)), study)
declared = study_table(fresh, [DECLARED])
explored = explored_table(study)
ways = ways_to_table_2(groups, declared, explored)
candidates = load_candidates("../results/classifier_choice.json")

# %% [markdown]
# (mnist-01-complete)=
# ## Table 2 on the complete data
#
# A network tells zeros from ones. An attacker adds $a(x)$ to an image, within a budget of $\epsilon$ pixels; a defender adds
# one and the same $v$ to all images. *True* accuracy asks the network $f$ afterwards for the label. *Approximate* accuracy
# asks its tangent $f_L$ at the clean image, the linear model that the theorems are about, for the sign of $f$.
#
# Some marks come from the study of Table 1, which the next page, [](all_pairs.ipynb), explains: it tried many combinations of what
# the paper leaves open on ten pairs of each data set, 0 against 1 among them, declared one, and ran that with fresh seeds.

# %% mystnb={"figure": {"caption": "The eight attacked cells of Table 2 beside the paper's numbers, a mark for each seed of training, on all test images of zeros and ones. Circles and triangles pointing down: this page's classifier and budget, under two readings of PGD; rows of FGM do not depend on the reading. Triangles pointing up: what the study of Table 1 declared, with three fresh seeds. From the stored runs; drawn by the set-up and this cell.", "name": "fig-table-2"}, "image": {"alt": "Accuracy from 0 to 100 percent in eight rows, true and approximate, FGM and PGD, without and with SMOOTH, with a bar for the paper. Approximate rows with SMOOTH lie on the bar or next to it, those of the study under FGM to its left. True accuracy under FGM with SMOOTH lies left of the bar at every seed, that without a defense mostly right of it; the true rows of literal PGD lie far right."}} tags=["hide-input"]
plot_ways(
    {
        "this page's choice, PGD literal": ways["20-50-500, literal"],
        "the same, PGD in the ball": ways["20-50-500, ball"],
        "the choice of the study of Table 1": of_combination(declared),
    }
)

# %% [markdown]
# The paper states neither the budget, nor the widths of the network, nor how it was trained, nor any setting of the optimizers.
# [](mnist-01-choices) says what this page chose, and with a view to what. **Under that choice**, each cell is the mean over five
# seeds, with the smallest and the largest value in brackets; the difference is to the paper, in percentage points.

# %%
chosen = groups["20-50-500"]  # five seeds of WIDE
literal = [one.score.table_3("literal") for one in chosen]
Markdown(comparison_table(literal, PAPER_TABLE_2, here="here, complete data"))

# %% [markdown]
# **Under the choice that the study of Table 1 declared** ([All pairs](all_pairs.ipynb)), with three fresh seeds:

# %% tags=["hide-input"]
Markdown(accuracy_table(of_combination(declared), PAPER_TABLE_2))

# %% [markdown]
# **Why this page keeps its own choice first.** It was declared for this table before the study was made, and it aims at it: here the
# budget leaves FGM, no defense, 48.3% as in Table 2; *the declared budgets* of the study, one for each pair, leave 53.3%, the mean of Table 1. Which is nearer to Table 2
# taken alone? As declared, with literal PGD, this page's choice is off by up to 26.3 points, that of the study by 20.2. With PGD in the
# ball the networks of this page are off by 12.9, nearer than any of the 320 combinations that the study explored: the best of them is off
# by 18.3, and what each of the 320 misses most is a cell of Table 2. So part of what the study leaves unexplained hangs on how the
# network is trained and on which table sets the budget. It is no evidence for the choice of this page: a cell of Table 2 chose its
# network, and the ball was not declared.

# %% tags=["hide-input"]
Markdown(distance_table(ways))

# %% [markdown]
# *The largest miss of a mean over seeds, in points, and how many of the eight cells are within 8 points. "20-50-500" is this page's network, trained by Adam; that of the study has the same
# widths and is trained by SGD on normalized inputs. Unit rows: the rows $c_i, b_i$ of Eq. (7) divided by $\|c_i\|$ before the ascent.*

# %% mystnb={"code_prompt_show": "Show all ten cells under all three readings of PGD", "code_prompt_hide": "Hide the readings"} tags=["hide-cell"]
for name, group in groups.items():
    display(Markdown(reading_table(name, group)))

# %% [markdown]
# ## From images to the table
#
# The same calls, live, on the 1,000 real images that travel with the book (some hundred of each class train and test the
# classifier, so this is not the paper's experiment). Images are scaled to $[0, 1]$, lengths are $\ell_2$ lengths in those units.
# Training points train $f$, set the budget and fit $v$; test points are scored and do nothing else.

# %%
pair = load_pair("mnist", digits, source=source)
settings = replace(WIDE, epochs=epochs)  # two convolutions, two fully connected layers
model = train_classifier(pair.train, config=settings, seed=seed).model
train, test = linearize(model, pair.train.images), linearize(model, pair.test.images)
target = PAPER_TABLE_2["FGM", "none", "approximate"] / 100
epsilon = calibrate_epsilon(train, target) if calibrated else float(budget)
a = fgm(test, epsilon)
pgd = PGD_READINGS[primary].attack(model, pair.test.images, epsilon).perturbations
solution = ramp_ascent(RobustSets.from_linearization(train, epsilon))
v = solution.perturbation

# %% [markdown]
# **The budget.** FGM, $a_{\mathrm{FGM}}(x) = -\epsilon \operatorname{sgn}(f(x)) \nabla f(x) / \|\nabla f(x)\|_2$, flips a point without
# defense exactly when its margin $|f(x)| / \|\nabla f(x)\|_2$ is below $\epsilon$. So the budget is set where the row FGM, no
# defense, on training points, equals the paper's number. That row is no test of the paper.
#
# **The defense.** By Lemma 1 a point is safe from *every* attack when $c_i^\top v + b_i \ge 0$, with
# $c_i = \operatorname{sgn}(f(x_i)) \nabla f(x_i)$ and $b_i = |f(x_i)| - \epsilon \|\nabla f(x_i)\|_2$. The best $v$ satisfies as many of
# these as possible, Eq. (7). The paper climbs a ramp in place of the count, and calls what it finds $v_n^*$.
#
# **PGD** repeats FGM and projects. Appendix D can be read in three ways ([reading notes](reading_notes.md)). *Literal*: each step, of
# length $\epsilon$, attacks the label of the current iterate, and the sum is scaled to the sphere. *Fixed-label*: the same with the label
# of the clean image. *Ball*: the label of the current iterate, steps of $\epsilon / 4$, projected onto the ball.
#
# **Table 3** says how each number is computed. This is its approximate accuracy under FGM with SMOOTH, typed out, and the same
# number among all ten. (Weights trained on another processor differ a little, so the table is not compared digit by digit.)

# %%
f_l = test.logits + ((a + v) * test.gradients).sum(1)  # f_L(x + a + v)
kept = float((test.signs * f_l >= 0).double().mean())
rows = evaluate(model, pair.test, test, epsilon=epsilon, defense=v, pgd_attack=pgd)

# %% mystnb={"code_prompt_show": "Show all ten rows, live", "code_prompt_hide": "Hide the ten rows"} tags=["hide-cell", "nbval-ignore-output"]
here = f"here, live, {pair.source} images"
Markdown(comparison_table([rows], paper, here=here))

# %% mystnb={"figure": {"caption": "A test image of each class, what FGM adds to it, and what the defense adds to all. Red pixels are raised, blue ones lowered. Under each image stands the class that $f$ itself sees. Nothing is clipped to $[0, 1]$, of which the paper says nothing; the pictures are. From the live run above.", "name": "fig-attack-and-defense"}, "image": {"alt": "Two rows of five images, a zero and a one: the clean digit, red and blue specks of the attack, their sum, one red and blue pattern of the defense in both rows, and the sum of all three, with the class seen by the network below each sum."}} tags=["hide-input"]
game = LiveGame(
    pair=pair, model=model, train=train, test=test, epsilon=epsilon, solution=solution
)
plot_attack_and_defense(game)

# %% [markdown]
# (mnist-01-choices)=
# ## What was chosen, and with a view to what
#
# | setting | value | chosen |
# | :-- | :-- | :-- |
# | budget | a quantile of the training margins | on the cell FGM, no defense, of Table 2, by training points |
# | classifier | widths 20, 50 and 500, Adam at $10^{-3}$, batches of 64, two epochs | among six, on the cell FGM, SMOOTH, of Table 2, by training points |
# | reading of PGD | literal | as Appendix D is written, before the run |
# | ascent | 300 steps from $v = 0$, lengths falling from $0.1\,\epsilon$ to $0.002\,\epsilon$, raw rows | before the run |
# | points | all training points train $f$, set the budget and fit $v$; all test points are scored | one sample for everything, as Section 5 has it; the paper does not say which points its tables score |
#
# Six classifiers were compared by how near the coverage of the defense on *training* points comes to the paper's number for FGM,
# SMOOTH, with three seeds that appear nowhere else. The two best means lie closer together than the seeds of either, so this is a
# choice between equals, and the cell that made it is no prediction.
#
# The other cells are not clean predictions either. Three of the six classifiers, the chosen one among them, the readings of PGD and
# the schedule of the ascent had been tried before on ten pairs of classes, this one included, with test cells in view. Test cells at
# seeds 1 to 4 were first computed after the choices were made.

# %% mystnb={"code_prompt_show": "Show the six classifiers", "code_prompt_hide": "Hide the six classifiers"} tags=["hide-cell"]
Markdown(choice_table(candidates))

# %% mystnb={"figure": {"caption": "Accuracy against the budget: this page's classifier, seed 0, literal reading, all test images, the defense fitted anew at each budget. Hollow marks are the paper's numbers, drawn at the budget of the table (dotted). From the stored run.", "name": "fig-table-2-budgets"}, "image": {"alt": "Two panels of five curves against budgets from 1 to 8.6 pixels, approximate and true accuracy. Without a defense accuracy falls, but that true accuracy under PGD turns up at the largest budget. With SMOOTH it stays above 90 percent in the approximate panel up to 4.3 pixels, the budget of the table, and then drops at once to half of the points, under FGM later to none; the hollow marks of the paper lie near the approximate curves and off several true ones."}} tags=["hide-input"]
points = chosen[0].curve
plot_accuracy_against_budget(
    [point.epsilon for point in points],
    [point.table_3("literal") for point in points],
    calibrated=chosen[0].epsilon,
)

# %% [markdown]
# ## What agrees and what does not
#
# **Agrees.** Approximate accuracy with SMOOTH comes out near the paper's under both attacks and at every seed. For FGM this was the
# aim of the choice of the classifier; the smaller one misses it at most seeds. For PGD it was not. FGM is the strongest attack in the
# linear model, which is a theorem, and SMOOTH takes back most of what FGM took, which is measured on held-out points.
#
# **Calibrated, so no evidence.** The cell FGM, no defense. It is met on training points; test points lie a little farther from the
# boundary, hence the small surplus.
#
# **Depends on the reading and on the network.** With the primary classifier the literal PGD leaves more labels in place than the
# paper reports, on all four cells (it attacks the label of the current iterate, so beyond the boundary it turns back), and the ball
# comes closest. With the smaller classifier the literal reading is the nearer one on some cells. No reading matches all cells for
# both. Keeping the label of the clean image makes a much stronger attack on $f$ than the paper's. The ball was not declared primary
# before the run, and it is not made so now.
#
# **Does not agree.** True accuracy under FGM with SMOOTH stays below the paper's at every seed, with both classifiers and with unit
# rows; with these and the ball it is the only cell that is more than 8 points off, at one seed. The defense moves points up to
# $\epsilon$ in addition to the attack, out to where the network bends away from its tangents ([local linearity](local_linearity.ipynb)),
# which may explain the gaps between true and approximate rows, and their spread over seeds. But with the primary classifier, in the
# mean over seeds, the two are further apart here than in the paper under FGM without a defense, as if its network were nearer its
# tangents, and closer together under PGD, literal or in the ball, as if it were further from them. With the smaller classifier it is the
# other way round under FGM, and with SMOOTH under PGD. So no single reason is shown. A smaller budget would raise the true row of
# FGM with SMOOTH, but the approximate column then no longer matches. Without the network or the budget of the paper this cannot be settled.
#
# **No guarantee for $f$.** Under *Broader Impact* the paper says that its work "can be used to find guarantees on the worst accuracy a
# defended classifier can have under any attack". For the tangents the coverage of $v$ is one: it is the share of points that no attack
# in $V$ flips. For $f$ it was put to the test by one attack in $V$, PGD with the label of the clean image (*fixed-label*), against SMOOTH:

# %% tags=["hide-input"]
Markdown(guarantee_table(groups))

# %% [markdown]
# *True accuracy of $f$ with SMOOTH under that attack beside the coverage of $v$ on the same test points, in percent, from the least seed to
# the largest; and by how much it is below, run by run. So for $f$ coverage is no guarantee at these budgets.*
#
# ## What fails when an assumption is removed
#
# Beyond the budget of the table the two curves with SMOOTH fall off a cliff. Is that the game, or the ascent?
#
# :::{dropdown} Solution
# The ascent. At $v = 0$ only points that FGM cannot flip pull on $v$. When one class holds nearly all of these, the ascent serves
# that class and ends at about half of the points, with a gradient that need not vanish. When no point is left, the gradient is zero and
# it does not start. Started in the direction of the mean unit normal it covers far more. (Trained weights differ between
# processors, so these lines are not compared; the table of checks holds the verdict.)
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers"} tags=["hide-cell", "nbval-ignore-output"]
for multiple in (1.0, 1.25, 1.5, 2.0):
    zero, other = coverage_by_start(game, multiple)
    print(f"{multiple:.2f} times the budget: training coverage {zero:.1%} from zero,")
    print(f"    {other:.1%} from the direction of the mean normal")

# %% [markdown]
# ## What was checked

# %% tags=["hide-input"]
ChecksTable(
    [
        *record_checks(groups, ways, candidates),
        *live_checks(
            game,
            formula=kept,
            target=target if calibrated else None,
            as_stored=as_stored,
        ),
    ]
)

# %% [markdown]
# ## Behind this page
#
# ```{page-footer}
# :records: results/table2/*.json results/classifier_choice.json results/study/mnist-0-1-*.json
# ```
