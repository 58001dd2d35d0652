"""PyTorch's MNIST example of 2020 as a classifier of two classes."""

import math
from dataclasses import asdict, replace

import pytest
import torch
from torch import nn

from experiments.store.pair_settings import Site
from experiments.store.record_files import from_plain, plain
from experiments.tables.classifiers import (
    ClassifierConfig,
    classifier_name,
    load_trained,
    save_trained,
    train_pair,
)
from experiments.tables.example_network import ExampleConfig, train_example
from paper_lib.data import load_pair
from paper_lib.linearize import linearize
from paper_lib.models import TrainConfig
from paper_lib.models.training import TrainingDivergedError

EMBEDDED = Site(source="embedded")
SMALL = ExampleConfig(channels=(3, 4), hidden=8, epochs=2)
CONFIG = ClassifierConfig(classes=(0, 1), train=SMALL, num_fit=100)


@pytest.fixture(scope="module")
def trained():
    return train_pair(CONFIG, EMBEDDED)


def test_the_network_is_the_example_with_one_logit():
    """Widths, kernels and shares as the example has them, and its 9,216 values."""
    layers = ExampleConfig().build().layers
    names = [type(layer).__name__ for layer in layers]
    assert names == [
        *("InputConv", "ReLU", "Conv2d", "ReLU", "MaxPool", "Dropout", "Flatten"),
        *("Linear", "ReLU", "Dropout", "Linear"),
    ]
    assert layers[0].weight.shape == (32, 1, 3, 3)
    assert layers[2].weight.shape == (64, 32, 3, 3)
    assert layers[7].weight.shape == (128, 9216)
    assert layers[10].weight.shape == (1, 128)
    assert (layers[5].p, layers[9].p) == (0.25, 0.5)


def test_pixels_are_normalized_inside_the_network():
    model = SMALL.build().eval()
    images = torch.rand(5, 1, 28, 28)
    expected = model.layers((images - 0.1307) / 0.3081).squeeze(-1)
    assert torch.equal(model(images), expected)


def test_nothing_is_left_out_once_it_is_trained(trained):
    model = trained.model()
    images = torch.rand(4, 1, 28, 28)
    assert not any(module.training for module in model.modules())
    assert torch.equal(model(images), model(images))
    model.train()
    assert not torch.equal(model(images), model(images))


def test_gradients_are_those_of_plain_torch(trained):
    """The fast gradient of the first layer serves kernels of 3 by 3 too."""
    model, images = trained.model(), torch.rand(6, 1, 28, 28)
    plain_copy = SMALL.build().eval()
    plain_copy.load_state_dict(model.state_dict())
    plain_copy.layers[0].__class__ = nn.Conv2d
    points = images.clone().requires_grad_(True)
    (slopes,) = torch.autograd.grad(plain_copy(points).sum(), points)
    found = linearize(model, images).gradients
    assert torch.allclose(found, slopes.flatten(1), rtol=1e-4, atol=1e-6)


def test_a_training_is_the_same_again_and_another_for_another_seed(trained):
    before = torch.random.get_rng_state()
    assert train_pair(CONFIG, EMBEDDED).weights == trained.weights
    assert torch.equal(torch.random.get_rng_state(), before)
    other = train_pair(replace(CONFIG, seed=1), EMBEDDED)
    assert other.weights != trained.weights


def test_it_learns(trained):
    losses = trained.record["history"]
    assert len(losses) == 2
    assert losses[1] < losses[0] < math.log(2.0)
    assert trained.record["test_correct"] > 180  # of 200


@pytest.mark.parametrize(
    "changes", [{"decay": 0.1}, {"dropout": (0.0, 0.0)}, {"learning_rate": 0.5}]
)
def test_every_setting_of_the_training_counts(trained, changes):
    other = train_pair(replace(CONFIG, train=replace(SMALL, **changes)), EMBEDDED)
    assert other.weights != trained.weights


def test_the_step_falls_after_each_epoch_and_not_before():
    """So one epoch does not ask what it falls by."""
    data = load_pair("mnist", (0, 1), source="embedded").train
    once = replace(SMALL, epochs=1)
    first, second = (
        train_example(data, config=replace(once, decay=decay), seed=0).model
        for decay in (0.7, 0.1)
    )
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not any(module.training for module in first.modules())


def test_its_record_comes_back_from_the_cache(trained, tmp_path):
    save_trained(trained, tmp_path)
    found = load_trained(tmp_path, classifier_name(CONFIG, EMBEDDED))
    assert found.config == CONFIG
    assert type(found.config.train) is ExampleConfig
    images = torch.rand(3, 1, 28, 28)
    assert torch.equal(found.model()(images), trained.model()(images))


@pytest.mark.parametrize("train", [SMALL, TrainConfig()], ids=["example", "own"])
def test_settings_of_both_kinds_come_back_as_they_were(train):
    config = replace(CONFIG, train=train)
    found = from_plain(ClassifierConfig, plain(asdict(config)))
    assert found == config
    assert type(found.train) is type(train)


def test_settings_of_this_projects_kind_are_named_as_before():
    """Stored records bear digests of these."""
    assert set(asdict(ClassifierConfig())["train"]) == set(asdict(TrainConfig()))


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimizer": "adam"}, "optimizer must be 'adadelta', got 'adam'"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"decay": 0.0}, r"decay must be in \(0, 1\], got 0.0"),
        ({"decay": math.nan}, "decay must be in"),
        ({"dropout": (0.25, 1.0)}, r"dropout must be of \[0, 1\), got \(0.25, 1.0\)"),
        ({"learning_rate": 0.0}, "learning_rate must be finite and > 0"),
    ],
)
def test_settings_that_are_none_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        ExampleConfig(**changes)


def test_a_training_that_diverges_says_so():
    data = load_pair("mnist", (0, 1), source="embedded").train
    with pytest.raises(TrainingDivergedError, match="the training loss became nan"):
        train_example(data, config=replace(SMALL, learning_rate=1e30), seed=0)
