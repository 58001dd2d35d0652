"""Classifiers as users bring them: which pass, which are refused, which are doubted."""

import warnings

import pytest
import torch
from torch import nn

from paper_lib.attacks import PGD_READINGS, pgd
from paper_lib.checks import operands
from paper_lib.data import LabeledImages
from paper_lib.evaluation import disagreement, evaluate, judge, logits_at
from paper_lib.evaluation.labels import keeps_label
from paper_lib.linearize import Linearization, linearize
from paper_lib.models.guard import logits_and_gradients
from tests.oracles import Formula, random_tensor, smooth_network

F32, F64 = torch.float32, torch.float64
POINTS = random_tensor(9, 4, seed=1, dtype=F32)
LIN = Linearization(logits=torch.ones(9), gradients=torch.ones(9, 4))
STILL = torch.zeros(1, 4)


def data_of(points):
    return LabeledImages(images=points, labels=torch.ones(len(points)))


def scored(model, points):
    return evaluate(
        model,
        data_of(points),
        LIN,
        epsilon=1.0,
        defense=STILL[0],
        pgd_attack=STILL.expand(9, 4),
    )


# Every public function that runs a model.
RUNS = {
    "linearize": linearize,
    "pgd": lambda model, x: pgd(model, x, 0.5, steps=2),
    "reading": lambda model, x: PGD_READINGS["ball"].attack(model, x, 0.5),
    "logits_at": logits_at,
    "keeps_label": lambda model, x: keeps_label(model, data_of(x), LIN, STILL),
    "disagreement": lambda model, x: disagreement(model, x, LIN, STILL),
    "evaluate": scored,
    "judge": lambda model, x: judge(
        model, data_of(x), LIN, epsilon=1.0, attacks={}, defenses={"v": STILL}
    ),
}
every_run = pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
# Those that ask for gradients, and so can say more of what they see.
ATTACKS = ("linearize", "pgd", "reading")
every_attack = pytest.mark.parametrize("run", [RUNS[name] for name in ATTACKS])


def seeded(build):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build()


class Recurrent(nn.Module):
    """An LSTM over the coordinates."""

    def __init__(self):
        """Build it."""
        super().__init__()
        self.cells, self.last = nn.LSTM(1, 3, batch_first=True), nn.Linear(3, 1)

    def forward(self, x):
        """Read one coordinate after another."""
        return self.last(self.cells(x.flatten(1).unsqueeze(-1))[0][:, -1]).squeeze(-1)


class Attention(nn.Module):
    """Coordinates that attend to each other; over the batch where asked."""

    def __init__(self, *, over_points=False):
        """Build it."""
        super().__init__()
        self.embed = nn.Linear(1, 4)
        self.attend = nn.MultiheadAttention(4, 2, batch_first=not over_points)
        self.last = nn.Linear(4, 1)

    def forward(self, x):
        """Attend and add up."""
        tokens = self.embed(x.flatten(1).unsqueeze(-1))
        return self.last(self.attend(tokens, tokens, tokens)[0].mean(1)).squeeze(-1)


def normalized(**settings):
    norm = nn.BatchNorm1d(6, **settings)
    if norm.running_mean is not None:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2.0)
    return nn.Sequential(
        nn.Linear(4, 6),
        norm,
        nn.Dropout(0.5),
        nn.ReLU(),
        nn.Linear(6, 1),
        nn.Flatten(0),
    )


def convolution():
    layers = nn.Conv2d(1, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(3, 1)
    return nn.Sequential(*layers, nn.Flatten(0))


def plain():
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 1), nn.Flatten(0))


def parametrized():
    model = plain()
    nn.utils.parametrizations.weight_norm(model[0])
    nn.utils.parametrizations.spectral_norm(model[2])
    return model


def without_deprecations(convert):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls these ways deprecated
        return convert()


def exported():
    return torch.export.export(plain().eval(), (POINTS,)).module()


class Accompanied(nn.Module):
    """A weight of another kind, registered before the layers."""

    def __init__(self, weight, *, used=False):
        """Keep the weight."""
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=weight.is_floating_point())
        self.model, self.used = plain(), used

    def forward(self, x):
        """Compute the logits."""
        return self.model(x) * (self.weight if self.used else 1.0)


SQUARE = POINTS.view(9, 1, 2, 2)
HELD = {
    "plain": (plain, POINTS),
    "lstm": (Recurrent, POINTS),
    "attention": (Attention, POINTS),
    "batch norm and dropout": (normalized, POINTS),
    "channels last": (
        convolution,
        SQUARE.contiguous(memory_format=torch.channels_last),
    ),
    "strided": (convolution, torch.cat([SQUARE, SQUARE], 3)[..., ::2]),
    "parametrized": (parametrized, POINTS),
    "scripted": (
        lambda: without_deprecations(lambda: torch.jit.script(plain())),
        POINTS,
    ),
    "traced": (
        lambda: without_deprecations(lambda: torch.jit.trace(plain(), POINTS)),
        POINTS,
    ),
    "frozen": (
        lambda: without_deprecations(
            lambda: torch.jit.freeze(torch.jit.script(plain().eval()))
        ),
        POINTS,
    ),
    "exported": (exported, POINTS),
    "compiled": (lambda: torch.compile(plain(), backend="eager"), POINTS),
    "parallel": (lambda: nn.DataParallel(plain()), POINTS),
    "counter": (lambda: Accompanied(torch.tensor(3)), POINTS),
    "temperature": (
        lambda: Accompanied(torch.tensor([0.5], dtype=F64), used=True),
        POINTS,
    ),
    "embeddings": (lambda: Accompanied(torch.ones(2, 3, dtype=torch.bfloat16)), POINTS),
}


# As errors, warnings that torch silences itself would stop its compiler.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@pytest.mark.parametrize(("build", "points"), HELD.values(), ids=HELD.keys())
def test_models_of_every_make_get_the_gradients_of_each_point_alone(build, points):
    model = seeded(build)
    lin = linearize(model, points)
    alone = points.clone().contiguous().requires_grad_(True)
    if any(getattr(module, "training", False) for module in model.modules()):
        model = (
            model if type(model).__name__.startswith("GraphModule") else model.eval()
        )
    logits = model(alone)
    (slopes,) = torch.autograd.grad(logits.sum(), alone)
    assert lin.logits.dtype == F32
    assert torch.allclose(lin.logits, logits.float(), rtol=1e-5, atol=1e-6)
    assert torch.allclose(lin.gradients, slopes.flatten(1), rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@pytest.mark.parametrize("name", HELD)
def test_models_of_every_make_are_run_by_every_function(name):
    build, points = HELD[name]
    model = seeded(build)
    for run in RUNS.values():
        run(model, points)


IN_PLACE = {
    "relu": lambda: nn.Sequential(nn.ReLU(inplace=True), plain()),
    "shift": lambda: Formula(lambda x: x.sub_(0.5).div_(2.0).square().sum(1)),
    "index": lambda: Formula(lambda x: _write(x).sum(1)),
    "view": lambda: Formula(lambda x: x.view(-1).mul_(3.0).view_as(x).sum(1)),
}


def _write(x):
    x[:, 0] = 0.0
    return x


@every_run
@pytest.mark.parametrize("build", IN_PLACE.values(), ids=IN_PLACE.keys())
@pytest.mark.parametrize("graph", [False, True])
def test_a_model_that_works_in_place_leaves_the_inputs_bit_for_bit(run, build, graph):
    points = POINTS.clone().requires_grad_(graph)
    run(seeded(build), points)
    assert torch.equal(points.detach(), POINTS)
    assert points.requires_grad is graph


def test_the_gradients_of_work_in_place_are_those_of_a_copy():
    lin = linearize(IN_PLACE["shift"](), POINTS)
    assert torch.allclose(lin.gradients, (POINTS - 0.5) / 2.0)
    assert torch.equal(
        linearize(IN_PLACE["index"](), POINTS).gradients[:, 0], torch.zeros(9)
    )


def along_the_batch():
    """What an LSTM does to points when it is not told that they are a batch."""
    return Formula(lambda x: x.cumsum(0).sum(1) + 1.0)


DEPENDENT = {
    "batch statistics": lambda: normalized(track_running_stats=False).eval(),
    "mean": lambda: Formula(lambda x: (x - x.mean(0)).square().sum(1) - 0.1),
    "attention over points": lambda: Attention(over_points=True),
    "points in sequence": along_the_batch,
    "points after": lambda: Formula(lambda x: x.flip(0).cumsum(0).flip(0).sum(1) + 1.0),
    "largest": lambda: Formula(lambda x: (x / x.abs().max()).sum(1)),
}


@pytest.mark.bad_input
@every_run
@pytest.mark.parametrize("build", DEPENDENT.values(), ids=DEPENDENT.keys())
def test_logits_that_depend_on_other_points_are_refused_with_two_points(run, build):
    message = r"own input alone, got .* for point 0 .* and .* with point \d in the same"
    with pytest.raises(ValueError, match=message):
        run(seeded(build), POINTS)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 100])
def test_no_number_of_points_makes_a_sound_model_suspect(count):
    points = random_tensor(count, 4, seed=2)
    model = smooth_network(4, seed=0)
    for batch_size in (1, 2, 3, 100):
        linearize(model, points, batch_size)
        logits_at(model, points, batch_size=batch_size)


def test_points_that_are_all_alike_say_nothing_of_each_other():
    linearize(DEPENDENT["mean"](), torch.ones(5, 4))


def sharp(scale):
    weight = random_tensor(4, seed=5, dtype=F32)
    return lambda x: scale * (x @ weight)


SHARES = {
    "sigmoid": lambda x: torch.sigmoid(sharp(1.0)(x)),
    "saturated sigmoid": lambda x: torch.sigmoid(sharp(100.0)(x)),
    "softmax": lambda x: torch.stack([sharp(2.0)(x), -sharp(2.0)(x)], 1).softmax(1)[
        :, 0
    ],
}


@every_attack
@pytest.mark.parametrize("function", SHARES.values(), ids=SHARES.keys())
def test_a_share_is_no_logit(run, function):
    with pytest.warns(UserWarning, match=r"^model may give no logit: ") as seen:
        run(Formula(function), POINTS)
    assert len(seen) == 1
    assert "return what goes into a sigmoid" in str(seen[0].message)


@every_attack
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_a_saturated_difference_of_shares_is_no_logit(run, shift):
    def difference(x):
        pair = torch.stack([sharp(60.0)(x), -sharp(60.0)(x)], 1).softmax(1)
        return pair[:, 0] - pair[:, 1] - shift

    points = random_tensor(200, 4, seed=6, dtype=F32)
    with pytest.warns(
        UserWarning, match=r"zero at \d+ of 200 points.*in size, 1"
    ) as seen:
        run(Formula(difference), points)
    assert len(seen) == 1


POSITIVE = {
    "square": lambda x: x.square().sum(1),
    "bounded": lambda x: 0.5 + 0.3 * torch.tanh(x.sum(1)),
    "small": lambda x: 0.01 * x.square().sum(1),
    "shifted": lambda x: 0.5 + 1e-3 * x.sum(1),
    "exponential": lambda x: torch.exp(0.01 * x.sum(1) - 1.0),
    "softplus": lambda x: nn.functional.softplus(0.1 * x.sum(1) - 2.0),
    "dead": lambda x: torch.relu(x.sum(1)) - 0.5,
    "flat": lambda x: 0.0 * x.sum(1) - 2.0,
}


@every_attack
@pytest.mark.parametrize("function", POSITIVE.values(), ids=POSITIVE.keys())
def test_a_logit_of_one_sign_is_not_doubted(run, function):
    run(Formula(function), POINTS)


@every_run
def test_noise_in_eval_mode_is_seen(run):
    noisy = Formula(lambda x: x.sum(1) + 0.1 * torch.randn(len(x)))
    with pytest.warns(UserWarning, match=r"in one pass and .* in the next\. Fix"):
        run(noisy, POINTS)


def bits(result):
    """List the tensors of whatever a function returns."""
    if isinstance(result, Linearization):
        return [result.logits, result.gradients]
    if hasattr(result, "perturbations"):
        return [result.perturbations]
    if isinstance(result, dict):
        return list(result.values())
    return list(result) if isinstance(result, tuple) else [result]


@every_run
@pytest.mark.parametrize("precision", ["autocast", "medium"])
def test_what_is_on_outside_changes_no_bit(run, precision):
    model = seeded(plain)
    expected = bits(run(model, POINTS))
    try:
        with torch.autocast("cpu", enabled=precision == "autocast"):
            if precision == "medium":
                torch.set_float32_matmul_precision("medium")
            inside = bits(run(model, POINTS))
            assert torch.is_autocast_enabled("cpu") is (precision == "autocast")
        assert torch.get_float32_matmul_precision() == (
            "medium" if precision == "medium" else "highest"
        )
    finally:
        torch.set_float32_matmul_precision("highest")
    for one, two in zip(expected, inside, strict=True):
        assert torch.equal(one, two) if isinstance(one, torch.Tensor) else one == two


NEWER = [torch.backends, torch.backends.mkldnn.matmul, torch.backends.cudnn.conv]


@pytest.mark.skipif(
    not hasattr(torch.backends, "fp32_precision"), reason="torch names it since 2.9"
)
@every_run
@pytest.mark.parametrize("place", NEWER, ids=["all", "products", "convolutions"])
def test_what_torchs_newer_names_turn_on_is_off_inside(run, place):
    seen, own = [], place.fp32_precision

    def look(x):
        seen.append(place.fp32_precision)
        return x.sum(1)

    place.fp32_precision = "tf32"
    try:
        run(Formula(look), POINTS)
        assert place.fp32_precision == "tf32"
    finally:
        place.fp32_precision = own
    assert seen
    assert "tf32" not in seen


@pytest.mark.skipif(
    not hasattr(torch.backends, "fp32_precision"), reason="torch names it since 2.9"
)
def test_a_run_leaves_torchs_older_names_readable():
    """They cannot be read once they and the newer names say different things."""
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        linearize(seeded(plain), POINTS)
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False
    assert torch.get_float32_matmul_precision() == "highest"


def test_autocast_would_change_bits_without_the_guard():
    """Negative control."""
    model = seeded(plain)
    with torch.autocast("cpu"):
        assert model(POINTS).dtype == torch.bfloat16


@pytest.mark.bad_input
@every_run
def test_a_model_in_another_precision_says_so(run):
    match = "^inputs must have the dtype of model, torch.float64, got torch.float32"
    with pytest.raises(ValueError, match=match):
        run(seeded(plain).double(), POINTS)


@pytest.mark.bad_input
@every_run
def test_a_failure_of_the_models_own_is_passed_on(run):
    def fail(x):
        raise KeyError("a table of its own")

    with pytest.raises(KeyError, match="a table of its own"):
        run(Formula(fail), POINTS)


@pytest.mark.bad_input
@every_run
def test_a_device_without_float64_is_refused_by_name(run, monkeypatch):
    monkeypatch.setattr(operands, "_WITHOUT_FLOAT64", ("cpu",))
    with pytest.raises(ValueError, match="device with float64, in which points are"):
        run(seeded(plain), POINTS)


def test_a_recurrent_layer_that_cudnn_refuses_is_run_without_it():
    """On a CPU the refusal is played: it comes as long as cuDNN is on."""
    calls = []

    def recurrent(x):
        calls.append(torch.backends.cudnn.enabled)
        if torch.backends.cudnn.enabled:
            raise RuntimeError("cudnn RNN backward can only be called in training mode")
        return x.sum(1)

    _, slopes = logits_and_gradients(Formula(recurrent), POINTS)
    assert torch.equal(slopes, torch.ones(9, 4))
    assert calls == [True, False]
    assert torch.backends.cudnn.enabled
