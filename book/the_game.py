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
# # The game
#
# Section 2 of the paper {cite:p}`pal2020game` sets up a game between an attacker and a
# defender of a classifier. This page states its rules and runs them on a ReLU network in
# the plane. It ends with the assumption on which all later pages rest, the locally linear
# model, and asks where it holds.
#
# :::{prf:definition} the game of Section 2 of the paper
# :label: paper-game
# :nonumber:
#
# Let $f$ be a classifier, whose sign is the label of an input, and let
# $f_L(x') = f(x) + \nabla f(x)^\top (x' - x)$ be its tangent at $x$. With a budget
# $\epsilon$ let $V = \{v : \|v\|_2 \le \epsilon\}$. The attacker chooses a function
# $a: \mathcal X \to V$. The defender chooses one $v \in V$ and plays $d(x) = v$ for all
# $x$. Neither sees the other's move. The attacker's utility at $x$ is
#
# \begin{equation*}
# u_A(x, a(x), d(x)) = \begin{cases} +1 & \text{if }
# \operatorname{sgn}(f_L(x)) \ne \operatorname{sgn}(f_L(x + a(x) + d(x))), \\
# -1 & \text{otherwise,} \end{cases} \tag{1}
# \end{equation*}
#
# and the defender's is $u_D = -u_A$. Both may draw their choice at random, from strategies
# $s_A$ and $s_D$. Then the attacker's utility is
#
# $$\bar u_A(s_A, s_D) = \mathbb E_{x \sim p_X,\, a \sim s_A,\, d \sim s_D}\,
# u_A(x, a(x), d(x)). \tag{2}$$
# :::
#
# **The idea.** Each data point is a small contest. The attacker pushes the point toward
# the other side of the decision boundary, the defender pushes too, and the label of the
# sum decides. What makes the contest uneven is who knows what. The attacker knows the
# point, and pushes each point in a direction of its own. The defender has to settle on
# one vector for all points, since what arrives is an input that may have been attacked,
# and its true label is what he is supposed to recover. So the attacker chooses a
# function, the defender a vector, and the defender's vector has to serve as many points
# as it can.
#
# **The simplification.** The label of the sum is taken from the tangent at $x$, and not
# from $f$. At each point the contest is then about one linear function. This makes the
# game solvable: the best attack has a formula ([Lemma 2](lemma_2.ipynb)), and the vectors that
# protect a point form a half-space cut with a ball ([Lemma 1](lemma_1.ipynb)). Whether the
# tangent may stand for $f$ is a question about the classifier and the data, and the last
# sections of this page take it up.

# %% [markdown]
# ## Parameters

# %% tags=["parameters"]
seed = 0  # of all draws, from 0 to 2**32
epsilon = 0.4  # the budget of both players, from 0.3 to 0.42

# %%
import torch
from IPython.display import Markdown, display

from experiments.figures.markdown import table_of
from experiments.figures.planar_classifiers import PlanarReLU, example_network
from experiments.figures.the_game import (
    disc_share,
    plot_network_robust_sets,
    plot_set_size_against_margin,
)
from paper_lib.attacks import fgm
from paper_lib.checks import check_between, check_count
from paper_lib.evaluation import logits_at
from paper_lib.game import (
    ConstantDefense,
    DeterministicAttack,
    Mixture,
    Sampler,
    expected_utility,
    point_payoffs,
    utility,
)
from paper_lib.geometry import disc_grid, sample_l2_ball
from paper_lib.linearize import Linearization, linearize
from paper_lib.robust_sets import RobustSets

torch.set_num_threads(1)
seed = check_count(seed, "seed", 0, 2**32)
epsilon = check_between(epsilon, "epsilon", 0.3, 0.42)

# %% [markdown]
# ## A classifier and its tangents
#
# The network has two inputs, four ReLUs and one output. Its decision boundary is made of
# straight pieces. `linearize` returns for each point the two things that define a
# tangent, the logit and the gradient.

# %%
network = example_network()
points = torch.tensor(
    [[0.0, 1.6], [-0.5, 0.0], [2.0, 0.0], [-0.5, -1.5], [2.8, -0.9], [0.0, -0.6]],
    dtype=torch.float64,
)
lin = linearize(network, points)
display(
    Markdown(
        table_of(
            {
                "$x$": "({:g}, {:g})".format(*points[i].tolist()),
                "$f(x)$": f"{lin.logits[i]:.2f}",
                r"$\nabla f(x)$": "({:.2f}, {:.2f})".format(*lin.gradients[i].tolist()),
                r"margin $\lvert f \rvert / \lVert \nabla f \rVert$": f"{lin.margins[i]:.3f}",
            }
            for i in range(len(points))
        )
    )
)

# %% [markdown]
# Two checks of the tangent. The gradient is compared with difference quotients of the
# network, which use no automatic differentiation. And the values $f_L(x + a + d)$ that
# the library scores are compared with the formula, for many random moves.

# %%
step = 1e-5
axes = step * torch.eye(2, dtype=torch.float64)
quotients = torch.stack(
    [
        (logits_at(network, points + axis) - logits_at(network, points - axis))
        / (2 * step)
        for axis in axes
    ],
    dim=1,
)
print("gradients are difference quotients:", torch.allclose(quotients, lin.gradients))

attacks = sample_l2_ball(200 * len(points), 2, epsilon, seed=seed)
attacks = attacks.reshape(len(points), 200, 2)
defenses = sample_l2_ball(200, 2, epsilon, seed=seed + 1)
moved = lin.logits[:, None] + torch.einsum(
    "nd,nkd->nk", lin.gradients, attacks + defenses
)
scored = torch.stack(
    [
        lin.moved_logits(attacks[:, k], defenses[k].unsqueeze(0))
        for k in range(len(defenses))
    ],
    dim=1,
)
print("the library evaluates f_L(x + a + d):", torch.allclose(moved, scored))

# %% [markdown]
# ## The utility, Eq. (1)
#
# Away from the boundary of $f_L$ Eq. (1) leaves no choice. The library's utility is
# compared with the two signs, as the equation is written, for 200 random pairs of moves
# at each of the points.

# %%
written = torch.where(lin.signs[:, None] != moved.sign(), 1.0, -1.0)
counted = torch.stack(
    [utility(lin, attacks[:, k], defenses[k], epsilon) for k in range(len(defenses))],
    dim=1,
)
print("utility is Eq. (1) as written:", torch.equal(counted, written.double()))
print("both outcomes occur:", bool((counted > 0).any()) and bool((counted < 0).any()))

# %% [markdown]
# Three cases are not settled by Eq. (1), because it does not say what the sign of zero
# is. The [conventions](#conventions) settle them; the [reading
# notes](reading_notes.md#landing-on-the-boundary) say what depends on it.
#
# - A point that *lands on the boundary* has not changed its label.
# - A point with $f(x) = 0$ has no label, and the attacker wins it.
# - A point with a zero gradient and $f(x) \ne 0$ is moved by nobody.

# %%
special = Linearization(
    logits=torch.tensor([1.0, 1.0, 0.0, 1.0], dtype=torch.float64),
    gradients=torch.tensor(
        [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]], dtype=torch.float64
    ),
)
moves = torch.tensor([[-1.0, 0.0], [-1.25, 0.0], [0.0, 0.0], [-1.0, 0.0]]).double()
names = ["onto the boundary", "across it", "f(x) = 0", "a zero gradient"]
still = torch.zeros(2, dtype=torch.float64)
for name, value in zip(names, utility(special, moves, still).tolist(), strict=True):
    print(f"{name}: u_A = {value:+.0f}")

# %% [markdown]
# ## Strategies
#
# A deterministic attack assigns a vector of $V$ to each point, a deterministic defense
# one vector to all of them. A move outside $V$ is an error, and the message says by how
# much. So is a defense with a vector for each point where one for all was asked for: the
# type `ConstantDefense` holds a single vector. Beside the budget this is the only
# restriction that the paper puts on the defender.

# %%
v = torch.tensor([0.0, 0.75 * epsilon], dtype=torch.float64)
print("FGM against v:", utility(lin, fgm(lin, epsilon), v, epsilon).tolist())
try:
    utility(
        lin,
        0 * points + torch.tensor([1.5 * epsilon, 0.0], dtype=torch.float64),
        v,
        epsilon,
    )
except ValueError as error:
    print("outside V, as the message says:", str(error).split(", ")[-1])
try:
    expected_utility(lin, fgm(lin, epsilon), ConstantDefense(attacks[:, 0]))
except ValueError:
    print("not constant: a row for each point is refused")

# %% [markdown]
# ## The expected utility, Eq. (2)
#
# The paper speaks of densities on a space of functions. No such thing is needed: a
# strategy is a probability distribution on moves, of which finite mixtures are the
# simplest ([reading notes](reading_notes.md#densities-on-a-space-of-functions)). For
# finite mixtures Eq. (2) is a finite sum, and the library forms it without sampling. Here
# the sum is written out: weights of the attacks, weights of the defenses, and the mean over
# the points, which are taken to be equally likely.

# %%
p, q = torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.125, 0.25, 0.625])
mixed_attack = Mixture(
    tuple(DeterministicAttack(attacks[:, k]) for k in range(3)), tuple(p.tolist())
)
mixed_defense = Mixture(
    tuple(ConstantDefense(defenses[k]) for k in range(3)), tuple(q.tolist())
)
found = expected_utility(lin, mixed_attack, mixed_defense, epsilon=epsilon)
by_hand = sum(
    float(p[i] * q[j] * utility(lin, attacks[:, i], defenses[j]).mean())
    for i in range(3)
    for j in range(3)
)
print("Eq. (2) for finite mixtures is a finite sum:", found.is_exact)
print("and is the sum written out:", abs(found.value - by_hand) < 1e-12)
table = torch.tensor(point_payoffs(lin, attacks[:, :3], defenses[:3])).mean(0)
weighted = float(p.double() @ table @ q.double())
print("so is the weighted mean of the table:", abs(weighted - found.value) < 1e-12)

# %% [markdown]
# A strategy that can only be drawn from, such as the uniform distribution on $V$, gives
# an estimate with a confidence interval, by Hoeffding's inequality. In the plane
# the expectation can also be computed as an integral, by a fine grid. The interval must
# hold it, and should not hold what an attacker gets who stays at home.

# %%
uniform = Sampler(lambda num, key: sample_l2_ball(num, 2, epsilon, seed=key))
estimate = expected_utility(lin, fgm(lin, epsilon), uniform, num_draws=4000, seed=seed)
grid = disc_grid(epsilon, num_rings=60, num_angles=240)[1:]
radii = grid.norm(dim=1)  # rings are equally spaced, so the area of each grows with it
values = torch.tensor(point_payoffs(lin, fgm(lin, epsilon)[:, None], grid)).mean(0)[0]
integral = float((values * radii).sum() / radii.sum())
print(f"an estimate: {not estimate.is_exact} | confidence: {estimate.confidence}")
print("the interval holds the integral:", estimate.low <= integral <= estimate.high)
other = expected_utility(lin, 0 * points, uniform, num_draws=4000, seed=seed)
print("and not what no attack gets:", not estimate.low <= other.value <= estimate.high)

# %% [markdown]
# ## Figure 1
#
# The paper's first figure shows a decision boundary of straight pieces, points around
# it, their robust sets in green, and in red the places near a corner of the boundary
# where no point should lie. Here it is computed: the boundary and its corners from the
# weights of the network, the robust sets from its gradients. A robust set is the part of
# $V$ from which the attacker cannot win; [the next page](lemma_1.ipynb) is about it.

# %%
plot_network_robust_sets(network, points, epsilon=epsilon, half_width=3.5)

# %% [markdown]
# The figure's caption claims two things. *Robust sets grow with the distance from the
# boundary*: the share of $V$ that is robust depends on the margin alone, is zero at
# margin zero, one half at $\epsilon$, and one from $2\epsilon$ on. The check counts a
# fine grid of vectors at each point of the figure and compares with the area of a disc
# that is cut by a line.

# %%
sets = RobustSets.from_linearization(lin, epsilon)
kept = sets.contains(grid).double()
shares = (kept * radii[:, None]).sum(0) / radii.sum()
order = lin.margins.argsort()
print("shares of V, by margin:", [f"{share:.2f}" for share in shares[order].tolist()])
expected = disc_share(lin.margins.numpy() / epsilon - 1.0)
close = torch.allclose(shares, torch.from_numpy(expected), atol=0.01)
print("as the area of a disc cut by a line:", close)
print("they grow with the margin:", bool((shares[order].diff() >= 0).all()))
far = lin.margins >= 2 * epsilon
whole = sets.contains(grid).all(dim=0)
print("all of V from two budgets on, and only there:", torch.equal(whole, far))
plot_set_size_against_margin(lin.margins, epsilon=epsilon)

# %% [markdown]
# ## When the tangent may stand for the classifier
#
# :::{prf:assumption} the locally linear model, Section 2 of the paper
# :label: paper-assumption
# :nonumber:
#
# *As the paper states it*: the data distribution puts no mass on points less than
# $2\epsilon$ away from a curved part of the decision boundary. For a ReLU network: on
# points close to the intersection of two or more of the hyperplanes that make up the
# boundary, the red regions of Figure 1.
#
# *As it is needed*: for each data point, $f$ and its tangent $f_L$ have the same sign in
# the whole ball of radius $2\epsilon$ around it.
# :::
#
# The radius is $2\epsilon$ because both players may push in the same direction. Where
# the second condition holds, Eq. (1) with $f$ in the place of $f_L$ gives the same
# utility for all moves, so whatever the book proves about $f_L$ is true of $f$. We test
# it by brute force, on a grid of moves. All six points of Figure 1 pass.

# %%
ball = disc_grid(2 * epsilon, num_rings=12, num_angles=90)
true_values = torch.stack([logits_at(network, x + ball) for x in points])
tangent_values = lin.logits[:, None] + lin.gradients @ ball.T
agree = (true_values.sign() == tangent_values.sign()).all(dim=1)
print("f and f_L agree around every point of the figure:", bool(agree.all()))
distances = torch.cdist(points, network.boundary_corners()).min(dim=1).values
print(
    "no point is within two budgets of a corner:", bool((distances > 2 * epsilon).all())
)
both = attacks + defenses
true_moved = torch.stack(
    [logits_at(network, x + move) for x, move in zip(points, both, strict=True)]
)
print("so Eq. (1) may be scored with f:", torch.equal(true_moved.sign(), moved.sign()))

# %% [markdown]
# **Within two budgets of a corner it fails.** A point close to a corner of the boundary
# sees one of the two pieces in its tangent and not the other. There the tangent can say
# that a move keeps the label when the network says that it does not.

# %%
near_corner = torch.tensor([[1.0, -1.3]], dtype=torch.float64)
one = linearize(network, near_corner)
f_there = logits_at(network, near_corner + ball)
tangent_there = one.logits + ball @ one.gradients[0]
distance = torch.cdist(near_corner, network.boundary_corners()).min()
print("closer to a corner than two budgets:", bool(distance < 2 * epsilon))
wrong = f_there.sign() != tangent_there.sign()
print("f and f_L differ in sign around this point:", bool(wrong.any()))

# %% [markdown]
# **A straight boundary is not enough.** The paper's condition looks at the boundary
# alone, but the tangent depends on $f$ away from it as well. The simplest case is
# $f(x) = 2x_1$ for $x_1 < 1$ and $x_1 + 1$ from there on, a network of three ReLUs. Its
# boundary is one straight line without a corner. At $x_1 = 1.5$ the tangent is $x_1 + 1$
# and has its zero in the wrong place, at $-1$ ([reading
# notes](reading_notes.md#when-the-linear-model-holds)).

# %%
bent = PlanarReLU(
    torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64),
    torch.tensor([0.0, 0.0, -1.0], dtype=torch.float64),
    torch.tensor([2.0, -2.0, -1.0], dtype=torch.float64),
    0.0,
)
at = torch.tensor([[1.5, 0.0]], dtype=torch.float64)
move = torch.tensor([[-1.75, 0.0]], dtype=torch.float64)
tangent = linearize(bent, at)
print("corners of its boundary:", len(bent.boundary_corners()))
print(f"f after the move: {float(logits_at(bent, at, move)):+.2f}")
print(f"f_L after the move: {float(tangent.moved_logits(move)):+.2f}")

# %% [markdown]
# This is no contrived case. Take the network of Figure 1 and points on a grid in its
# square. A corner inside the ball of radius $2\epsilon$ always breaks the second
# condition: the boundary of $f$ turns there, that of $f_L$ does not. The table counts, at
# several budgets, the points that keep away from every corner, and among them those for
# which a grid of moves finds a wrong sign of $f_L$ all the same.

# %%
axis = torch.linspace(-3.5, 3.5, 36, dtype=torch.float64)
square = torch.cartesian_prod(axis, axis)
everywhere = linearize(network, square)
away = torch.cdist(square, network.boundary_corners()).min(dim=1).values
corners = network.boundary_corners()
nearest = corners[torch.cdist(square, corners).argmin(dim=1)]
ring = disc_grid(1.0, num_rings=1, num_angles=720)
counts, good_shares, broken = {}, [], []
for budget in (0.1, 0.2, 0.4, 0.8):
    moves = disc_grid(2 * budget, num_rings=6, num_angles=45)
    signs = logits_at(network, (square[:, None] + moves).reshape(-1, 2)).sign()
    linear = everywhere.logits[:, None] + everywhere.gradients @ moves.T
    right = (signs.reshape(len(square), -1) == linear.sign()).all(dim=1)
    free = away > 2 * budget
    good_shares.append(float((free & right).double().mean()))
    # Moves that lead to a small circle around the corner, within two budgets.
    room = ((2 * budget - away).clamp(max=0.1) / 2)[~free]
    around = nearest[~free][:, None] + room[:, None, None] * ring
    offset = around - square[~free][:, None]
    by_tangent = everywhere.logits[~free][:, None] + (
        everywhere.gradients[~free][:, None] * offset
    ).sum(dim=-1)
    by_f = logits_at(network, around.reshape(-1, 2)).reshape(by_tangent.shape)
    broken.append(bool((by_f.sign() != by_tangent.sign()).any(dim=1).all()))
    counts[budget] = [int(one.sum()) for one in (~free, free & ~right, free & right)]
display(
    Markdown(
        table_of(
            {
                r"$\epsilon$": f"{budget:g}",
                "a corner within $2\\epsilon$": counts[budget][0],
                "no corner, but a wrong sign": counts[budget][1],
                "neither found": counts[budget][2],
            }
            for budget in counts
        )
    )
)
print("points in all:", len(square))
print("a corner within two budgets breaks the condition each time:", all(broken))
wrong_signs = [count[1] for count in counts.values()]
print("without a corner, a wrong sign occurs:", all(wrong_signs))
falls = good_shares == sorted(good_shares, reverse=True)
print("the share of good points falls as the budget grows:", falls)

# %% [markdown]
# The paper calls the assumption reasonable because places where hyperplanes meet have
# measure zero. They have; the points within $2\epsilon$ of them do not, as the table
# shows. Their share is a matter of the budget.
#
# **What follows.** All results on the next pages are exact statements about $f_L$, and
# hold for every classifier and every data set in the game that is scored with $f_L$.
# They become statements about $f$ as far as the assumption holds. For the networks of the
# tables it fails, at their budgets at every point in the game: [](local_linearity.ipynb) measures it,
# and [](curved_boundaries.ipynb) proves what is left.
