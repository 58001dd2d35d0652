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
# **Where should the defender go, and what can the attacker do about it?**
#
# ```{outcomes} lemma-1 lemma-2 lemma-3 theorem-1
# ```

# %% mystnb={"code_prompt_show": "Show the parameters", "code_prompt_hide": "Hide the parameters"} tags=["parameters", "hide-input"]
epsilon = 1.0  # the budget of both players at the start: 0.1 to 2, as the sliders

# %% mystnb={"code_prompt_show": "Show the set-up and the start", "code_prompt_hide": "Hide the set-up and the start"} tags=["hide-input"]
import json

import torch
from IPython.display import HTML, display

from experiments.figures.checks_table import Check, ChecksTable
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

# %% mystnb={"code_prompt_show": "Show how the picture is put on the page", "code_prompt_hide": "Hide how the picture is put on the page"} tags=["hide-input"]
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
# Drag an input, your $v$, or a budget. Each handle also takes the arrow keys, with Shift in larger
# steps; Tab leads from one to the next.
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
# ## What the picture shows
#
# Five inputs in the plane and a classifier $f(x) = \min_k (u_k^\top x + t_k)$, which is positive in the
# dashed triangle.
#
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
# The page computes all of it itself and needs no network. What it starts from comes from the
# library, whose solution of the start is written into the page for a test.

# %% [markdown]
# ## For a game of your own
#
# The library says the same without the picture.

# %%
attack = fgm(lin, epsilon)  # the best attack, whatever v
pair = equilibrium(lin, epsilon=epsilon)  # FGM, and a v in V*
best = maximizer_set(pair.sets)  # all of V*, in the plane
print(f"labels that can be kept: {best.count} of {len(inputs)}")
print(f"value of the game for the attacker: {pair.value:.2f}")
print("parts of V*:", len(best.cells))

# %% [markdown]
# ## What was checked
#
# The things to try, by the library. The budgets are those of the sliders. The functions behind
# the picture are compared with the library on random games and on the start.

# %% tags=["hide-input"]
of_play = "tests/book/test_play_the_game.py::"
grid = disc_grid(epsilon, num_rings=20, num_angles=120)
grid = torch.cat([grid, pair.defender.perturbation[None]])  # the green may be small
slack = grid @ pair.sets.normals.T + pair.sets.offsets
grid = grid[(slack.abs() > 1e-9).all(dim=1)]  # on a boundary rounding decides
against = point_payoffs(lin, attack[:, None], grid).mean(axis=0)[0]
inside = (pair.sets.coverage(grid) == best.coverage).numpy()

budgets = torch.arange(2, 41).double() / 20
values = torch.tensor([equilibrium(lin, epsilon=float(b)).value for b in budgets])
below = budgets < lin.margins.min()
still = torch.zeros(2, dtype=torch.float64)
won = [
    bool((utility(lin, fgm(lin, float(b)), still) == -1).all()) for b in budgets[below]
]

largest, least = float(budgets[-1]), float(budgets[0])
uneven = equilibrium(lin, epsilon=least, attack_epsilon=largest)

moved = inputs.clone()
moved[0, 1] = -0.2
fewer = maximizer_set(equilibrium(linearize(classifier, moved), epsilon=epsilon).sets)
left_over = len(fewer.cells) + len(fewer.touches)

depths = torch.tensor([0.05, 0.02], dtype=torch.float64)  # outside, near a corner
near = torch.linalg.solve(normals[:2], -offsets[:2] - depths)[None]
tangent = linearize(classifier, near)
step = fgm(tangent, epsilon)
by_tangent = bool(tangent.label_survives(step, still[None])[0])
by_f = bool(tangent.signs[0] * logits_at(classifier, near, step)[0] >= 0)

ChecksTable(
    [
        Check(
            what="at the start no $v$ saves more inputs than those in $V^*$, by proof",
            cases=len(inputs),
            figure=f"{best.count} of {len(inputs)}",
            holds=pair.is_exact,
            test=of_play + "test_the_page_starts_from_what_the_library_computes",
        ),
        Check(
            what="1: the attacker never gets less than the value, and exactly the value in "
            "the green alone",
            cases=len(grid),
            figure=f"{pair.value:+.2f}",
            holds=bool((against >= pair.value - 1e-12).all())
            and bool((against[inside] <= pair.value + 1e-12).all())
            and bool((against[~inside] > pair.value + 1e-12).all())
            and bool(inside.any()),
            test=of_play + "test_the_attacker_gets_the_value_in_the_green_alone",
        ),
        Check(
            what="2: below the smallest margin the value is $-1$, and $v = 0$ wins all",
            cases=len(won),
            figure=f"{lin.margins.min():.2f}",
            holds=bool((values[below] == -1).all()) and len(won) > 0 and all(won),
            test=of_play + "test_the_value_climbs_in_steps_and_never_reaches_one",
        ),
        Check(
            what="3: the value climbs in steps with the budget, and never reaches $1$",
            cases=len(budgets),
            figure=f"{values.min():+.1f} to {values.max():+.1f}",
            holds=bool((values.diff() >= 0).all())
            and bool(values.max() < 1)
            and len(values.unique()) > 2,
            test=of_play + "test_the_value_climbs_in_steps_and_never_reaches_one",
        ),
        Check(
            what="4: an attacker with the larger budget wins all, in an equilibrium",
            cases=len(inputs),
            figure=f"{uneven.value:+.0f}",
            holds=uneven.value == 1.0 and uneven.is_exact,
            test=of_play + "test_an_attacker_with_the_larger_budget_can_win_all",
        ),
        Check(
            what="5: $V^*$ has several parts at the start, and one after A has moved",
            cases=2,
            figure=f"{len(best.cells)} and {left_over}",
            holds=(len(best.cells) > 1 and left_over == 1) if epsilon == 1.0 else None,
            test=of_play + "test_parts_of_v_star_merge_when_an_input_moves",
        ),
        Check(
            what="6: just outside of a corner the tangent loses its label, and $f$ keeps it",
            cases=1,
            figure=f"{'kept' if by_tangent else 'lost'} and {'kept' if by_f else 'lost'}",
            holds=by_f and not by_tangent,
            test=of_play + "test_near_a_corner_the_tangent_and_f_differ",
        ),
    ]
)

# %% [markdown]
# ## Behind this page
#
# ```{page-footer} lemma-1 lemma-2 lemma-3 theorem-1
# ```
