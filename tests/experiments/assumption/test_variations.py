"""Training of classifiers that vary the paper's, and the penalty against a formula."""

import pytest
import torch
from torch import nn

from experiments.assumption.variations import (
    VARIATIONS,
    Variation,
    mean_departure,
    train_variation,
)
from paper_lib.data import LabeledImages
from paper_lib.linearize import linearize
from paper_lib.local_linearity import find_disagreements, linearization_error
from paper_lib.models import TrainConfig, train_classifier

SMALL = TrainConfig(channels=(2, 3), hidden=4, batch_size=16, epochs=2)
PENALTY = Variation(penalty=0.5, penalty_radius=1.0)


def bars(count=48):
    """Bright bars, upright or level: two classes of images that are soon told apart."""
    generator = torch.Generator().manual_seed(3)
    images = 0.2 * torch.rand(count, 1, 28, 28, generator=generator)
    labels = torch.ones(count)
    labels[::2] = -1.0
    for image, label in zip(images, labels, strict=True):
        start = int(torch.randint(22, (), generator=generator))
        lines = image[0] if label > 0 else image[0].T
        lines[start : start + 5] += 0.7
    return LabeledImages(images=images, labels=labels)


@pytest.fixture(scope="module")
def data():
    return bars()


def same(first, second):
    """Whether two models have the same weights, bit for bit and in order."""
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def kinds(model):
    return [type(layer).__name__ for layer in model]


def test_without_a_variation_it_is_the_papers_classifier(data):
    model = train_variation(data, train=SMALL, variation=Variation(), seed=5)
    wanted = train_classifier(data, config=SMALL, seed=5).model
    assert type(model) is type(wanted)
    assert same(model, wanted)


@pytest.mark.parametrize(
    "optimizer",
    [{}, {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.05}],
    ids=["adam", "sgd"],
)
def test_what_changes_nothing_gives_the_same_bits(data, optimizer):
    """Weights, order, settings: those of the library's loop, batch by batch."""
    train = TrainConfig(channels=(2, 3), hidden=4, batch_size=20, epochs=3, **optimizer)
    wanted = train_classifier(data, config=train, seed=5).model
    # Too small to change the last bit of a gradient.
    nothing = Variation(weight_decay=1e-30)
    model = train_variation(data, train=train, variation=nothing, seed=5)
    assert same(model, wanted)
    other = train_variation(data, train=train, variation=nothing, seed=6)
    assert not same(other, wanted)


@pytest.mark.parametrize(
    ("variation", "pool", "activation"),
    [
        (PENALTY, "MaxPool", "ReLU"),
        (Variation(pool="average"), "AvgPool2d", "ReLU"),
        (Variation(activation="softplus"), "MaxPool", "Softplus"),
        (Variation(activation="identity", pool="average"), "AvgPool2d", "Identity"),
    ],
)
def test_the_layers_stand_in_the_papers_order(data, variation, pool, activation):
    model = train_variation(data, train=SMALL, variation=variation, seed=0)
    convolved = [["InputConv", pool, activation], ["Conv2d", pool, activation]]
    full = ["Flatten", "Linear", activation, "Linear", "Flatten"]
    assert kinds(model) == [*convolved[0], *convolved[1], *full]
    shapes = [tuple(layer.weight.shape) for layer in model if hasattr(layer, "weight")]
    assert shapes == [
        (2, 1, 5, 5),
        (3, 2, 5, 5),
        (4, 48),
        (1, 4),
    ]
    assert not any(layer.training for layer in model.modules())
    assert all(weight.grad is None for weight in model.parameters())
    assert model(data.images).shape == (48,)


def test_the_initial_weights_are_those_of_the_seed(data):
    """A step that is too small to see leaves them."""
    train = TrainConfig(channels=(2, 3), hidden=4, learning_rate=1e-30)
    wanted = train_classifier(data, config=train, seed=2).model
    for variation in (PENALTY, Variation(pool="average", activation="softplus")):
        model = train_variation(data, train=train, variation=variation, seed=2)
        assert same(model, wanted)


@pytest.mark.parametrize("variation", [PENALTY, Variation(pool="average")])
def test_the_same_seed_gives_the_same_bits_and_no_generator_moves(data, variation):
    before = torch.get_rng_state()
    first = train_variation(data, train=SMALL, variation=variation, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    assert same(train_variation(data, train=SMALL, variation=variation, seed=1), first)
    other = train_variation(data, train=SMALL, variation=variation, seed=2)
    assert not same(other, first)


def test_a_full_batch_step_is_the_gradient_of_the_loss_and_the_weights(data):
    """One step of SGD against autograd on the paper's network."""
    train = TrainConfig(
        channels=(2, 3), hidden=4, batch_size=48, optimizer="sgd", learning_rate=0.5
    )
    untouched = TrainConfig(channels=(2, 3), hidden=4, learning_rate=1e-30)
    start = train_classifier(data, config=untouched, seed=4).model
    margins = data.labels * start(data.images)
    loss = torch.log1p(torch.exp(-margins)).mean()
    slopes = torch.autograd.grad(loss, list(start.parameters()))
    decayed = Variation(weight_decay=0.2)
    model = train_variation(data, train=train, variation=decayed, seed=4)
    for weight, slope, end in zip(
        start.parameters(), slopes, model.parameters(), strict=True
    ):
        wanted = weight - 0.5 * (slope + 0.2 * weight)
        torch.testing.assert_close(end, wanted, rtol=1e-4, atol=1e-6)


def test_the_rows_differ_and_begin_with_the_tables_classifier(data):
    assert next(iter(VARIATIONS.values())) == (TrainConfig(), Variation())
    assert len({*VARIATIONS.values()}) == len(VARIATIONS) <= 10
    few = LabeledImages(images=data.images[:4], labels=data.labels[:4])
    models = [
        train_variation(few, train=train, variation=variation, seed=0)
        for train, variation in VARIATIONS.values()
    ]
    logits = torch.stack([model(few.images).detach() for model in models])
    assert len(logits.unique(dim=0)) == len(VARIATIONS)


def test_weight_decay_makes_the_weights_smaller(data):
    sizes = [
        float(sum(weight.detach().square().sum() for weight in model.parameters()))
        for model in (
            train_variation(data, train=SMALL, variation=variation, seed=0)
            for variation in (Variation(), Variation(weight_decay=1.0))
        )
    ]
    assert sizes[1] < 0.98 * sizes[0]


def test_identity_and_average_pooling_are_linear_in_the_image(data):
    linear = Variation(activation="identity", pool="average")
    model = train_variation(data, train=SMALL, variation=linear, seed=0).double()
    images = data.images.double()
    middle = 0.3 * images[:20] + 0.7 * images[20:40]
    with torch.no_grad():
        wanted = 0.3 * model(images[:20]) + 0.7 * model(images[20:40])
        torch.testing.assert_close(model(middle), wanted, rtol=0, atol=1e-12)
    bent = train_variation(data, train=SMALL, variation=PENALTY, seed=0).double()
    with torch.no_grad():  # negative control
        wanted = 0.3 * bent(images[:20]) + 0.7 * bent(images[20:40])
        assert float((bent(middle) - wanted).abs().max()) > 1e-4


def test_what_is_piecewise_linear_is_known_to_the_proofs_and_the_smooth_is_not(data):
    known = Variation(pool="average", penalty=0.5, penalty_radius=1.0)
    model = train_variation(data, train=SMALL, variation=known, seed=0)
    error = linearization_error(model, data.images[:2], 0.5)
    assert bool((error.lower <= error.upper).all())
    smooth = Variation(activation="softplus", pool="average")
    model = train_variation(data, train=SMALL, variation=smooth, seed=0)
    with pytest.raises(ValueError, match=r"got Softplus at model\.2"):
        find_disagreements(model, data.images[:2], 0.5)


class Bend(nn.Module):
    """f(x) = a x_1 + b |x_2|, whose largest departure is known."""

    def __init__(self, along, across):
        """Keep both as weights."""
        super().__init__()
        self.along, self.across = (
            nn.Parameter(torch.tensor(value)) for value in (along, across)
        )

    def forward(self, inputs):
        """Compute f."""
        return self.along * inputs[:, 0] + self.across * inputs[:, 1].abs()


def test_the_penalty_is_the_mean_of_the_largest_departures():
    r"""At :math:`x_2 = 1/2` the most that |f - f_L| reaches is 2 |b| (r - 1/2)."""
    points = torch.tensor([[0.3, 0.5], [0.3, -0.5], [0.3, 0.5]])
    noise = torch.tensor([[0.6, -0.8], [-0.1, 1.0], [0.1, -9.0]])
    for across in (4.0, -4.0):
        model = Bend(3.0, across)
        departure = mean_departure(model, points, noise, 2.0)
        assert departure.item() == pytest.approx(2 * 4 * 1.5, rel=1e-5)
        slopes = torch.autograd.grad(departure, list(model.parameters()))
        wanted = [0.0, 3.0 if across > 0 else -3.0]
        assert [slope.item() for slope in slopes] == pytest.approx(wanted, abs=1e-4)
    # In a ball that the bend does not meet, and without a bend.
    for across, radius in ((4.0, 0.4), (0.0, 2.0)):
        departure = mean_departure(Bend(3.0, across), points, noise, radius)
        assert departure.item() < 1e-5


def test_the_search_finds_more_than_its_start_does(data):
    """And the penalty is of the ball: it never exceeds what is proven."""
    model = train_variation(data, train=SMALL, variation=Variation(), seed=0)
    points, radius = data.images[:3], 2.0
    noise = torch.randn(points.shape, generator=torch.Generator().manual_seed(0))
    found = mean_departure(model, points, noise, radius)
    tangent = linearize(model, points)
    slopes = tangent.gradients.flatten(1)
    ends = radius * noise.flatten(1) / noise.flatten(1).norm(dim=1, keepdim=True)
    with torch.no_grad():
        moved = model(points + ends.view_as(points))
    starts = (moved - tangent.logits - (slopes * ends).sum(1)).abs().mean()
    assert found > 2 * starts
    assert found <= linearization_error(model, points, radius).upper.mean()


def test_the_penalty_makes_a_classifier_more_linear(data):
    """Beside its logits, so that a smaller f is no answer."""
    train = TrainConfig(
        channels=(4, 8), hidden=16, batch_size=16, epochs=10, learning_rate=5e-3
    )
    noise = torch.randn(data.images.shape, generator=torch.Generator().manual_seed(0))
    shares = []
    for penalty in ({}, {"penalty": 0.5, "penalty_radius": 2.0}):
        variation = Variation(pool="average", **penalty)
        model = train_variation(data, train=train, variation=variation, seed=0)
        with torch.no_grad():
            logits = model(data.images)
        assert (logits * data.labels > 0).double().mean() > 0.9
        departure = mean_departure(model, data.images, noise, 2.0).item()
        shares.append(departure / logits.abs().mean().item())
    assert shares[1] < 0.5 * shares[0]
