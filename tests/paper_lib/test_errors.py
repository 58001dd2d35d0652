"""Bad input: each error names the argument, what was expected and what came.

What concerns data sets is in ``test_data_errors.py``.
"""

import json
import math
import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from experiments.store.record_files import load_record, save_record
from experiments.tables.classifiers import ClassifierConfig, train_pair
from experiments.tables.points import linearize_pair
from experiments.tables.table_2 import PairConfig
from paper_lib.attacks import PGD_READINGS, fgm, pgd
from paper_lib.checks import check_radius
from paper_lib.checks.arguments import available_device
from paper_lib.checks.operands import check_finite, check_same_kind
from paper_lib.data import LabeledImages
from paper_lib.defense import Certificate, RampConfig, ramp_ascent
from paper_lib.evaluation import calibrate_epsilon, evaluate, judge, logits_at
from paper_lib.evaluation.budgets import calibrate_shared_epsilon
from paper_lib.geometry import (
    in_l2_ball,
    project_halfspace,
    project_l2_ball,
    sample_l2_ball,
    scale_to_radius,
)
from paper_lib.geometry.sums import row_dots
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import (
    PairCNN,
    TrainConfig,
    load_classifier,
    save_classifier,
    train_classifier,
)
from paper_lib.models.training import TrainingDivergedError
from paper_lib.robust_sets import RobustSets
from tests.oracles import Affine, Formula, Meddled, state_of

pytestmark = pytest.mark.bad_input

F32, F64 = torch.float32, torch.float64
POINTS = torch.ones(6, 4)
MODEL = Affine(torch.tensor([1.0, -2.0, 0.5, 3.0]))
LIN = Linearization(logits=torch.ones(6), gradients=torch.ones(6, 4))
SETS = RobustSets.from_linearization(LIN, 1.0)
DATA = LabeledImages(images=POINTS, labels=torch.tensor([-1.0, 1.0] * 3))
STILL = torch.zeros(6, 4)
META = torch.device("meta")  # a device every machine has that is not the CPU


def score(model=MODEL, data=DATA, lin=LIN, **changes):
    plays = {"epsilon": 1.0, "defense": torch.zeros(4), "pgd_attack": STILL}
    return evaluate(model, data, lin, **(plays | changes))


# Every function that takes a budget, with the name of the argument.
BUDGETS = {
    "check_radius": (lambda r: check_radius(r, "budget"), "budget"),
    "in_l2_ball": (lambda r: in_l2_ball(POINTS, r), "radius"),
    "scale_to_radius": (lambda r: scale_to_radius(POINTS, r), "radius"),
    "project_l2_ball": (lambda r: project_l2_ball(POINTS, r), "radius"),
    "sample_l2_ball": (lambda r: sample_l2_ball(2, 2, r, seed=0), "radius"),
    "RobustSets": (
        lambda r: RobustSets(normals=POINTS, offsets=torch.ones(6), epsilon=r),
        "epsilon",
    ),
    "from_linearization": (
        lambda r: RobustSets.from_linearization(LIN, r),
        "epsilon",
    ),
    "attack_epsilon": (
        lambda r: RobustSets.from_linearization(LIN, 1.0, attack_epsilon=r),
        "attack_epsilon",
    ),
    "fgm": (lambda r: fgm(LIN, r), "epsilon"),
    "pgd": (lambda r: pgd(MODEL, POINTS, r), "epsilon"),
    "reading": (
        lambda r: PGD_READINGS["ball"].attack(MODEL, POINTS, r),
        "epsilon",
    ),
    "evaluate": (lambda r: score(epsilon=r), "epsilon"),
}


@pytest.mark.parametrize("budget", [-0.1, -1e-300, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("call", "name"), BUDGETS.values(), ids=BUDGETS.keys())
def test_budgets_that_are_none(call, name, budget):
    expected = rf"^{name} must be finite and >= 0, got {re.escape(str(budget))}\."
    with pytest.raises(ValueError, match=expected):
        call(budget)


def poisoned(shape, index, value):
    tensor = torch.ones(shape)
    tensor[index] = value
    tensor[-1] = value
    return tensor


NAN_OR_INF = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize("value", NAN_OR_INF)
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: linearize(MODEL, x), "inputs"),
        (lambda x: pgd(MODEL, x, 1.0), "inputs"),
        (lambda x: logits_at(MODEL, x), "inputs"),
        (lambda x: Linearization(logits=torch.ones(6), gradients=x), "gradients"),
        (lambda x: LIN.label_survives(x), r"perturbations\[0\]"),
        (lambda x: LIN.label_survives(STILL, x), r"perturbations\[1\]"),
        (lambda x: SETS.contains(x), "v"),
        (lambda x: SETS.coverage(x), "v"),
        (lambda x: check_finite(good=POINTS, x=x), "x"),
        (lambda x: score(pgd_attack=x), "pgd_attack"),
        (lambda x: logits_at(MODEL, POINTS, x), r"perturbations\[0\]"),
    ],
)
def test_what_is_not_finite_is_counted_and_located(call, name, value):
    expected = (
        rf"^{name} must be finite, got 5 NaN or infinite entries, the first at index "
        r"\(2, 1\)\."
    )
    with pytest.raises(ValueError, match=expected):
        call(poisoned((6, 4), (2, 1), value))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_rows_that_are_not_finite(value):
    with pytest.raises(ValueError, match=r"^normals must be finite.*index \(2, 1\)"):
        RobustSets(
            normals=poisoned((6, 4), (2, 1), value), offsets=torch.ones(6), epsilon=1.0
        )
    with pytest.raises(ValueError, match=r"^offsets must be finite, got 2 .*\(3,\)"):
        RobustSets(normals=POINTS, offsets=poisoned((6,), 3, value), epsilon=1.0)


def test_a_half_space_needs_a_direction():
    for normal, offset in ((0.0, 1.0), (1.0, math.inf), (1.0, math.nan)):
        with pytest.raises(ValueError, match=r"a half-space needs a normal .* got"):
            project_halfspace(POINTS, torch.full((4,), normal), offset)
    with pytest.raises(ValueError, match=r"^normal must be finite.*index \(0,\)"):
        project_halfspace(POINTS, torch.full((4,), math.nan), 1.0)


def spoil(function, where, value):
    """A classifier whose logits are ``value`` at inputs that begin with 7."""
    return Formula(lambda x: torch.where(x[:, 0] == where, value, function(x)))


def marked_points():
    points = torch.zeros(10, 3)
    points[[7, 9], 0] = 7.0
    return points


@pytest.mark.parametrize("value", NAN_OR_INF)
@pytest.mark.parametrize("batch_size", [4, 250])
@pytest.mark.parametrize(
    "call", [linearize, lambda m, x, batch_size: pgd(m, x, 1.0, batch_size=batch_size)]
)
def test_logits_that_are_not_finite(call, batch_size, value):
    """The index is that of the input, whatever the batches."""
    model = spoil(lambda x: x.sum(1), 7.0, value)
    found = "2" if batch_size == 250 or call is linearize else "1"
    expected = rf"^logits must be finite, got {found} NaN .* index \(7,\)\."
    with pytest.raises(ValueError, match=expected):
        call(model, marked_points(), batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [4, 250])
@pytest.mark.parametrize(
    "call", [linearize, lambda m, x, batch_size: pgd(m, x, 1.0, batch_size=batch_size)]
)
def test_gradients_that_are_not_finite(call, batch_size):
    """The root has an infinite slope at 0."""
    points = torch.ones(10, 3)
    points[[7, 9], 1] = 0.0
    expected = r"^gradients must be finite, got \d+ NaN .* index \(7, 1\)\."
    with pytest.raises(ValueError, match=expected):
        call(Formula(lambda x: x.sqrt().sum(1)), points, batch_size=batch_size)


def test_true_accuracy_is_not_counted_from_nan():
    model = spoil(lambda x: x.sum(1), 7.0, math.nan)
    with pytest.raises(ValueError, match=r"^logits must be finite, got 2 .* \(7,\)"):
        logits_at(model, marked_points(), batch_size=4)


WRONG_OUTPUTS = {
    "column": (lambda x: x[:, :1], r"\(6, 1\)"),
    "two logits": (lambda x: x[:, :2], r"\(6, 2\)"),
    "scalar": (lambda x: x.sum(), r"\(\)"),
    "too few": (lambda x: x[1:, 0], r"\(5,\)"),
    "tuple": (lambda x: (x[:, 0],), "tuple"),
    "none": (lambda x: None, "NoneType"),
}


@pytest.mark.parametrize(
    ("output", "found"), WRONG_OUTPUTS.values(), ids=WRONG_OUTPUTS.keys()
)
@pytest.mark.parametrize(
    "call",
    [
        linearize,
        lambda model, x: pgd(model, x, 1.0),
        logits_at,
        lambda model, x: score(model=model),
    ],
    ids=["linearize", "pgd", "logits_at", "evaluate"],
)
def test_models_that_give_no_logit_a_point(call, output, found):
    expected = rf"^model must map \(6, 4\) to one logit a point.*\(6,\), got .*{found}"
    with pytest.raises(ValueError, match=expected):
        call(Formula(output), POINTS)


@pytest.mark.parametrize(
    "call", [linearize, lambda model, x: pgd(model, x, 1.0), logits_at]
)
class TestInputs:
    """Inputs that do not fit the model."""

    def test_dtype(self, call):
        """Single precision for a model in double."""
        match = (
            r"^inputs must have the dtype of model, torch.float64, got torch.float32"
        )
        with pytest.raises(ValueError, match=match):
            call(MODEL.double(), POINTS)
        MODEL.float()

    def test_integers(self, call):
        """Pixels from 0 to 255."""
        with pytest.raises(ValueError, match=r"^inputs must be .*, got torch.uint8"):
            call(MODEL, POINTS.to(torch.uint8))

    def test_half_precision_model(self, call):
        """Weights in a precision the library does not treat."""
        model = Affine(torch.ones(4, dtype=torch.float16))
        with pytest.raises(ValueError, match=r"^inputs must be .*, got torch.float16"):
            call(model, POINTS.half())

    def test_device(self, call):
        """Inputs elsewhere than the model."""
        match = r"^inputs must have the device of model, cpu, got meta"
        with pytest.raises(ValueError, match=match):
            call(MODEL, POINTS.to(META))

    @pytest.mark.parametrize("shape", [(), (3,), (0, 4), (3, 0)])
    def test_shape(self, call, shape):
        """Nothing to attack."""
        match = rf"^inputs must hold .* got shape {re.escape(str(shape))}"
        with pytest.raises(ValueError, match=match):
            call(MODEL, torch.ones(shape))

    def test_the_model_is_left_alone(self, call):
        """An error before any work."""
        model = Meddled(dim=4)
        before = state_of(model)
        with pytest.raises(ValueError, match=r"^inputs must be finite"):
            call(model, POINTS * math.nan)
        assert state_of(model) == before


def test_sizes_of_batches():
    for call in (linearize, logits_at):
        with pytest.raises(ValueError, match=r"^batch_size must be at least 1, got 0"):
            call(MODEL, POINTS, batch_size=0)
    with pytest.raises(ValueError, match=r"^batch_size must be at least 1, got -1"):
        pgd(MODEL, POINTS, 1.0, batch_size=-1)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"steps": 0}, "^steps must be at least 1, got 0"),
        ({"step_size": 0.0}, "^step_size must be finite and > 0, got 0.0"),
        ({"step_size": -1.0}, "^step_size must be finite and > 0, got -1.0"),
        ({"step_size": math.nan}, "^step_size must be finite and > 0, got nan"),
        ({"step_size": math.inf}, "^step_size must be finite and > 0, got inf"),
        (
            {"direction": "back"},
            "^direction must be one of 'current', 'original', got 'back'",
        ),
        (
            {"projection": "box"},
            "^projection must be one of 'sphere', 'ball', got 'box'",
        ),
    ],
)
def test_settings_of_pgd(settings, match):
    with pytest.raises(ValueError, match=match):
        pgd(MODEL, POINTS, 1.0, **settings)


@pytest.mark.parametrize(
    ("logits", "gradients", "match"),
    [
        (torch.ones(2, 1), torch.ones(2, 3), r"^logits must be \(n,\).*\(2, 1\)"),
        (torch.ones(2), torch.ones(2), r"^logits must be \(n,\).*and \(2,\)"),
        (
            torch.ones(3),
            torch.ones(2, 3),
            r"^logits and gradients .*\(3,\) and \(2, 3\)",
        ),
        (torch.ones(0), torch.ones(0, 3), r"^logits and gradients .* at least one"),
        (torch.ones(2), torch.ones(2, 0), r"^logits and gradients .* d >= 1"),
        (
            torch.ones(2),
            torch.ones(2, 3, dtype=F64),
            "^gradients must have the dtype of logits, torch.float32, got .*64",
        ),
        (
            torch.ones(2, dtype=torch.int64),
            torch.ones(2, 3),
            "^logits must be float32 or float64, got torch.int64",
        ),
        (
            torch.ones(2, dtype=torch.bfloat16),
            torch.ones(2, 3, dtype=torch.bfloat16),
            "^logits must be float32 or float64, got torch.bfloat16",
        ),
        (
            torch.ones(2),
            torch.ones(2, 3, device=META),
            "^gradients must have the device of logits, cpu, got meta",
        ),
        (
            torch.tensor([1.0, math.nan]),
            torch.ones(2, 3),
            r"^logits must be finite, got 1 .* index \(1,\)",
        ),
    ],
)
def test_linearizations_that_do_not_fit(logits, gradients, match):
    with pytest.raises(ValueError, match=match):
        Linearization(logits=logits, gradients=gradients)


@pytest.mark.parametrize(
    ("normals", "offsets", "match"),
    [
        (
            torch.ones(2),
            torch.ones(2),
            r"^normals must be \(n, d\) .*\(2,\) and \(2,\)",
        ),
        (torch.ones(2, 3), torch.ones(3), r"^normals must be .*\(2, 3\) and \(3,\)"),
        (torch.ones(2, 3), torch.ones(2, 1), r"^normals must be .*\(2, 1\)"),
        (torch.ones(0, 3), torch.ones(0), r"^normals must be .* at least 1"),
        (
            torch.ones(2, 3),
            torch.ones(2, dtype=F64),
            "^offsets must have the dtype of normals, torch.float32, got torch.float64",
        ),
        (
            torch.ones(2, 3, device=META),
            torch.ones(2),
            "^offsets must have the device of normals, meta, got cpu",
        ),
    ],
)
def test_rows_that_do_not_fit(normals, offsets, match):
    with pytest.raises(ValueError, match=match):
        RobustSets(normals=normals, offsets=offsets, epsilon=1.0)


@pytest.mark.parametrize(
    ("v", "match"),
    [
        (torch.zeros(3), r"must have shape \(4,\) or \(k, 4\), got \(3,\)"),
        (torch.zeros(2, 3), r"must have shape \(4,\) or \(k, 4\), got \(2, 3\)"),
        (torch.zeros(1, 2, 4), r"must have shape .* got \(1, 2, 4\)"),
        (torch.tensor(0.0), r"must have shape .* got \(\)"),
        (torch.zeros(4, dtype=F64), "must have the dtype of normals, torch.float32"),
        (torch.zeros(4, device=META), "must have the device of normals, cpu, got meta"),
        (
            torch.zeros(4, dtype=torch.int64),
            "must be float32 or float64, got torch.int64",
        ),
    ],
)
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (SETS.contains, "v"),
        (SETS.coverage, "v"),
        (lambda v: ramp_ascent(SETS, start=v), "start"),
    ],
)
def test_perturbations_that_do_not_fit_the_rows(call, name, v, match):
    with pytest.raises(ValueError, match=f"^{name} {match}"):
        call(v)


def test_the_start_of_the_ascent():
    with pytest.raises(ValueError, match=r"^start must be one point .*length 1\.2"):
        ramp_ascent(SETS, start=torch.tensor([1.2, 0.0, 0.0, 0.0]))
    with pytest.raises(ValueError, match=r"^start must be one point .*\(2, 4\)"):
        ramp_ascent(SETS, start=torch.zeros(2, 4))


@pytest.mark.parametrize(
    ("move", "match"),
    [
        (torch.zeros(4), r"must have shape \(6, 4\) or \(1, 4\), got \(4,\)"),
        (torch.zeros(5, 4), r"must have shape .* got \(5, 4\)"),
        (torch.zeros(6, 1), r"must have shape .* got \(6, 1\)"),
        (torch.zeros(6, 4, dtype=F64), "must have the dtype of .*, torch.float32"),
        (torch.zeros(6, 4, device=META), "must have the device of .*, cpu, got meta"),
    ],
)
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (LIN.label_survives, r"perturbations\[0\]"),
        (lambda move: logits_at(MODEL, POINTS, move), r"perturbations\[0\]"),
        (lambda move: score(pgd_attack=move), "pgd_attack"),
    ],
    ids=["label_survives", "logits_at", "evaluate"],
)
def test_perturbations_that_do_not_fit_the_points(call, name, move, match):
    """Broadcasting would accept some of these, and count something else."""
    with pytest.raises(ValueError, match=f"^{name} {match}"):
        call(move)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (
            {"defense": torch.full((4,), 0.6)},
            r"^defense must lie in .* 1\.0.*length 1\.2",
        ),
        ({"pgd_attack": STILL + 0.6}, r"^pgd_attack must lie in .* 1\.0.*length 1\.2"),
        ({"defense": torch.zeros(1)}, "^defense must have shape"),
        ({"defense": torch.zeros(1, 4)}, "^defense must have shape"),
        ({"defense": torch.zeros(4, dtype=F64)}, "^defense must have the dtype of"),
        ({"defense": torch.full((4,), math.nan)}, "^defense must be finite, got 4"),
        (
            {"lin": Linearization(logits=torch.ones(5), gradients=torch.ones(5, 4))},
            r"^lin must be taken at the points of data, got 5 and 6 points",
        ),
    ],
)
def test_plays_that_do_not_fit(changes, match):
    with pytest.raises(ValueError, match=match):
        score(**changes)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"attacks": {"b": STILL + 0.6}}, r"^attacks\['b'\] must lie in .* 1\.0"),
        ({"attacks": {"b": STILL[:5]}}, r"^attacks\['b'\] must have shape \(6, 4\)"),
        ({"defenses": {"c": STILL + 0.6}}, r"^defenses\['c'\] must lie in .* 1\.0"),
        ({"defenses": {"c": STILL[0]}}, r"^defenses\['c'\] must have shape .* \(4,\)"),
        ({"epsilon": -1.0}, "^epsilon must be finite"),
        (
            {"lin": Linearization(logits=torch.ones(5), gradients=torch.ones(5, 4))},
            "^lin must be taken at the points of data, got 5 and 6 points",
        ),
    ],
)
def test_named_plays_that_do_not_fit(changes, match):
    plays = {"attacks": {"a": STILL}, "defenses": {"d": STILL[:1]}, "epsilon": 1.0}
    with pytest.raises(ValueError, match=match):
        judge(MODEL, DATA, **({"lin": LIN} | plays | changes))


@pytest.mark.parametrize("accuracy", [0.0, 1.0, -0.1, 1.1, math.nan])
def test_shares_to_calibrate_to(accuracy):
    with pytest.raises(ValueError, match=r"^accuracy must lie in \(0, 1\), got"):
        calibrate_epsilon(LIN, accuracy)


@pytest.mark.parametrize(
    ("margins", "accuracy", "match"),
    [
        ([torch.ones(2)], 1.0, r"^accuracy must lie in \(0, 1\), got 1.0"),
        ([], 0.5, r"^margins must hold at least one task and one point in each"),
        ([torch.ones(2), torch.ones(0)], 0.5, r"^margins must hold .* \[2, 0\] points"),
        ([torch.ones(2)], 0.5, r"^no budget leaves an accuracy of 0.5: all 2 margins"),
        ([torch.tensor([1.0, math.inf])], 0.5, r"^no budget leaves an accuracy of 0.5"),
    ],
)
def test_shared_budgets_that_are_none(margins, accuracy, match):
    with pytest.raises(ValueError, match=match):
        calibrate_shared_epsilon(margins, accuracy)


def test_calibration_that_no_budget_reaches():
    few = Linearization(
        logits=torch.tensor([1.0, 2.0]), gradients=torch.tensor([[1.0], [1.0]])
    )
    with pytest.raises(ValueError, match=r"^accuracy 0.1 rounds to none or all of 2"):
        calibrate_epsilon(few, 0.1)
    flat = Linearization(
        logits=torch.tensor([1.0, 2.0, 3.0, 0.0]),
        gradients=torch.tensor([[1.0], [0.0], [0.0], [1.0]]),
    )
    with pytest.raises(ValueError, match=r"1 points\s+have no label and 2 a zero"):
        calibrate_epsilon(flat, 0.4)
    equal = Linearization(logits=torch.ones(4), gradients=torch.ones(4, 1))
    with pytest.raises(ValueError, match=r"^no budget leaves an accuracy of 0.5"):
        calibrate_epsilon(equal, 0.5)


def test_draws_need_a_number_and_a_dimension():
    for num_samples, dim in ((0, 1), (1, 0), (-1, 2)):
        with pytest.raises(ValueError, match=r"^(num_samples|dim) must be at least 1"):
            sample_l2_ball(num_samples, dim, 1.0, seed=0)


@pytest.mark.parametrize(("n", "m"), [(513, 512), (513, 513 + 512), (1, 5), (5, 4)])
def test_row_products_of_other_numbers_of_rows(n, m):
    """By blocks, broadcasting would accept the first three."""
    with pytest.raises(ValueError, match=rf"^vectors must have shape .*\({m}, 2\)"):
        row_dots(torch.ones(n, 2), torch.ones(m, 2))


def test_vectors_of_other_kinds_are_in_no_ball():
    for dtype in (torch.float16, torch.int64):
        with pytest.raises(ValueError, match=f"^vectors must be .*, got {dtype}"):
            in_l2_ball(torch.zeros(2, 3, dtype=dtype), 1.0)


def test_mixed_kinds_name_both_sides():
    with pytest.raises(
        ValueError,
        match=r"^b must have the dtype of a, torch.float32, got torch.float64",
    ):
        check_same_kind(a=torch.zeros(1), b=torch.zeros(1, dtype=F64))
    with pytest.raises(
        ValueError, match=r"^b must be float32 or float64, got torch.bool"
    ):
        check_same_kind(a=torch.zeros(1), b=torch.zeros(1, dtype=torch.bool))


ABSENT = ["cuda:99", "nonsense", "cuda:x", "", "hpu"]


@pytest.mark.parametrize("device", ABSENT)
def test_devices_that_are_not_there(device, tmp_path):
    path = tmp_path / "model.safetensors"
    save_classifier(PairCNN(), path)
    images = LabeledImages(
        images=torch.zeros(2, 1, 28, 28), labels=torch.tensor([-1.0, 1.0])
    )
    for call in (
        available_device,
        lambda d: train_classifier(images, seed=0, device=d),
        lambda d: load_classifier(path, device=d),
        lambda d: PairConfig().run(source="embedded", device=d),
    ):
        with pytest.raises(ValueError, match=rf"^device must be .* got '{device}': "):
            call(device)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"channels": (0, 1)}, "^channels must be"),
        ({"channels": (1, 2, 3)}, r"^channels must be .*\(1, 2, 3\)"),
        ({"hidden": 0}, "^channels must be two widths and hidden .* got .* 0"),
        ({"kernel_size": 0}, "^channels must be .* kernel_size"),
        ({"kernel_size": 10}, "^kernel_size must leave an image .* got 10"),
        ({"input_mean": math.nan}, "^input_mean must be finite .* got nan"),
        ({"input_std": 0.0}, "^input_mean must be .* input_std .* got 0.0 and 0.0"),
        ({"input_std": math.inf}, "^input_mean must be .* got 0.0 and inf"),
    ],
)
def test_settings_of_the_network(settings, match):
    with pytest.raises(ValueError, match=match):
        PairCNN(**settings)
    with pytest.raises(ValueError, match=match):
        TrainConfig(**settings).build()


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"optimizer": "lbfgs"}, "^optimizer must be 'adam' or 'sgd', got 'lbfgs'"),
        ({"learning_rate": 0.0}, "^learning_rate must be finite and > 0, got 0.0"),
        ({"learning_rate": math.inf}, "^learning_rate must be finite and > 0, got inf"),
        ({"learning_rate": math.nan}, "^learning_rate must be finite and > 0, got nan"),
        ({"momentum": 0.5}, "^momentum must be .* got 0.5 for 'adam'"),
        ({"optimizer": "sgd", "momentum": 1.0}, "^momentum must be .* got 1.0"),
        ({"optimizer": "sgd", "momentum": -0.1}, "^momentum must be .* got -0.1"),
        ({"batch_size": 0}, "^batch_size must be at least 1, got 0"),
        ({"epochs": 0}, "^epochs must be at least 1, got 0"),
    ],
)
def test_settings_of_training(settings, match):
    with pytest.raises(ValueError, match=match):
        TrainConfig(**settings)


def test_images_that_cannot_be_trained_on():
    labels = torch.tensor([-1.0, 1.0])
    for images in (torch.zeros(2, 784), torch.zeros(2, 1, 28, 28, dtype=F64)):
        data = LabeledImages(images=images, labels=labels.to(images.dtype))
        with pytest.raises(ValueError, match=r"^data.images must be float32 of shape"):
            train_classifier(data, seed=0)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        # A few steps on, the loss is NaN; in the last step, only the weights are.
        ({"learning_rate": 1e30, "epochs": 4}, r"loss became nan|loss became inf"),
        ({"learning_rate": 1e38, "optimizer": "sgd", "epochs": 1}, "learning_rate"),
    ],
)
def test_training_that_diverges(settings, match):
    data = LabeledImages(
        images=1e3 * torch.ones(4, 1, 28, 28), labels=torch.tensor([-1.0, 1.0] * 2)
    )
    with pytest.raises(TrainingDivergedError, match=match):
        train_classifier(data, config=TrainConfig(**settings), seed=0)


def test_divergence_names_the_step_and_the_learning_rate():
    data = LabeledImages(images=torch.ones(4, 1, 28, 28), labels=torch.ones(4))
    config = TrainConfig(optimizer="sgd", learning_rate=1e30, batch_size=2, epochs=5)
    with pytest.raises(TrainingDivergedError, match=r"step \d+ of 10, at .* 1e\+30"):
        train_classifier(data, config=config, seed=0)


def write_weights(path, weights, settings, layout="paper-lib/pair-cnn/1", **changes):
    metadata = {"format": layout, "settings": settings} | changes
    save_file(weights, path, metadata={k: v for k, v in metadata.items() if v})


class TestWeightFiles:
    """Files that save_classifier did not write, or not like that."""

    @pytest.fixture
    def path(self, tmp_path):
        """A good file."""
        save_classifier(PairCNN(channels=(2, 3), hidden=4), tmp_path / "m.safetensors")
        return tmp_path / "m.safetensors"

    def test_absent(self, tmp_path):
        """No file, and a folder in its place."""
        for path in (tmp_path / "none", tmp_path):
            with pytest.raises(FileNotFoundError, match=re.escape(str(path))):
                load_classifier(path)

    @pytest.mark.parametrize("kept", [0, 5, 100, -1])
    def test_truncated(self, path, kept):
        """Cut anywhere."""
        path.write_bytes(path.read_bytes()[:kept])
        match = rf"^{re.escape(str(path))} is not a readable safetensors file"
        with pytest.raises(ValueError, match=match):
            load_classifier(path)

    def test_foreign(self, path):
        """A pickle, a text, and safetensors of another program."""
        torch.save({"weight": torch.ones(1)}, path)
        with pytest.raises(ValueError, match="is not a readable safetensors file"):
            load_classifier(path)
        path.write_text("weights")
        with pytest.raises(ValueError, match="is not a readable safetensors file"):
            load_classifier(path)
        save_file({"weight": torch.ones(1)}, path)
        with pytest.raises(ValueError, match=r"must hold format .* got None"):
            load_classifier(path)

    @pytest.mark.parametrize("position", [-1, -200, -700])
    def test_altered_weights(self, path, position):
        """One bit, where nothing but a checksum can notice."""
        content = bytearray(path.read_bytes())
        content[position] ^= 1
        path.write_bytes(content)
        with pytest.raises(ValueError, match=re.escape(str(path))):
            load_classifier(path)

    @pytest.mark.parametrize(
        "change",
        [
            lambda s: {k: v for k, v in s.items() if k != "channels"},
            lambda s: s | {"evil": 1},
            lambda s: s | {"hidden": "four"},
            lambda s: s | {"hidden": 5},
            lambda s: s | {"hidden": 0},
            lambda s: s | {"input_mean": 0.5},
            lambda s: [],
        ],
    )
    def test_altered_settings(self, path, change):
        """Settings that are not this network's."""
        settings = {
            "channels": [2, 3],
            "hidden": 4,
            "kernel_size": 5,
            "input_mean": 0.0,
            "input_std": 1.0,
        }
        before, after = json.dumps(settings), json.dumps(change(settings))
        quoted = [json.dumps(text)[1:-1].encode() for text in (before, after)]
        content = path.read_bytes()
        assert quoted[0] in content
        size = int.from_bytes(content[:8], "little")
        header = content[8 : 8 + size].replace(*quoted).rstrip()
        header += b" " * (-len(header) % 8)
        path.write_bytes(
            len(header).to_bytes(8, "little") + header + content[8 + size :]
        )
        with pytest.raises(ValueError, match=re.escape(str(path))):
            load_classifier(path)

    @pytest.mark.parametrize(
        "settings",
        [
            {"channels": [2, 3], "hidden": 4, "dropout": 0.5},
            {"hidden": 4},
            {"channels": 2, "hidden": 4},
            {"channels": [2, 3], "hidden": "four"},
            {"channels": [2, 3], "hidden": 0},
            {"channels": [2, 3], "hidden": 5},
            [2, 3],
        ],
    )
    def test_settings_of_another_version(self, path, settings):
        """Written whole, by a program whose network this one is not."""
        model = PairCNN(channels=(2, 3), hidden=4)
        model.settings = settings
        save_classifier(model, path)
        with pytest.raises(ValueError, match=rf"^{re.escape(str(path))} .* settings"):
            load_classifier(path)

    def test_settings_that_are_missing(self, path):
        """The format's name alone does not make the file."""
        weights = PairCNN(channels=(2, 3), hidden=4).state_dict()
        for settings in ("", "{", "{}"):
            write_weights(path, weights, settings)
            with pytest.raises(ValueError, match=re.escape(str(path))):
                load_classifier(path)

    def test_no_folder_to_write_to(self, tmp_path):
        """Nothing is created on the way."""
        with pytest.raises(FileNotFoundError):
            save_classifier(PairCNN(), tmp_path / "absent" / "m.safetensors")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"num_steps": 0}, "^num_steps must be at least 1, got 0"),
        ({"first_step": 0.001}, "^steps must be .* got 0.002 and 0.001"),
        ({"last_step": 0.0}, "^steps must be .* got 0.0 and 0.1"),
        ({"first_step": math.inf}, "^steps must be finite"),
        ({"first_step": math.nan}, "^steps must be finite"),
        ({"rows": "scaled"}, "^rows must be 'raw' or 'unit', got 'scaled'"),
    ],
)
def test_settings_of_the_ascent(settings, match):
    with pytest.raises(ValueError, match=match):
        RampConfig(**settings)


@pytest.mark.parametrize(("lower", "upper"), [(-1, 10), (6, 5), (5, 11)])
def test_certificates_that_enclose_nothing(lower, upper):
    match = r"^a certificate needs 0 <= lower_count <= upper_count <= num_rows"
    with pytest.raises(ValueError, match=match):
        Certificate(
            num_rows=10,
            lower_count=lower,
            upper_count=upper,
            perturbation=torch.zeros(4),
            evidence=None,
            fingerprint="",
        )


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"primary": "madry"}, "^primary must be one of .*literal.*, got 'madry'"),
        ({"solver": "fit_defense"}, "^solver must be one of .*unit.*'fit_defense'"),
        ({"ramp_steps": 0}, r"^num_steps must be at least 1, got 0\."),
        ({"seed": -1}, "^seed must be an integer"),
        ({"budget_multiples": (1.0, 0.0)}, r"^budget_multiples must be .*0\.0"),
        ({"budget_multiples": (math.inf,)}, "^budget_multiples must be finite"),
        ({"calibration": 1.0}, r"^calibration must lie in \(0, 1\), got 1\.0"),
        ({"calibration": math.nan}, "^calibration must lie in"),
    ],
)
def test_settings_of_a_run(settings, match):
    with pytest.raises(ValueError, match=match):
        PairConfig(**settings)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is damaged"),
        (b'{"schema": "paper-lib/pair-rec', "is damaged"),
        (b"\xff\xfe\x00", "is damaged"),
        (b"[1, 2]", "must hold schema .* got None"),
        (b"{}", "must hold schema .* got None"),
        (b'{"schema": "other/2"}', "must hold schema .* got 'other/2'"),
    ],
)
def test_records_that_are_damaged_or_foreign(tmp_path, content, match):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^{re.escape(str(path))} {match}"):
        load_record(path)


def test_records_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "none"))):
        load_record(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        save_record({}, tmp_path / "absent" / "run.json")
    assert list(tmp_path.iterdir()) == []


def test_records_hold_no_nan_and_are_not_half_written(tmp_path):
    with pytest.raises(ValueError, match=r"(?i)out of range|nan"):
        save_record({"epsilon": math.nan}, tmp_path / "run.json")
    assert list(tmp_path.iterdir()) == []


def test_linearizing_on_a_device_that_is_not_there():
    config = ClassifierConfig(
        train=TrainConfig(channels=(2, 3), hidden=4, batch_size=400)
    )
    trained = train_pair(config, source="embedded")
    with pytest.raises(ValueError, match=r"^device must be .*got 'cuda:99'"):
        linearize_pair(trained, source="embedded", device="cuda:99")


def test_a_layer_that_fails_is_not_hidden():
    """An error inside the model is the model's, and comes through."""
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes"):
        linearize(nn.Sequential(nn.Linear(3, 1), nn.Flatten(0)), POINTS)


def test_weights_made_in_inference_mode_are_refused_and_left_alone():
    with torch.inference_mode():
        model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Flatten(0))
    model.train()
    with pytest.raises(ValueError, match=r"made under torch\.inference_mode"):
        linearize(model, torch.ones(3, 2))
    assert model.training


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_projections_of_what_is_not_finite(value):
    with pytest.raises(ValueError, match=r"^vectors must be finite, got 1"):
        project_l2_ball(torch.tensor([[1.0, value]]), 1.0)


def test_records_that_were_edited(tmp_path):
    """The checksum speaks of the content, not of the layout of the file."""
    path = tmp_path / "record.json"
    save_record({"schema": "a", "correct": 7}, path)
    assert load_record(path, schema="a") == {"schema": "a", "correct": 7}
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert load_record(path, schema="a")["correct"] == 7
    path.write_text(path.read_text().replace("7", "8", 1))
    with pytest.raises(ValueError, match=r"record.json is altered: it must have"):
        load_record(path, schema="a")
    path.write_text('{"schema": "a", "correct": 7}')
    with pytest.raises(ValueError, match=r"altered: it must have sha256 None"):
        load_record(path, schema="a")


def test_arguments_of_another_type_are_named():
    """What a newcomer passes by mistake."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Flatten(0))
    with pytest.raises(TypeError, match=r"^inputs must be a torch.Tensor, got list"):
        linearize(model, [[1.0, 2.0]])
    with pytest.raises(TypeError, match=r"^model must be a torch.nn.Module, got func"):
        linearize(lambda x: x[:, 0], torch.ones(3, 2))
    with pytest.raises(TypeError, match=r"^epsilon must be a number, got '0.1'"):
        fgm(linearize(model, torch.ones(3, 2)), "0.1")
    with pytest.raises(TypeError, match=r"^logits must be .* torch.from_numpy"):
        Linearization(logits=np.ones(2), gradients=np.ones((2, 3)))
