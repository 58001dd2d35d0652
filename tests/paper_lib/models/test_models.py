"""The classifier, its training as an independent loop does it, and its storage."""

import os
import stat

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from paper_lib import files
from paper_lib.data import LabeledImages, load_pair
from paper_lib.linearize import linearize
from paper_lib.models import (
    PairCNN,
    TrainConfig,
    cnn,
    load_classifier,
    save_classifier,
    train_classifier,
)
from paper_lib.models.cnn import InputConv, MaxPool

SMALL = {"channels": (2, 3), "hidden": 4}


def images_of(n, seed=0):
    """Noise with a brighter half for one label: quick to learn."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.where(torch.arange(n) % 2 == 0, -1.0, 1.0)
    images = torch.rand(n, 1, 28, 28, generator=generator)
    images[labels > 0, :, :14] *= 0.2
    return LabeledImages(images=images, labels=labels)


def weights_of(model):
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def seeded(seed=0, **settings):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PairCNN(**settings)


def test_the_network_has_four_layers_with_weights_and_one_logit():
    shapes = [tuple(weight.shape) for weight in PairCNN().parameters()]
    assert shapes[0::2] == [(10, 1, 5, 5), (20, 10, 5, 5), (50, 320), (1, 50)]
    assert shapes[1::2] == [(10,), (20,), (50,), (1,)]
    assert sum(weight.numel() for weight in PairCNN().parameters()) == 21_381
    assert PairCNN()(torch.zeros(3, 1, 28, 28)).shape == (3,)
    assert PairCNN()(torch.zeros(1, 1, 28, 28)).shape == (1,)


def test_the_layers_stand_in_the_stated_order():
    kinds = [type(layer).__name__ for layer in PairCNN().layers]
    pooled = ["MaxPool", "ReLU"]
    convolutions = ["InputConv", *pooled, "Conv2d", *pooled]
    assert kinds == [*convolutions, "Flatten", "Linear", "ReLU", "Linear"]


@pytest.mark.parametrize("kernel_size", range(1, 10))
def test_gradients_to_the_image_are_those_of_a_convolution(kernel_size, blocks):
    draw = torch.Generator().manual_seed(kernel_size)
    conv = InputConv(1, 3, kernel_size).double().requires_grad_(False)
    side = 29 - kernel_size
    images = torch.randn(2, 1, 28, 28, generator=draw, dtype=torch.float64)
    weights = torch.randn(2, 3, side, side, generator=draw, dtype=torch.float64)
    gradients = []
    for function in (
        conv,
        lambda x: torch.nn.functional.conv2d(x, conv.weight, conv.bias),
    ):
        leaf = images.clone().requires_grad_()
        values = function(leaf)
        gradients += [values, *torch.autograd.grad((values * weights).sum(), leaf)]
    found, gradient, expected, reference = gradients
    assert torch.equal(found, expected)
    assert gradient.shape == reference.shape
    assert torch.allclose(gradient, reference, rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(conv, images[:1].requires_grad_(), fast_mode=True)
    assert blocks


@pytest.fixture
def blocks(monkeypatch):
    """Count how often gradients are computed by blocks."""
    calls = []
    original = cnn._Convolve.apply
    monkeypatch.setattr(
        cnn._Convolve, "apply", lambda *args: calls.append(1) or original(*args)
    )
    return calls


def test_gradients_are_mapped_over_models(blocks):
    draw = torch.Generator().manual_seed(0)
    conv = InputConv(1, 4, 5).requires_grad_(False)
    stacked = torch.randn(3, 4, 1, 5, 5, generator=draw)
    images = torch.randn(3, 2, 1, 28, 28, generator=draw)

    def total(images, weight):
        kept = {"weight": weight, "bias": conv.bias}
        return torch.func.functional_call(conv, kept, (images,)).square().sum()

    gradients = torch.vmap(torch.func.grad(total))(images, stacked)
    assert blocks
    for weight, batch, gradient in zip(stacked, images, gradients, strict=True):
        leaf = batch.clone().requires_grad_()
        torch.nn.functional.conv2d(leaf, weight, conv.bias).square().sum().backward()
        assert torch.allclose(gradient, leaf.grad, rtol=1e-4, atol=1e-3)


def test_linearizing_uses_the_blocks_and_training_does_not(blocks):
    model = seeded(**SMALL)
    train_classifier(images_of(8), config=TrainConfig(**SMALL), seed=0)
    assert not blocks
    linearize(model, images_of(8).images)
    assert blocks


@pytest.mark.parametrize(
    ("settings", "side", "trained"),
    [
        ({}, 28, ["bias"]),
        ({}, 28, ["weight", "bias"]),
        ({"stride": 2}, 28, []),
        ({"padding": 1}, 28, []),
        ({"dilation": 2}, 28, []),
        ({"bias": False}, 28, []),
        ({}, 30, []),
    ],
)
def test_any_other_convolution_is_computed_as_always(settings, side, trained, blocks):
    conv = InputConv(1, 2, 5, **settings).requires_grad_(False)
    for name in trained:
        getattr(conv, name).requires_grad_(True)
    plain = torch.nn.Conv2d(1, 2, 5, **settings)
    plain.load_state_dict(conv.state_dict())
    images = torch.rand(2, 1, side, side)
    gradients = []
    for one in (conv, plain):
        leaf = images.clone().requires_grad_()
        one(leaf).square().sum().backward()
        gradients.append(leaf.grad)
    assert torch.equal(*gradients)
    assert not blocks
    for name in trained:
        assert torch.equal(getattr(conv, name).grad, getattr(plain, name).grad)


@pytest.mark.parametrize("shape", [(3, 2, 6, 8), (2, 3, 7, 5)])
def test_pooling_without_gradients_gives_the_same_values(shape):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values[0, 0, 0, 0] = torch.nan
    pool, expected = MaxPool(), torch.nn.functional.max_pool2d(values, 2)
    with torch.no_grad():
        assert torch.equal(pool(values).nan_to_num(9.0), expected.nan_to_num(9.0))
    assert torch.equal(pool(values).nan_to_num(9.0), expected.nan_to_num(9.0))


@pytest.mark.parametrize("shape", [(3, 2, 6, 8), (2, 3, 7, 5), (4, 10, 24, 24)])
@pytest.mark.parametrize("batch_dims", [0, 1])
def test_pooling_and_its_gradient_are_those_of_torch(shape, batch_dims):
    """Bit by bit, and at ties as well, where the first place has the gradient."""
    draw = torch.Generator().manual_seed(0)
    # Whole numbers, so that most blocks have ties, zeros of both signs among them.
    values = torch.randn((2,) * batch_dims + shape, generator=draw).round()
    weights = torch.randn(values[..., ::2, ::2].shape, generator=draw)
    pool = torch.vmap(MaxPool()) if batch_dims else MaxPool()
    results = []
    for function in (
        pool,
        lambda x: torch.nn.functional.max_pool2d(x.flatten(0, -4), 2),
    ):
        leaf = values.clone().requires_grad_()
        pooled = function(leaf).reshape(*values.shape[:-2], *function(leaf).shape[-2:])
        height, width = pooled.shape[-2:]
        (pooled * weights[..., :height, :width]).sum().backward()
        results.append((pooled.detach(), leaf.grad))
    (found, gradient), (expected, reference) = results
    assert torch.equal(found, expected)
    assert torch.equal(torch.signbit(found), torch.signbit(expected))
    assert torch.equal(gradient, reference)
    assert ((gradient != 0).sum() > 0.1 * gradient.numel()).item()


@pytest.mark.parametrize("kernel_size", range(1, 10))
def test_widths_and_kernels_are_settings(kernel_size):
    model = PairCNN(channels=(3, 7), hidden=11, kernel_size=kernel_size)
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2,)
    shapes = [tuple(weight.shape) for weight in model.parameters()]
    assert shapes[0] == (3, 1, kernel_size, kernel_size)
    assert shapes[2] == (7, 3, kernel_size, kernel_size)
    assert shapes[6] == (1, 11)


def test_inputs_are_normalized_inside_so_gradients_stay_in_pixels():
    plain, inside = seeded(**SMALL), seeded(**SMALL, input_mean=0.25, input_std=0.5)
    images = images_of(4).images
    shifted = linearize(plain, (images - 0.25) / 0.5)
    found = linearize(inside, images)
    assert torch.allclose(found.logits, shifted.logits, atol=1e-6)
    assert torch.allclose(found.gradients, shifted.gradients / 0.5, atol=1e-6)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    data, config = images_of(40), TrainConfig(**SMALL, batch_size=16, epochs=2)
    one, two, other = (
        train_classifier(data, config=config, seed=seed) for seed in (3, 3, 4)
    )
    assert torch.equal(weights_of(one.model), weights_of(two.model))
    assert one.history == two.history
    assert not torch.equal(weights_of(one.model), weights_of(other.model))
    assert (one.seed, one.config) == (3, config)


def test_the_seed_decides_the_order_of_the_images_too(monkeypatch):
    """With equal initial weights, two seeds still part."""
    start = seeded(**SMALL).state_dict()

    def build(config):
        model = PairCNN(**SMALL)
        model.load_state_dict(start)
        return model

    monkeypatch.setattr(TrainConfig, "build", build)
    data, config = images_of(40), TrainConfig(**SMALL, batch_size=8)
    one, other = (train_classifier(data, config=config, seed=s) for s in (0, 1))
    assert not torch.equal(weights_of(one.model), weights_of(other.model))


def test_training_leaves_all_global_generators_alone(monkeypatch):
    """Those of GPUs too: torch.manual_seed would reset them, and nothing restores."""
    reseeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", reseeded.append)
    state = torch.random.get_rng_state()
    train_classifier(images_of(8), config=TrainConfig(**SMALL), seed=0)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert reseeded == []


def test_training_does_not_depend_on_the_global_generator():
    data, config = images_of(8), TrainConfig(**SMALL)
    one = train_classifier(data, config=config, seed=0)
    torch.rand(3)
    two = train_classifier(data, config=config, seed=0)
    assert torch.equal(weights_of(one.model), weights_of(two.model))


@pytest.mark.parametrize(
    ("settings", "optimizer"),
    [
        (
            {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.5},
            lambda w: torch.optim.SGD(w, lr=0.05, momentum=0.5),
        ),
        (
            {"optimizer": "sgd", "learning_rate": 0.05},
            lambda w: torch.optim.SGD(w, lr=0.05),
        ),
        ({"learning_rate": 0.002}, lambda w: torch.optim.Adam(w, lr=0.002)),
    ],
    ids=["momentum", "sgd", "adam"],
)
def test_full_batches_agree_with_a_second_loop(settings, optimizer):
    """With one batch an epoch the order of images does not matter."""
    data = images_of(12)
    config = TrainConfig(**SMALL, **settings, batch_size=12, epochs=4)
    found = train_classifier(data, config=config, seed=5)

    model, losses = seeded(5, **SMALL), []
    stepper = optimizer(model.parameters())
    for _ in range(4):
        probability = torch.sigmoid(data.labels * model(data.images))
        loss = -probability.log().mean()
        stepper.zero_grad()
        loss.backward()
        stepper.step()
        losses.append(loss.item())
    gap = (weights_of(found.model) - weights_of(model)).abs()
    # Adam moves a weight whose gradient is nothing but rounding either way.
    assert (gap < 1e-5).double().mean() > 0.98
    assert list(found.history) == pytest.approx(losses, rel=1e-4)


def test_the_history_is_the_mean_over_images_not_over_batches():
    """With steps too small to change anything, in batches of 5, 5 and 1."""
    data = images_of(11)
    config = TrainConfig(**SMALL, learning_rate=1e-12, batch_size=5, epochs=2)
    found = train_classifier(data, config=config, seed=0)
    logits = seeded(**SMALL)(data.images)
    loss = torch.log1p(torch.exp(-data.labels * logits)).mean().item()
    assert list(found.history) == pytest.approx([loss, loss], rel=1e-5)


def test_every_image_is_seen_once_an_epoch():
    seen = []
    data = images_of(11)
    config = TrainConfig(**SMALL, batch_size=4, epochs=2)

    def note(module, args):
        if isinstance(module, PairCNN):
            seen.append(args[0])

    with nn.modules.module.register_module_forward_pre_hook(note):
        train_classifier(data, config=config, seed=0)
    assert [len(batch) for batch in seen] == [4, 4, 3, 4, 4, 3]
    for epoch in (seen[:3], seen[3:]):
        sums = torch.cat(epoch).sum((1, 2, 3)).sort().values
        assert torch.allclose(sums, data.images.sum((1, 2, 3)).sort().values)
    assert not torch.equal(seen[0], seen[3])


def test_the_trained_model_is_ready_for_use():
    model = train_classifier(images_of(8), config=TrainConfig(**SMALL), seed=0).model
    assert not any(module.training for module in model.modules())
    assert all(weight.grad is None for weight in model.parameters())
    assert all(weight.requires_grad for weight in model.parameters())


def test_progress_is_shown_on_request_alone(capsys):
    for progress in (False, True):
        train_classifier(
            images_of(8), config=TrainConfig(**SMALL), seed=0, progress=progress
        )
        assert ("training" in capsys.readouterr().err) == progress


def test_real_digits_are_learned():
    pair = load_pair("mnist", (0, 1), source="embedded")
    result = train_classifier(pair.train, config=TrainConfig(epochs=3), seed=0)
    with torch.no_grad():
        right = result.model(pair.test.images) * pair.test.labels > 0
    assert right.double().mean() > 0.97
    assert list(result.history) == sorted(result.history, reverse=True)


@pytest.mark.parametrize(
    "settings", [{}, {**SMALL, "input_mean": 0.13, "kernel_size": 4}]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_storage_returns_the_same_bits(tmp_path, settings, dtype):
    model = seeded(1, **settings).to(dtype)
    save_classifier(model, tmp_path / "model.safetensors")
    state = torch.random.get_rng_state()
    loaded = load_classifier(tmp_path / "model.safetensors")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert loaded.settings == model.settings
    assert not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
        assert loaded.state_dict()[name].dtype == dtype


def test_the_file_is_plain_safetensors(tmp_path):
    path = tmp_path / "model.safetensors"
    model = seeded(2, **SMALL)
    save_classifier(model, str(path))
    weights = load_file(path)
    assert set(weights) == set(model.state_dict())
    assert os.listdir(tmp_path) == ["model.safetensors"]
    assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRUSR


@pytest.mark.parametrize(
    ("place", "name"), [(files, "save_file"), (files.os, "replace")]
)
def test_writing_that_fails_leaves_the_old_file_and_no_other(
    tmp_path, monkeypatch, place, name
):
    path, old = tmp_path / "model.safetensors", seeded(3, **SMALL)
    save_classifier(old, path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        if name == "save_file":
            args[1].write_bytes(b"half a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(place, name, fail)
    with pytest.raises(OSError, match="no space left"):
        save_classifier(seeded(4, **SMALL), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.safetensors"]


def test_saving_replaces_what_was_there(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"something else")
    model = seeded(5, **SMALL)
    save_classifier(model, path)
    assert torch.equal(weights_of(load_classifier(path)), weights_of(model))


@pytest.mark.bad_input
@pytest.mark.parametrize("model", [nn.Linear(784, 1), {"weights": 1}, None])
def test_a_foreign_model_is_refused_in_a_short_sentence(tmp_path, model):
    path = tmp_path / "weights"
    with pytest.raises(TypeError, match=r"^model must be a PairCNN, got") as caught:
        save_classifier(model, path)
    assert len(str(caught.value)) < 60
    assert not path.exists()
