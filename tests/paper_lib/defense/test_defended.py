"""The defense as a module: what it computes, where it goes, and its file."""

import copy
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from benchmarks.environment import PeersError, peers_python
from paper_lib.attacks import fgm
from paper_lib.defense import DefendedClassifier, maximize_coverage
from paper_lib.linearize import linearize
from paper_lib.models import PairCNN
from paper_lib.robust_sets import RobustSets
from tests.oracles import Affine

F64 = torch.float64


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1), nn.Flatten(0))


def inputs_of(*shape, dtype=torch.float32, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def rows(model, inputs, epsilon=0.5):
    return RobustSets.from_linearization(linearize(model, inputs), epsilon)


@pytest.mark.parametrize("dtype", [torch.float32, F64])
@pytest.mark.parametrize("shape", [(4,), (1, 2, 2), (4, 1)])
def test_it_is_the_model_at_each_input_moved(shape, dtype):
    model = nn.Sequential(nn.Flatten(), network()).to(dtype).eval()
    inputs, v = inputs_of(3, *shape, dtype=dtype), inputs_of(4, dtype=dtype, seed=2)
    before = inputs.clone()
    logits = DefendedClassifier(model, v)(inputs)
    for point, logit in zip(inputs, logits, strict=True):
        moved = torch.tensor(
            [x + move for x, move in zip(point.flatten(), v, strict=True)]
        )
        alone = model(moved.view(1, *shape).to(dtype))
        assert torch.allclose(alone, logit, atol=1e-6)
    assert torch.equal(inputs, before)


def test_it_gives_as_many_logits_as_the_model():
    model = nn.Linear(4, 3)
    v, inputs = torch.ones(4), inputs_of(2, 4)
    assert torch.equal(DefendedClassifier(model, v)(inputs), model(inputs + v))


def test_the_model_stays_the_callers():
    model = network().train()
    weights = copy.deepcopy(model.state_dict())
    v = torch.ones(4, requires_grad=True)
    defended = DefendedClassifier(model, v)
    assert defended.model is model
    assert defended.training
    assert not DefendedClassifier(network().eval(), v).training
    assert model.training
    assert not defended.perturbation.requires_grad
    with torch.no_grad():
        v.zero_()  # its own copy
    assert defended.perturbation.tolist() == [1.0] * 4
    assert all(
        torch.equal(weights[k], value) for k, value in model.state_dict().items()
    )


def test_the_perturbation_goes_where_the_module_goes():
    defended = DefendedClassifier(network(), torch.ones(4))
    assert "perturbation" in defended.state_dict()
    assert defended.double().perturbation.dtype == F64
    # In the precision of the inputs, whatever it is kept in.
    mixed = DefendedClassifier(network(), torch.ones(4, dtype=F64))
    assert mixed(torch.zeros(2, 4)).dtype == torch.float32


def test_the_library_takes_it_for_a_classifier():
    """Linearized at x it is the model linearized at x + v, which is Eq. (1)'s f."""
    model, inputs = network().eval(), inputs_of(20, 4)
    v = 0.3 * torch.ones(4)
    behind = linearize(DefendedClassifier(model, v), inputs)
    there = linearize(model, inputs + v)
    assert torch.equal(behind.logits, there.logits)
    assert torch.equal(behind.gradients, there.gradients)


def test_what_a_solution_covers_no_fgm_flips_on_a_linear_classifier():
    weight = torch.tensor([0.6, 0.8], dtype=F64)
    model = Affine(weight, 0.1)
    inputs = inputs_of(50, 2, dtype=F64)
    lin = linearize(model, inputs)
    sets = RobustSets.from_linearization(lin, 0.4)
    solution = maximize_coverage(sets)
    defended = DefendedClassifier(model, solution.perturbation, sets)
    attacked = defended(inputs + fgm(lin, 0.4))
    kept = lin.signs * attacked >= 0
    assert float(kept.double().mean()) == solution.coverage
    # Without the defense the attack flips more: the module does something.
    assert int((lin.signs * model(inputs + fgm(lin, 0.4)) >= 0).sum()) < int(kept.sum())


def test_saving_and_loading_return_the_same_bits(tmp_path):
    model, inputs = network(), inputs_of(30, 4)
    sets = rows(model, inputs)
    v = maximize_coverage(sets).perturbation
    path = tmp_path / "defense.safetensors"
    defended = DefendedClassifier(model, v, sets)
    defended.save(path)
    for known in (sets, None):
        again = DefendedClassifier.load(path, model, known)
        assert torch.equal(again.perturbation, v)
        assert again.fingerprint == defended.fingerprint != ""
        assert again.model is model
    with safe_open(path, framework="np") as file:
        assert [*file.keys()] == ["perturbation"]  # the model is not in it
        assert file.metadata()["fingerprint"] == defended.fingerprint


def test_a_defense_of_unknown_rows_is_stored_as_one(tmp_path):
    path = tmp_path / "defense.safetensors"
    DefendedClassifier(network(), torch.ones(4)).save(path)
    again = DefendedClassifier.load(path, network())
    assert again.fingerprint == ""
    again.save(path)
    assert DefendedClassifier.load(path, network()).fingerprint == ""


@pytest.mark.skipif(
    find_spec("foolbox") is None,
    reason="foolbox is in the environment of benchmarks/peers.txt alone",
)
@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")  # in foolbox
def test_foolbox_attacks_the_defended_classifier():
    """One step of foolbox's l2 attack on it is FGM on the model at x + v."""
    from foolbox import PyTorchModel, attacks

    from benchmarks.peers import TwoLogits

    torch.manual_seed(3)
    model, epsilon = PairCNN().eval(), 2.0
    inputs = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(4))
    v = 0.01 * torch.ones(784)
    defended = DefendedClassifier(model, v)
    lin = linearize(defended, inputs)
    peer = PyTorchModel(TwoLogits(defended).eval(), bounds=(-100, 100))
    labels = (lin.signs > 0).long()
    attack = attacks.L2FastGradientAttack(random_start=False)
    _, attacked, flipped = attack(peer, inputs, labels, epsilons=epsilon)
    ours = fgm(lin, epsilon)
    assert torch.allclose((attacked - inputs).flatten(1), ours, atol=1e-5)
    moved = inputs + v.view(1, 28, 28) + ours.view_as(inputs)
    assert torch.equal(flipped, lin.signs * model(moved) < 0)
    # A control: on the bare model it is another attack.
    bare = PyTorchModel(TwoLogits(model).eval(), bounds=(-100, 100))
    _, other, _ = attack(bare, inputs, labels, epsilons=epsilon)
    assert not torch.allclose(other, attacked, atol=1e-5)


@pytest.mark.slow
def test_foolbox_attacks_it_in_the_environment_of_the_peers():
    """The test above is skipped here, so it runs where foolbox is."""
    try:
        python = peers_python()
    except PeersError as error:
        pytest.skip(str(error))
    name = test_foolbox_attacks_the_defended_classifier.__name__
    run = subprocess.run(
        [python, "-m", "pytest", "-p", "no:cacheprovider", f"{__file__}::{name}"],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
    )
    assert "1 passed" in run.stdout, run.stdout + run.stderr
