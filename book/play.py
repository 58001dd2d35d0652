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
# # The game to play with
#
# Five inputs in the plane and a classifier $f(x) = \min_k (u_k^\top x + t_k)$, which is
# positive in the dashed triangle. Drag an input, your $v$, or a budget. Each handle also
# takes the arrow keys, with Shift in larger steps; Tab leads from one to the next. The
# page computes all of it itself and needs no network. What it starts from, and the
# library's solution of the start, come from the cells below it.

# %% [markdown]
# ## Parameters

# %% tags=["parameters"]
epsilon = 1.0  # the budget of both players at the start: 0.1 to 2, as the sliders

# %% tags=["hide-input"]
import json

import torch
from IPython.display import HTML, display

from experiments.figures.planar_classifiers import PolygonClassifier
from experiments.figures.the_game import disc_share
from paper_lib.attacks import fgm
from paper_lib.checks import check_between
from paper_lib.defense import maximizer_set
from paper_lib.evaluation import logits_at
from paper_lib.game import equilibrium, point_payoffs, utility
from paper_lib.geometry import disc_grid
from paper_lib.linearize import linearize

torch.set_num_threads(1)
epsilon = check_between(epsilon, "epsilon", 0.1, 2.0)

# %% [markdown]
# ## The start
#
# The classifier and the inputs are the example's. The logits, the gradients, the value
# of the game and the parts of $V^*$ are computed. Both are written into the page, the
# first for the picture, the second for a test that compares it with what the picture
# finds.

# %% tags=["hide-input"]
normals = torch.tensor([[0.0, 1.0], [-0.8, -0.6], [0.8, -0.6]], dtype=torch.float64)
offsets = torch.full((3,), 1.5, dtype=torch.float64)
names = "ABCDE"
inputs = torch.tensor(
    [[0.1, -0.8], [-1.0, 0.2], [2.1, 1.1], [0.9, 0.4], [-1.4, -2.3]],
    dtype=torch.float64,
)
classifier = PolygonClassifier(normals, offsets)
lin = linearize(classifier, inputs)
pair = equilibrium(lin, epsilon=epsilon)
best = maximizer_set(pair.sets)
start = {
    "epsilon": epsilon,
    "attackEpsilon": epsilon,
    "linked": True,
    "v": [0.0, 0.0],
    "pieces": [
        {"normal": normal, "offset": offset}
        for normal, offset in zip(normals.tolist(), offsets.tolist(), strict=True)
    ],
    "points": [
        {"name": name, "at": at}
        for name, at in zip(names, inputs.tolist(), strict=True)
    ],
    "library": {
        "logits": [round(logit, 9) for logit in lin.logits.tolist()],
        "gradients": lin.gradients.tolist(),
        "attacks": [
            [round(x, 9) + 0.0 for x in attack]  # no minus zero
            for attack in pair.attacker.perturbations.tolist()
        ],
        "count": best.count,
        "value": round(pair.value, 9),
        "areas": [round(area, 9) for area in best.areas],
        "shares": disc_share(lin.margins.numpy() / epsilon - 1.0).round(9).tolist(),
    },
}
print("the maximizer is proven to be one:", pair.is_exact)
print(f"labels that can be kept: {best.count} of {len(inputs)}")
print(f"value of the game for the attacker: {pair.value:.2f}")
print("parts of V*:", len(best.cells))

# %% tags=["hide-input"]
display(
    HTML(
        '<div id="play-the-game" class="play"></div>'
        "<noscript>This picture needs JavaScript. It loads nothing from a network."
        "</noscript>"
        '<script type="application/json" id="play-the-game-data">'
        f"{json.dumps(start)}</script>"
        '<script src="../_static/play_the_game.js"></script>'
    )
)

# %% [markdown]
# **On the left** each input has a circle, the ball $V$ of the defender. Green in it is
# the robust set $R(x)$, Lemma 1. The arrow is FGM, the short dashed line is your $v$, and
# the dot at the end is $x + a + v$: filled if the label survives under the tangent at
# $x$, hollow if it is lost. Move an input away from the boundary, and its green part
# grows until it is all of $V$.
#
# **On the right** the robust sets are laid over each other. Each input has a line, and
# the ticks point to the side that saves it. Green is $V^*$, the points that save most
# inputs. Below stand the value $1 - 2\phi(v^*)$ and what the attacker gets from FGM
# against your $v$.
#
# ## Things to try
#
# 1. Move $v$ about. The attacker never gets less than the value, and gets it exactly in
#    the green: [Lemma 3](lemma_3.ipynb).
# 2. Lower the budget until the value is $-1$. Below the smallest margin $v = 0$ wins
#    everything.
# 3. Raise it. The value climbs in steps, but with equal budgets no robust set is ever
#    empty, so that the attacker never reaches $1$.
# 4. Give the attacker the larger budget. Now robust sets can be empty, and she can win
#    everything. The pair is still an equilibrium: [Theorem 1](theorem_1.ipynb) does not
#    need equal budgets.
# 5. At a budget of 1 $V^*$ starts with several parts. Move an input until it has one.
# 6. Move an input near a corner of the triangle and compare the last two columns. Where
#    they differ, the tangent speaks for $f$ and is wrong: the assumption of a locally
#    linear boundary fails there. [](local_linearity.ipynb) measures it for trained networks.
#
# ## The same, checked
#
# The library says the same without the picture. The budgets are those of the sliders.

# %%
attack = fgm(lin, epsilon)
grid = disc_grid(epsilon, num_rings=20, num_angles=120)
grid = torch.cat([grid, pair.defender.perturbation[None]])  # the green may be small
slack = grid @ pair.sets.normals.T + pair.sets.offsets
grid = grid[(slack.abs() > 1e-9).all(dim=1)]  # on a boundary rounding decides
against = point_payoffs(lin, attack[:, None], grid).mean(axis=0)[0]
inside = (pair.sets.coverage(grid) == best.coverage).numpy()
print("1. never less than the value:", bool((against >= pair.value - 1e-12).all()))
equal = bool((against[inside] <= pair.value + 1e-12).all())
print("1. exactly the value in the green, and only there:", end=" ")
print(equal and bool((against[~inside] > pair.value + 1e-12).all()) and inside.any())

budgets = torch.arange(2, 41).double() / 20
values = torch.tensor([equilibrium(lin, epsilon=float(b)).value for b in budgets])
below = budgets < lin.margins.min()
print(
    "2. below the smallest margin the value is -1:", bool((values[below] == -1).all())
)
still = torch.zeros(2, dtype=torch.float64)
won = [
    bool((utility(lin, fgm(lin, float(b)), still) == -1).all()) for b in budgets[below]
]
print("2. and v = 0 wins everything:", len(won) > 0 and all(won))
print("3. the value never falls as the budget grows:", bool((values.diff() >= 0).all()))
print("3. nor reaches 1:", bool(values.max() < 1), "| steps:", len(values.unique()) > 2)

largest, least = float(budgets[-1]), float(budgets[0])
uneven = equilibrium(lin, epsilon=least, attack_epsilon=largest)
print("4. an attacker with the larger budget wins all:", uneven.value == 1.0)
print("4. and the pair is an equilibrium:", uneven.is_exact)

moved = inputs.clone()
moved[0, 1] = -0.2
fewer = maximizer_set(equilibrium(linearize(classifier, moved), epsilon=epsilon).sets)
print("5. several parts at the start, one after A has moved:", end=" ")
fewer_parts = len(best.cells) > 1 and len(fewer.cells) + len(fewer.touches) == 1
print(
    fewer_parts if epsilon == 1.0 else "not applicable, A's move is for a budget of 1"
)

corner = torch.linalg.solve(normals[:2], -offsets[:2])
near = corner[None] - torch.tensor([[0.25, 0.0]])
tangent = linearize(classifier, near)
step = fgm(tangent, epsilon)
by_tangent = bool(tangent.label_survives(step, still[None])[0])
moved_logit = logits_at(classifier, near, step)[0]
by_f = bool(tangent.signs[0] * moved_logit >= 0)
print("6. near a corner tangent and f can differ:", by_tangent != by_f)

# %% [markdown]
# The functions behind the picture are compared with the library on random games and on
# the start, in `tests/book/test_play_the_game.py`.
