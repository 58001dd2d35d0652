"""The examples of *Your own classifier*: copied out, run, and checked without us.

Each runs in a process of its own, as a reader would run it, and leaves its numbers in a
file. What is checked of these is computed here with NumPy, networks included.
"""

import ast
import math
import re
import subprocess
import sys

import jupytext
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from paper_lib.attacks import fgm, pgd
from paper_lib.defense import DefendedClassifier, maximize_coverage, upper_bound
from paper_lib.evaluation import disagreement, logits_at
from paper_lib.linearize import linearize
from paper_lib.local_linearity import network_coverage
from paper_lib.robust_sets import RobustSets
from tests.book.test_book_notebooks import BOOK

PAGE = BOOK / "your_own_classifier.py"
MOST_SECONDS, MOST_LINES = 30, 19
# Of each example what the checks need, by the names it has there.
NETWORK = (
    "old new y v kept safe=on_f.safe flipped=on_f.flipped attacks=on_f.attacks "
    "bound=bound.value upper=proof.upper_count w1=model[0].weight b1=model[0].bias "
    "w2=model[2].weight b2=model[2].bias"
)
NUMPY = (
    "z f slopes P Q mu nu c v=best.perturbation upper=best.certificate.upper error "
    "value=game.value bound=bound.value"
)
IMAGES = (
    "new v two=pair(new) one=one(new) defended=defended(new) safe=on_f.safe moved same "
    "flipped=on_f.flipped attacks=on_f.attacks w1=pair[0].weight b1=pair[0].bias "
    "w2=pair[3].weight b2=pair[3].bias"
)
WANTED = {"network": NETWORK, "numpy": NUMPY, "images": IMAGES}
# After which line of an example the points that it judges by are made others, and how;
# what was found without them, and one thing that follows from them.
SPOILED = {
    "network": ("load_breast_cancer(return_X_y=True)", "table[1::2] *= 1.5"),
    "numpy": ("petals, kinds =", "petals[1::2] += 0.1"),
    "images": ("wanted =", "images[wanted.nonzero()[0][1::2]] *= 0.5"),
}
APART = {
    "network": "old y v upper w1 b1 w2 b2",
    "numpy": "P Q mu nu c",
    "images": "v w1 b1 w2 b2",
}
LEAVE = """
import resource, numpy
spent = resource.getrusage(resource.RUSAGE_SELF)
found = {{"seconds": spent.ru_utime + spent.ru_stime, {named}}}
for name, one in found.items():
    found[name] = one.detach().numpy() if hasattr(one, "detach") else one
numpy.savez({path!r}, **found)
"""


def cells_of(name):
    """The cells of an example, in order."""
    tag = f"example-{name}"
    return [
        cell
        for cell in jupytext.read(PAGE).cells
        if tag in cell.metadata.get("tags", [])
    ]


def stored_output(name):
    """What the page has stored as printed by an example."""
    tag = f"example-{name}"
    return "".join(
        output.text
        for cell in jupytext.read(PAGE.with_suffix(".ipynb")).cells
        if tag in cell.metadata.get("tags", [])
        for output in cell.outputs
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run an example once, and give what it printed and what it left."""
    done = {}

    def run(name, *, spoiled=False):
        if (name, spoiled) not in done:
            path = str(tmp_path_factory.mktemp("left") / "found.npz")
            pairs = [word.partition("=") for word in WANTED[name].split()]
            named = ", ".join(f'"{key}": {value or key}' for key, _, value in pairs)
            code = [cell.source for cell in cells_of(name)]
            if spoiled:
                start, damage = SPOILED[name]
                code[0], count = re.subn(
                    rf"(?m)^.*{re.escape(start)}.*$", rf"\g<0>\n{damage}", code[0]
                )
                assert count == 1
            code.append(LEAVE.format(named=named, path=path))
            process = subprocess.run(
                [sys.executable, "-W", "error", "-c", "\n".join(code)],
                cwd=tmp_path_factory.mktemp("empty"),
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert process.returncode == 0, process.stderr
            with np.load(path) as found:
                done[name, spoiled] = process.stdout, dict(found)
        return done[name, spoiled]

    return run


def numbers(text):
    return [float(number) for number in re.findall(r"\d+\.\d+", text)]


every_example = pytest.mark.parametrize("name", WANTED)
LONGER = [name for name in WANTED if name != "numpy"]


@every_example
def test_an_example_is_quick_and_says_what_the_page_says(name, ran):
    printed, found = ran(name)
    assert 0 < found["seconds"] < MOST_SECONDS
    shown = stored_output(name)
    assert re.sub(r"\d", "0", printed) == re.sub(r"\d", "0", shown)
    # On another processor a point may fall on the other side.
    np.testing.assert_allclose(numbers(printed), numbers(shown), atol=0.021)
    assert all(0.5 < share <= 1.0 for share in numbers(printed))


@every_example
def test_an_example_is_short_and_whole(name):
    cells = cells_of(name)
    hidden = ["hide-input" in cell.metadata["tags"] for cell in cells]
    assert hidden[0]
    assert not any(hidden[1:])
    calls = [cell.source.splitlines() for cell in cells[1:]]
    assert 9 <= sum(map(len, calls)) <= MOST_LINES
    tree = ast.parse("\n".join(cell.source for cell in cells))
    assert not any(isinstance(node, ast.FunctionDef) for node in ast.walk(tree))


# Each example once more; the shortest with all tests, two among the slow ones.
@pytest.mark.parametrize(
    "name",
    ["numpy", *(pytest.param(one, marks=pytest.mark.slow) for one in LONGER)],
)
def test_points_to_judge_by_have_no_part_in_what_they_judge(name, ran):
    """Made others, they leave classifier, units and defense as they were."""
    (_, found), (_, spoiled) = ran(name), ran(name, spoiled=True)
    for what in APART[name].split():
        np.testing.assert_array_equal(spoiled[what], found[what], err_msg=what)
    judged_by = "z" if name == "numpy" else "new"
    assert not np.array_equal(spoiled[judged_by], found[judged_by])


def test_the_readme_takes_its_example_from_the_page(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.M | re.S)
    assert blocks == ["\n\n".join(cell.source for cell in cells_of("network")) + "\n"]


# --- a network on a table --------------------------------------------------------


def network(found, x):
    """The network of the tumors, and its gradients."""
    hidden = x @ found["w1"].T + found["b1"]
    logits = np.maximum(hidden, 0) @ found["w2"][0] + found["b2"][0]
    return logits, ((hidden > 0) * found["w2"][0]) @ found["w1"]


def slacks(logits, gradients, v, epsilon):
    """What Eq. (3) leaves of each point's margin."""
    moved = np.sign(logits) * (logits + gradients @ v)
    return moved - epsilon * np.linalg.norm(gradients, axis=1)


def test_fgm_takes_what_the_robust_sets_say(ran):
    _, found = ran("network")
    f, slopes = network(found, found["new"])
    lengths = np.linalg.norm(slopes, axis=1, keepdims=True)
    attack = -0.5 * np.sign(f)[:, None] * slopes / lengths
    moved = f + (slopes * (attack + found["v"])).sum(1)
    assert np.array_equal(np.sign(f) * moved >= 0, found["kept"])
    assert np.array_equal(slacks(f, slopes, found["v"], 0.5) >= 0, found["kept"])
    undefended = slacks(f, slopes, 0 * found["v"], 0.5) >= 0
    assert not np.array_equal(undefended, found["kept"])


def test_no_vector_keeps_more_than_the_certificate_says(ran):
    _, found = ran("network")
    f, slopes = network(found, found["old"])
    most, v = int(found["upper"]), found["v"]
    assert np.linalg.norm(v) <= 0.5 * (1 + 1e-9)
    assert most - 1 <= (slacks(f, slopes, v, 0.5) >= 0).sum() <= most
    rng = np.random.default_rng(0)
    rows = np.sign(f)[:, None] * slopes
    others = rng.standard_normal((2000, len(f))) @ rows
    others = np.concatenate([others, v + 0.1 * rng.standard_normal((2000, len(v)))])
    others *= 0.5 / np.linalg.norm(others, axis=1, keepdims=True)
    counts = [int((slacks(f, slopes, one, 0.5) >= 0).sum()) for one in others]
    assert most - 3 <= max(counts) <= most
    assert min(counts) < most - 5
    sets = RobustSets(
        normals=torch.from_numpy(rows),
        offsets=torch.from_numpy(slacks(f, slopes, 0 * v, 0.5)),
        epsilon=0.5,
    )
    exact = maximize_coverage(sets).certificate
    assert exact.lower_count == exact.upper_count <= most
    assert exact.verify(sets)


def test_the_bound_is_where_chance_ends(ran):
    """As many points as were kept come by chance in one sample of twenty."""
    _, found = ran("network")
    share, num = float(found["bound"]), len(found["kept"])
    tail = sum(
        math.comb(num, k) * share**k * (1 - share) ** (num - k)
        for k in range(int(found["kept"].sum()), num + 1)
    )
    assert tail == pytest.approx(0.05, abs=1e-9)
    assert share < found["kept"].mean()


def test_a_large_budget_leaves_one_class(ran):
    _, found = ran("network")
    f, slopes = network(found, found["old"])
    sets = RobustSets(
        normals=torch.from_numpy(np.sign(f)[:, None] * slopes),
        offsets=torch.from_numpy(np.abs(f) - 6 * np.linalg.norm(slopes, axis=1)),
        epsilon=6.0,
    )
    best = maximize_coverage(sets).perturbation
    kept = slacks(f, slopes, best.numpy(), 6.0) >= -1e-9
    assert not kept[f < 0].any()
    assert kept.sum() >= (f > 0).sum() - 1
    proof = upper_bound(sets, time_limit=None, max_nodes=4, start=best)
    assert proof.upper_count == (f > 0).sum() > len(f) / 2


# --- a function in NumPy ---------------------------------------------------------


def quadratic(found, z):
    """The logarithm of the ratio of two normal densities, up to a constant."""
    second, first = z - found["nu"], z - found["mu"]
    forms = np.einsum("...i,ij,...j", second, found["Q"], second)
    forms = forms - np.einsum("...i,ij,...j", first, found["P"], first)
    return forms / 2 + found["c"]


def ring(radius, count=360):
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_the_gradients_are_those_of_f(ran):
    _, found = ran("numpy")
    named = {key: torch.from_numpy(found[key]) for key in ("P", "Q", "mu", "nu")}
    z = torch.from_numpy(found["z"]).requires_grad_()
    of = {
        mean: torch.distributions.MultivariateNormal(named[mean], precision_matrix=form)
        for mean, form in (("mu", named["P"]), ("nu", named["Q"]))
    }
    f = of["mu"].log_prob(z) - of["nu"].log_prob(z)
    f.sum().backward()
    np.testing.assert_allclose(found["f"], f.detach().numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found["slopes"], z.grad.numpy(), rtol=1e-9, atol=1e-9)


def test_the_error_is_the_curvature(ran):
    """It is reached where the curvature is largest, and not by half of the reach."""
    _, found = ran("numpy")
    values, turns = np.linalg.eigh(found["Q"] - found["P"])
    steepest = 0.2 * turns[:, np.abs(values).argmax()]
    for offset, reached in ((steepest, 1.0), (steepest / 2, 0.25)):
        tangent = found["f"] + found["slopes"] @ offset
        off = np.abs(quadratic(found, found["z"] + offset) - tangent)
        np.testing.assert_allclose(off, reached * found["error"], rtol=1e-9)
    offsets = np.concatenate([ring(0.2), ring(0.13)])
    off = quadratic(found, found["z"][:, None] + offsets)
    off = np.abs(off - found["f"][:, None] - found["slopes"] @ offsets.T)
    assert (off <= found["error"][:, None] * (1 + 1e-9)).all()


def test_as_many_flowers_are_kept_as_the_game_says(ran):
    _, found = ran("numpy")
    signs = np.sign(found["f"])[:, None]
    shares = []
    for budget in (0.1, 0.4):
        moves = found["v"] + np.concatenate([ring(budget), ring(budget / 2)])
        values = quadratic(found, found["z"][:, None] + moves)
        shares.append(float((signs * values >= 0).all(1).mean()))
    least = (1 - found["value"][1]) / 2
    assert shares[1] < least <= shares[0]


def test_no_vector_of_the_disc_keeps_more_flowers(ran):
    _, found = ran("numpy")
    grid = np.concatenate([ring(r) for r in np.linspace(0, 0.1, 20)])
    shares = [(slacks(found["f"], found["slopes"], v, 0.1) >= 0).mean() for v in grid]
    best = (slacks(found["f"], found["slopes"], found["v"], 0.1) >= -1e-12).mean()
    assert max(shares) <= best == found["upper"]
    assert float(found["bound"]) < best


# --- images, and two logits ------------------------------------------------------


def image_logits(found, x):
    """The two logits of the network for images, without torch."""
    windows = np.lib.stride_tricks.sliding_window_view(x[:, 0], (3, 3), axis=(1, 2))
    hidden = np.einsum("nabij,kij->nkab", windows, found["w1"][:, 0])
    hidden = np.maximum(hidden + found["b1"][:, None, None], 0)
    return hidden.reshape(len(x), -1) @ found["w2"].T + found["b2"]


def test_one_logit_is_the_difference_of_two(ran):
    _, found = ran("images")
    two = image_logits(found, found["new"])
    np.testing.assert_allclose(found["two"], two, atol=1e-9)
    assert np.array_equal(found["one"], found["two"][:, 1] - found["two"][:, 0])


def test_the_defended_classifier_adds_the_defense(ran):
    _, found = ran("images")
    shift = found["v"].reshape(1, 8, 8)
    two = image_logits(found, found["new"] + shift)
    np.testing.assert_allclose(found["defended"], two, atol=1e-9)
    assert np.abs(found["defended"] - found["two"]).min(0).max() > 1e-3
    after = image_logits(found, found["moved"] + shift).argmax(1)
    assert np.array_equal(after == found["two"].argmax(1), found["same"])


def logit(name, found, x):
    """The one logit of both networks."""
    if name == "network":
        return network(found, x)[0]
    two = image_logits(found, x.reshape(-1, 1, 8, 8))
    return two[:, 1] - two[:, 0]


@pytest.mark.parametrize(("name", "epsilon"), [("network", 0.5), ("images", 0.3)])
def test_points_that_are_proven_safe_are(name, epsilon, ran):
    """No attack drawn at random flips them; those that are flipped, are."""
    _, found = ran(name)
    x = found["new"].reshape(len(found["new"]), -1)
    signs, safe = np.sign(logit(name, found, x)), found["safe"]
    attacks = found["attacks"]
    assert np.linalg.norm(attacks, axis=1).max() <= epsilon * (1 + 1e-6)
    attacked = signs * logit(name, found, x + found["v"] + attacks)
    assert (attacked[found["flipped"]] < 0).all()
    assert found["flipped"].any()
    assert not (safe & found["flipped"]).any()
    rng = np.random.default_rng(0)
    for radius, is_hard in ((epsilon, False), (8 * epsilon, True)):
        flips = np.zeros(len(x), dtype=bool)
        for _ in range(100):
            step = rng.standard_normal(x.shape)
            step *= radius / np.linalg.norm(step, axis=1, keepdims=True)
            flips |= signs * logit(name, found, x + found["v"] + step) < 0
        assert (flips & safe).any() == is_hard


# --- what is said of other classifiers -------------------------------------------


class Net(nn.Module):
    """A network that a reader may bring, with a normalization in its middle."""

    def __init__(self):
        """Draw the weights."""
        super().__init__()
        self.c1, self.bn1 = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.last = nn.Linear(144, 1)

    def forward(self, x):
        """Give one logit a point."""
        hidden = nn.functional.relu(self.bn1(self.c1(x)))
        return self.last(hidden.flatten(1)).flatten(0)


@pytest.fixture
def net():
    """A network with statistics of its own, in eval mode."""
    torch.manual_seed(0)
    one = Net().double()
    one(3 * torch.rand(50, 1, 8, 8, dtype=torch.float64))
    return one.eval()


@pytest.fixture
def inputs():
    torch.manual_seed(1)
    return torch.rand(20, 1, 8, 8, dtype=torch.float64)


def test_a_class_becomes_a_sequence_that_network_coverage_takes(net, inputs):
    layers = net.c1, net.bn1, nn.ReLU(), nn.Flatten(), net.last, nn.Flatten(0)
    rewritten = nn.Sequential(*layers)
    torch.testing.assert_close(rewritten(inputs), net(inputs), rtol=0, atol=1e-12)
    epsilon = float(linearize(net, inputs).margins.median())
    v = torch.zeros(64, dtype=torch.float64)
    found = network_coverage(rewritten, inputs, v, epsilon=epsilon)
    assert found.safe.any()
    assert found.flipped.any()
    with pytest.raises(ValueError, match="got Net at model"):
        network_coverage(net, inputs, v, epsilon=epsilon)


def test_any_module_can_be_asked_how_linear_it_is(net, inputs):
    seen = linearize(net, inputs)
    epsilon = 3 * float(seen.margins.median())
    v = maximize_coverage(RobustSets.from_linearization(seen, epsilon)).perturbation
    attack = fgm(seen, epsilon=epsilon)
    only_f, only_tangents = disagreement(net, inputs, seen, attack, v.unsqueeze(0))
    kept = net(inputs + (attack + v).view_as(inputs)) * net(inputs) > 0
    linear = seen.label_survives(attack, v.unsqueeze(0))
    assert only_f == float((kept & ~linear).double().mean())
    assert only_tangents == float((~kept & linear).double().mean())
    stronger = pgd(DefendedClassifier(net, v), inputs, epsilon=epsilon)
    assert stronger.norm(dim=1).max() <= epsilon * (1 + 1e-9)
    assert (logits_at(net, inputs, stronger, v) * net(inputs) < 0).any()


def test_a_loader_that_shuffles_gives_the_rows_of_one_pass(net, inputs):
    data = TensorDataset(inputs)
    in_order = linearize(net, DataLoader(data, batch_size=6)).logits
    torch.testing.assert_close(in_order, linearize(net, inputs).logits)
    loader = DataLoader(data, batch_size=6, shuffle=True)
    first, second = (linearize(net, loader).logits for _ in range(2))
    assert not torch.equal(first, second)
    torch.testing.assert_close(first.sort()[0], in_order.sort()[0])
