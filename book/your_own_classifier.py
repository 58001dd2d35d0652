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
# # Your own classifier
#
# **What does the game say of a classifier and of data that this project did not make?**
#
# ```{outcomes} lemma-1 lemma-2 theorem-1 certificate sharper-bounds assumption
# ```
#
# Three examples, to be copied and changed: a network on a table, a function in NumPy, and a network for images with two
# logits. Each asks for the robust sets, a defense, a certificate, a bound for points that nobody has seen, and how far all of this
# may be trusted for $f$ itself, since the theorems speak of its tangents. The first two are attacked by FGM, the third by an attack
# from elsewhere.
#
# In a checkout, `pip install .` installs the library alone, and `pip install ".[data]"` scikit-learn as well, whose data the examples take.
# `make book` installs all that the notebooks need, into `.venv`.

# %% mystnb={"code_prompt_show": "Show the data and the network", "code_prompt_hide": "Hide the data and the network"} tags=["hide-input", "example-network"]
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

from paper_lib.attacks import fgm
from paper_lib.bounds import held_out_bound
from paper_lib.defense import maximize_coverage, upper_bound
from paper_lib.linearize import linearize
from paper_lib.local_linearity import network_coverage
from paper_lib.robust_sets import RobustSets

table, is_benign = load_breast_cancer(return_X_y=True)  # 569 tumors, 30 measurements
x = torch.from_numpy((table - table[::2].mean(0)) / table[::2].std(0))
y = torch.from_numpy(2.0 * is_benign - 1.0)
old, new = x[::2], x[1::2]  # to train on, and to judge by
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(30, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.double().parameters(), lr=0.01)
for _ in range(200):
    optimizer.zero_grad()
    nn.functional.softplus(-y[::2] * model(old)).mean().backward()
    optimizer.step()

# %% [markdown]
# ## What to expect
#
# Both players have the budget $\epsilon$, a length in the units of the inputs. One vector $v$ for all points is to keep as many
# labels as it can. A larger budget never helps: what $v$ keeps, half of $v$ keeps at half the budget. So for every classifier the best
# coverage never rises.

# %% mystnb={"figure": {"caption": "The share of tumors whose label one vector keeps, against the budget of both players: without a defense, with the paper's ascent, with the best vector found, and the band, often too narrow to be seen, that holds the most that any vector can keep. Dotted: the share of the larger class. The network of the next section on its 285 training points; drawn by the cell above.", "name": "fig-own-budgets"}, "image": {"alt": "Share covered against the budget, from 0.25 to 6 standard deviations. The best found falls from 0.99 and flattens at the dotted line, 0.64; without a defense it falls to 0.02; the paper's ascent follows the best until 3, drops to 0.35, and at 6 to 0.02 as well."}} tags=["hide-input"]
from IPython.display import Markdown, display

from experiments.figures.solver_records import BudgetCurve, BudgetPoint, ClassNames
from experiments.figures.the_algorithm import plot_certified_bands
from paper_lib.defense import ramp_ascent

torch.set_num_threads(1)
tumors, tangents = (old, new), linearize(model, old)
points = []
for one in (0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0):
    at_one = RobustSets.from_linearization(tangents, epsilon=one)
    found = maximize_coverage(at_one)
    proven = upper_bound(at_one, time_limit=None, max_nodes=4, start=found.perturbation)
    points.append(
        BudgetPoint(
            multiple=one / float(tangents.margins.median()),
            epsilon=one,
            none=float(at_one.coverage(torch.zeros_like(old[0]))),
            ramp=ramp_ascent(at_one).coverage,
            lower=found.coverage,
            upper=proven.upper,
        )
    )
larger_class = float((tangents.signs > 0).double().mean())
names = ClassNames(dataset="breast cancer", classes=(0, 1))
figure = plot_certified_bands([BudgetCurve(instance=names, points=tuple(points))])
figure.axes[0].set(title="", xlabel=r"budget $\epsilon$ (standard deviations)")
figure.axes[0].axhline(larger_class, color="black", linestyle=":", linewidth=1)
figure.axes[0].text(0.25, larger_class - 0.07, "larger class")
display(figure)

# %% [markdown]
# At a small budget nearly every point is kept. Then the curve bends, and it ends where the defender gives up one class
# and saves the other. What to do there is said [below](#when-nothing-can-be-kept).
#
# ## A network on a table
#
# The tumors of {cite:t}`wolberg1993breast`, from scikit-learn: thirty measurements each, in standard deviations, and whether the
# tumor was benign. Every second one trains a small network; the others are new to it, and have no part in means and deviations either. A budget of 0.5 moves
# one measurement by half a standard deviation, or all thirty by less than a tenth each.

# %% tags=["example-network"]
lin = linearize(model, old)  # logits and gradients: all that the game needs
sets = RobustSets.from_linearization(lin, epsilon=0.5)  # Lemma 1
v = maximize_coverage(sets).perturbation  # the defense
proof = upper_bound(sets, time_limit=None, start=v)  # checked by proof.verify(sets)
seen = linearize(model, new)  # points that had no part in anything above
kept = seen.label_survives(fgm(seen, epsilon=0.5), v.unsqueeze(0))  # the attack
unseen = RobustSets.from_linearization(seen, epsilon=0.5)
bound = held_out_bound(unseen, v, confidence=0.95)
on_f = network_coverage(model, new, v, epsilon=0.5)  # asks f, not its tangents
print(f"v keeps {sets.coverage(v):.2f}, and no other more than {proof.upper:.2f}")
print(f"new points kept: {kept.double().mean():.2f}; of all, over {bound.value:.2f}")
print(f"of f itself: from {on_f.lower:.2f} to {on_f.upper:.2f}")

# %% tags=["hide-input"]
from dataclasses import replace

from scipy.stats import binom

from experiments.figures.checks_table import Check, ChecksTable
from experiments.figures.markdown import table_of
from paper_lib.attacks import perturbed, pgd
from paper_lib.defense import DefendedClassifier
from paper_lib.evaluation import logits_at

of_page = "tests/book/test_your_own_classifier.py::"
guarded = DefendedClassifier(model, v, sets)
follow = {"direction": "original", "projection": "ball", "step_size": 0.1}
stronger = pgd(guarded, new, epsilon=0.5, steps=20, **follow)
after = logits_at(model, new, stronger, v).sign() == seen.signs
low = proof.upper_count - 1
as_rare = float(binom.sf(int(kept.sum()) - 1, len(new), bound.value))
checks = [
    Check(
        what="network: FGM takes exactly the new points whose robust sets do not hold $v$",
        cases=len(new),
        figure=f"{float((~kept).double().mean()):.0%} taken",
        holds=torch.equal(kept, unseen.contains(v)) and not bool(kept.all()),
        test=of_page + "test_fgm_takes_what_the_robust_sets_say",
    ),
    Check(
        what="network: the certificate is checked without the solver, and not if it claims "
        "one point less",
        cases=len(old),
        figure=f"at most {proof.upper:.0%}",
        holds=proof.verify(sets)
        and not replace(proof, lower_count=0, upper_count=low).verify(sets),
        test=of_page + "test_no_vector_keeps_more_than_the_certificate_says",
    ),
    Check(
        what="network: were the share of all points no more than the bound, as many new "
        "ones would be kept by chance in 5% of samples",
        cases=len(new),
        figure=f"{as_rare:.3f}",
        holds=abs(as_rare - 0.05) < 1e-9,
        test=of_page + "test_the_bound_is_where_chance_ends",
    ),
    Check(
        what="network: twenty steps of PGD flip none of the points proven safe, and others",
        cases=int(on_f.safe.sum()),
        figure=f"{int((~after[on_f.safe]).sum())} flipped",
        holds=bool(after[on_f.safe].all()) and not bool(after.all()),
        test=of_page + "test_points_that_are_proven_safe_are",
    ),
]

# %% [markdown]
# Line by line. `sets` holds one half-space a point, [Lemma 1](lemma_1.ipynb). `v` lies in as many of them as the search could reach,
# and the certificate says how many any vector could: here one tumor more than [the search](the_algorithm.ipynb) has found. With so few in doubt
# `maximize_coverage(sets).certificate` is exact, and says that there is none.
# FGM is [a best response](lemma_2.ipynb) to every defense, so no other attack takes more of these points. The bound is for
# points that are yet to come, drawn as these were; it holds with a
# confidence of 95%, because network, units and `v` were chosen without the new points. The last line leaves the tangents. It encloses the share
# of new points whose label no attack within the budget can flip *on the network*: from below by proofs, from above by attacks
# that were found. Here $f$ keeps a little less than its tangents do.
#
# ### What the classifier has to give
#
# `linearize` takes any `torch.nn.Module` that maps `(n, ...)` to `(n,)`, one logit a point. A *logit* is a
# number without bounds whose sign is the class: what goes into a sigmoid, not what comes out. A probability
# is never negative, so all labels would be $+1$; a difference of probabilities has no gradient where the model is sure. Each
# logit must depend on its own input alone, and be the same in every pass. For an output `(n, 1)` append `nn.Flatten(0)`. The budget is an
# $\ell_2$ length in the units of the model's input, whatever these are. From a `DataLoader` the rows come in the order of that pass: with a budget
# for each point, or to save a defense, use one that does not shuffle.
#
# **How linear is it?** `network_coverage` knows `nn.Sequential` of `nn.Conv2d`, `nn.Linear`, `nn.ReLU`, `nn.LeakyReLU`, `nn.MaxPool2d`, `nn.AvgPool2d`,
# `nn.BatchNorm1d`, `nn.BatchNorm2d` and `nn.Flatten`, and
# takes one budget. A class `Net` with such layers is rewritten as `nn.Sequential(net.c1, net.bn1, nn.ReLU(), ...)`; compare the logits
# of both. Two calls take any module, and find what is lost, but prove nothing:
# with `attack = fgm(seen, epsilon=0.5)`, `paper_lib.evaluation.disagreement(model, new, seen, attack, v.unsqueeze(0))` is the share of points that
# only $f$ keeps, and the share that only its tangents keep; `pgd(DefendedClassifier(model, v), new, epsilon=0.5)` attacks the defended $f$.

# %% [markdown]
# ## A function in NumPy
#
# Whatever gives logits and gradients can play. Fisher's irises {cite:p}`fisher1936use`: two kinds, told
# apart by length and width of the petals. A normal distribution is fitted to each kind, and $f$ is the logarithm of the ratio of their
# densities, a quadratic function,
#
# $$f(z) = \tfrac12 (z - \nu)^\top Q (z - \nu) - \tfrac12 (z - \mu)^\top P (z - \mu) + c,$$
#
# with means $\mu$ and $\nu$, inverse covariances $P$ and $Q$, and $\nabla f(z) = Q (z - \nu) - P (z - \mu)$. A budget of 0.1 is
# a millimeter.

# %% mystnb={"code_prompt_show": "Show the data and the fit", "code_prompt_hide": "Hide the data and the fit"} tags=["hide-input", "example-numpy"]
import numpy as np
import torch
from sklearn.datasets import load_iris

from paper_lib.attacks import fgm
from paper_lib.bounds import compress, compression_bound
from paper_lib.defense import maximize_coverage
from paper_lib.linearize import Linearization
from paper_lib.local_linearity import curved_game
from paper_lib.robust_sets import RobustSets

flowers = load_iris()
petals, kinds = flowers.data[50:, 2:], flowers.target[50:]  # centimeters
fitted, z = petals[::2], petals[1::2]
groups = [fitted[kinds[::2] == kind] for kind in (2, 1)]
mu, nu = (group.mean(0) for group in groups)
P, Q = (np.linalg.inv(np.cov(group.T)) for group in groups)
c = (np.linalg.slogdet(P)[1] - np.linalg.slogdet(Q)[1]) / 2

# %% tags=["example-numpy"]
f = (((z - nu) @ Q * (z - nu)).sum(1) - ((z - mu) @ P * (z - mu)).sum(1)) / 2 + c
slopes = (z - nu) @ Q - (z - mu) @ P
lin = Linearization(logits=torch.from_numpy(f), gradients=torch.from_numpy(slopes))
sets = RobustSets.from_linearization(lin, epsilon=0.1)
best = maximize_coverage(sets)  # in the plane it is exact
kept = lin.label_survives(fgm(lin, epsilon=0.1), best.perturbation.unsqueeze(0))
bound = compression_bound(sets, compress(sets), confidence=0.95)  # of few points
error = torch.full_like(lin.logits, np.linalg.norm(Q - P, 2) / 2 * 0.2**2)
game = curved_game(sets, best.perturbation, error)  # the game of f itself
print(f"kept: {kept.double().mean():.2f}, at most {best.certificate.upper:.2f}")
print(f"of all: over {bound.value:.2f}; of f: over {(1 - game.value[1]) / 2:.2f}")

# %% tags=["hide-input"]
turn = torch.arange(720, dtype=torch.float64) * torch.pi / 360
circle = torch.stack([turn.cos(), turn.sin()], dim=1).numpy()
values, tangent = {}, {}
for name, offsets in {
    "near": np.concatenate([0.2 * circle, 0.07 * circle]),
    "attacked": best.perturbation.numpy() + 0.1 * circle,
    "steps": 1e-6 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]),
}.items():
    at = z[:, None] + offsets
    second = np.einsum("nki,ij,nkj->nk", at - nu, Q, at - nu)
    first = np.einsum("nki,ij,nkj->nk", at - mu, P, at - mu)
    values[name] = (second - first) / 2 + c
    tangent[name] = f[:, None] + slopes @ offsets.T
ratios = (values["steps"][:, ::2] - values["steps"][:, 1::2]) / 2e-6
farthest = float(np.abs(values["near"] - tangent["near"]).max() / error[0])
unbeaten = (np.sign(f)[:, None] * values["attacked"] >= 0).all(1)
checks += [
    Check(
        what="NumPy: the gradients are those of $f$, by difference quotients",
        cases=slopes.size,
        figure="within 1e-6",
        holds=bool((np.abs(ratios - slopes) < 1e-6 * np.abs(slopes).max()).all()),
        test=of_page + "test_the_gradients_are_those_of_f",
    ),
    Check(
        what="NumPy: within both budgets $f$ is as far from its tangent as the bound says, "
        "and no farther",
        cases=values["near"].size,
        figure=f"{farthest:.0%} of it",
        holds=0.999 < farthest <= 1 + 1e-9,
        test=of_page + "test_the_error_is_the_curvature",
    ),
    Check(
        what="NumPy: of $f$ itself at least as many flowers are kept, whichever way the "
        "attack goes",
        cases=values["attacked"].size,
        figure=f"{unbeaten.mean():.2f} kept",
        holds=bool(unbeaten.mean() >= (1 - game.value[1]) / 2),
        test=of_page + "test_as_many_flowers_are_kept_as_the_game_says",
    ),
]

# %% [markdown]
# The defense is exact here, so its certificate has no gap. Fifty flowers are few, and none is to be set aside: `compress` looks for a vector
# that a handful of the points rebuild, and [its bound](sharper_bounds.ipynb) counts the others, although all of them took part in the choice. It speaks of
# that vector, not of `best`.
#
# **How linear is it?** The proofs of `local_linearity` read the layers of a torch network, so a function in NumPy cannot be asked. What one
# knows of $f$ can be said instead. The gradient of this $f$ turns at the constant rate $Q - P$, so that
#
# $$|f - f_L| \le \tfrac12 \|Q - P\|_2\, (2 \epsilon)^2$$
#
# within both budgets, and [](curved_boundaries.ipynb) turns such a bound into what `best` keeps of $f$ itself, whatever the attack.
# Without a bound the answers are those for the tangents, and no more can be said.

# %% [markdown]
# ## Images, and two logits
#
# Threes and eights among the digits of {cite:t}`alpaydin1998optical`, eight by eight pixels from 0 to 1. The network gives two logits, one for each
# class. The game wants one: the second less the first, which a last layer with the weights $-1$ and $1$ computes. `linearize`
# takes inputs in batches too, with labels or without; the other calls take one tensor.

# %% mystnb={"code_prompt_show": "Show the data and the network", "code_prompt_hide": "Hide the data and the network"} tags=["hide-input", "example-images"]
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from paper_lib.bounds import held_out_bound
from paper_lib.defense import DefendedClassifier, fit_defense, upper_bound
from paper_lib.linearize import linearize
from paper_lib.local_linearity import network_coverage
from paper_lib.robust_sets import RobustSets

images, digits = load_digits(return_X_y=True)
wanted = (digits == 3) | (digits == 8)
x = torch.from_numpy(images[wanted] / 16).view(-1, 1, 8, 8)
y = torch.from_numpy(digits[wanted] == 8).long()
old, new = x[::2], x[1::2]
torch.manual_seed(0)
pair = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 2))
optimizer = torch.optim.Adam(pair.double().parameters(), lr=0.01)
for _ in range(60):
    optimizer.zero_grad()
    nn.functional.cross_entropy(pair(old), y[::2]).backward()
    optimizer.step()

# %% tags=["example-images"]
one = nn.Sequential(pair, nn.Linear(2, 1, bias=False), nn.Flatten(0))
one[1].weight.data = torch.tensor([[-1.0, 1.0]], dtype=torch.float64)
lin = linearize(one, DataLoader(TensorDataset(old, y[::2]), batch_size=64))
sets = RobustSets.from_linearization(lin, epsilon=0.3)
v = fit_defense(sets, num_folds=3).perturbation  # chosen for points it has not seen
proof = upper_bound(sets, time_limit=None, start=v)
unseen = RobustSets.from_linearization(linearize(one, new), epsilon=0.3)
bound = held_out_bound(unseen, v, confidence=0.95)
on_f = network_coverage(one, new, v, epsilon=0.3)
print(f"v keeps {sets.coverage(v):.2f}; no other more than {proof.upper:.2f}")
print(f"of all: over {bound.value:.2f}; of f: {on_f.lower:.2f} to {on_f.upper:.2f}")

# %% [markdown]
# The search for the most would follow these images closely. `fit_defense` chooses instead, by cross-validation, what should serve images that it has
# not seen. It gives away a hundredth of what the certificate allows. Of $f$ itself more is in doubt than with
# the tumors: for some images there is neither an attack nor a proof.
#
# ### Attacks from elsewhere
#
# A defended classifier is a module like any other, and what attacks modules can attack it. The perturbation takes the shape of the images by
# itself, and the two logits stay two. Here is one step of someone else's attack, written out: up the cross-entropy, which knows nothing of this library.

# %% tags=["example-images"]
defended = DefendedClassifier(pair, v, sets)
inputs = new.clone().requires_grad_()
nn.functional.cross_entropy(defended(inputs), y[1::2]).backward()
moved = new + 0.3 * nn.functional.normalize(inputs.grad.flatten(1)).view_as(new)
same = defended(moved).argmax(1) == pair(new).argmax(1)
print(f"labels that the step leaves: {same.double().mean():.2f}")

# %% tags=["hide-input"]
with torch.no_grad():
    two = pair(new)
    alike = torch.equal(one(new), two[:, 1] - two[:, 0])
    by_hand = pair(perturbed(new, v))
    held = (one(perturbed(moved.detach(), v)).sign() == one(new).sign())[on_f.safe]
checks += [
    Check(
        what="images: the one logit is the second less the first",
        cases=len(new),
        figure="bit for bit",
        holds=alike,
        test=of_page + "test_one_logit_is_the_difference_of_two",
    ),
    Check(
        what="images: the defended classifier is the classifier at the moved images",
        cases=len(new),
        figure="bit for bit",
        holds=torch.equal(defended(new), by_hand),
        test=of_page + "test_the_defended_classifier_adds_the_defense",
    ),
    Check(
        what="images: the foreign step flips none of the points proven safe, and others",
        cases=int(on_f.safe.sum()),
        figure=f"{int((~held).sum())} flipped",
        holds=bool(held.all()) and not bool(same.all()),
        test=of_page + "test_points_that_are_proven_safe_are",
    ),
]

# %% [markdown]
# The step leaves more labels than are proven safe, as it must. `defended.save("v.safetensors")` keeps vector and the name of
# its rows, and `DefendedClassifier.load("v.safetensors", pair, sets)` refuses a file that is a defense of others.
# Another library gets the module itself, foolbox for instance by `PyTorchModel(defended, bounds=(0, 1))`. From this library there is
# `pgd(one, new, epsilon=0.3)`; what it returns is flat, as FGM's is, and `perturbed(new, attack, v)` adds it in the shape of the images.

# %% [markdown]
# ## When nothing can be kept
#
# Back to the tumors, at larger budgets:

# %% tags=["hide-input"]
rows = []
for one_budget in (0.5, 3.0, 6.0):
    wide = RobustSets.from_linearization(tangents, epsilon=one_budget)
    found = maximize_coverage(wide)
    start = found.perturbation
    most = upper_bound(wide, time_limit=None, max_nodes=4, start=start).upper
    held = wide.contains(start).double()
    rows.append(
        {
            "budget": one_budget,
            "no defense": f"{float(wide.coverage(torch.zeros_like(start))):.2f}",
            "ramp": f"{ramp_ascent(wide).coverage:.2f}",
            "best found": f"{found.coverage:.2f}",
            "proven: at most": f"{most:.2f}",
            "of benign": f"{float(held[tangents.signs > 0].mean()):.2f}",
            "of malignant": f"{float(held[tangents.signs < 0].mean()):.2f}",
        }
    )
benign = tangents.signs > 0
checks.append(
    Check(
        what="network: at a budget of 6 the best defense found keeps one class but for at "
        "most one tumor and nothing of the other, and none keeps more than a class",
        cases=len(benign),
        figure=f"{int(held.sum())} of {int(benign.sum())} kept",
        holds=not bool(held[~benign].any())
        and int(held.sum()) >= int(benign.sum()) - 1
        and round(most * len(benign)) == int(benign.sum()),
        test=of_page + "test_a_large_budget_leaves_one_class",
    )
)
Markdown(table_of(rows))

# %% [markdown]
# At 6 standard deviations nearly every boundary is within reach, and the best defense has given up one class: it pushes all tumors towards *benign*, so
# that an attack makes only one of the 183 benign ones look malignant, and no malignant one is kept. That is the dotted line of
# [the picture](#fig-own-budgets), less a tumor. What to look at, in this order:
#
# 1. **The search.** The paper's ascent says 2% at a budget of 6, because nearly all of its ramps are flat where it starts. That is no verdict on the
#    classifier: `maximize_coverage` finds the larger class, but for that one.
# 2. **The certificate.** If it is as low as what was found, no defense of this kind does better, and looking further is in vain. If there is a gap,
#    give `upper_bound` more time.
# 3. **The classes.** Count what is kept of each. A coverage near the share of the larger class mostly means that the smaller one is lost.
# 4. **The budget.** The margins say what the classifier can bear: `lin.margins.median()` is the distance from which half of the points are attacked without
#    a defense, and `calibrate_epsilon(lin, accuracy=0.9)` gives the budget at which FGM alone leaves nine in ten.
# 5. **The classifier.** Wider margins are a matter of training. The game takes the classifier as it is.
#
# With equal budgets the answer is never zero: the opposite of FGM keeps the label of any one point ([Lemma 1](lemma_1.ipynb#robust-sets-are-never-empty)).
# It can be zero if the attacker has more than the defender, `RobustSets.from_linearization(lin, epsilon=1.0, attack_epsilon=3.0)`.

# %% [markdown]
# ## Checked

# %% tags=["hide-input", "nbval-ignore-output"]
# What is kept by a trained network may depend on the processor's last digits.
ChecksTable(checks)

# %% [markdown]
# ## What fails when an assumption is removed
#
# **A probability instead of a logit.** The network of the tumors gets a sigmoid at its end. What does `linearize` say?
#
# :::{dropdown} Solution
# It warns. Every output is positive, so every label is $+1$, and the game would be about keeping it.
# :::

# %% mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"} tags=["hide-cell"]
import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    wrong = linearize(nn.Sequential(model, nn.Sigmoid()), tumors[1])
print(caught[0].message)
print(f"labels that are +1: {float((wrong.signs > 0).double().mean()):.2f}")

# %% [markdown]
# **A linear classifier.** Let $f(x) = w^\top x + b$, for sixty points on one side and forty on the other. What does the best defense keep, once the
# budget is larger than every margin?
#
# :::{dropdown} Solution
# Sixty, and no more. All gradients are $w$, so only the component $t$ of $v$ along $w / \|w\|$ counts: a point of the first class with margin $m$ is kept if
# $m + t \ge \epsilon$, one of the second if $m - t \ge \epsilon$. With $m < \epsilon$ the first asks for $t > 0$ and the second for $t < 0$. With $t = \epsilon$ the
# whole first class is kept. The tumors come close to this, since the gradients of a network trained on them point almost the same way.
# :::

# %% mystnb={"code_prompt_show": "Show the solution in numbers", "code_prompt_hide": "Hide the solution in numbers"} tags=["hide-cell"]
sides = torch.cat([torch.linspace(0.1, 0.9, 60), -torch.linspace(0.1, 0.9, 40)])
w = torch.tensor([[3.0, 4.0]]).expand(100, 2)  # of length 5
straight = Linearization(logits=5.0 * sides, gradients=w)
best = maximize_coverage(RobustSets.from_linearization(straight, epsilon=1.0))
print(f"kept: {best.coverage:.2f}, at most {best.certificate.upper:.2f}")

# %% [markdown]
# ## Further calls
#
# | for | call |
# | :-- | :-- |
# | the paper's own defense | `ramp_ascent(sets)` |
# | what the search finds in a given time, and a bound | `maximize_coverage(sets, time_limit=60.0)` |
# | one classifier at many budgets | `coverage_path([RobustSets.from_linearization(lin, e) for e in budgets])` |
# | the whole game: both strategies and the value | `equilibrium(lin, epsilon=0.5)` |
# | what a player gains by leaving a pair of strategies | `exploitability(lin, attack, v, epsilon=0.5)` |
# | a budget for each point | `fgm(lin, budgets)`, and `attack_epsilon=budgets` for the sets; not `network_coverage` |
# | a progress bar | `linearize(model, loader, progress=True)` |
# | how far $f$ is from its tangents, proven | `linearization_error(model, new, radius=1.0)` |
# | inputs that must stay in a box | `evaluate(..., box=(0.0, 1.0))` |
# | a picture of robust sets in the plane | `plot_half_planes(sets)` |
#
# Robust sets know no box: Lemma 1 is about all of $V$, and nothing is clipped, as in the paper. `evaluate` scores clipped inputs and says how many
# points that decides. The proofs about $f$ itself know networks as `nn.Sequential` of the layers named [above](#what-the-classifier-has-to-give); others
# get all the rest.
#
# ## Behind this page
#
# ```{page-footer} lemma-1 lemma-2 theorem-1 certificate sharper-bounds assumption
# ```
