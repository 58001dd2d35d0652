r"""Classifiers that vary the paper's, and may be nearer to their tangent.

What the theorem asks of f at x is that :math:`|f - f_L|` stays below
:math:`|f_L|` in the ball. The penalty is the local linearity of arXiv 1907.02610, of f
in place of the loss: the loss is curved even where f is linear, and is nearly flat far
from the boundary however curved f is there.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from paper_lib.checks import check_choice, check_radius, check_seed
from paper_lib.checks.arguments import check_type
from paper_lib.data import LabeledImages
from paper_lib.geometry import scale_to_radius
from paper_lib.models import (
    TrainConfig,
    TrainingDivergedError,
    train_classifier,
    training,
)

Pool = Literal["max", "average"]
Activation = Literal["relu", "softplus", "identity"]
_ACTIVATIONS = {"relu": nn.ReLU, "softplus": nn.Softplus, "identity": nn.Identity}
# Gradient steps of the search for the largest departure from the tangent.
_STEPS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Variation:
    """What a classifier has otherwise than the paper's: nothing, as it stands.

    Attributes:
        pool: The pooling of 2 by 2 blocks.
        activation: What follows each pooling and the hidden layer; with
            ``"identity"`` and ``"average"`` f is linear in the image.
        weight_decay: Of the optimizer, not decoupled from it: so many times a weight
            are added to its gradient, as by ``torch.optim.Adam(weight_decay=...)``.
        penalty: Weight of the local-linearity penalty in the loss; 0: none.
        penalty_radius: Radius of the l2 ball in which it is searched, in pixels.

    Raises:
        ValueError: If a word is unknown, a number is negative, NaN or infinite, or
            ``penalty_radius`` is given without a penalty or missing with one.
    """

    pool: Pool = "max"
    activation: Activation = "relu"
    weight_decay: float = 0.0
    penalty: float = 0.0
    penalty_radius: float = 0.0

    def __post_init__(self) -> None:
        """Reject what is no variation.

        Raises:
            ValueError: See the class.
        """
        check_choice(self.pool, "pool", get_args(Pool))
        check_choice(self.activation, "activation", get_args(Activation))
        for name in ("weight_decay", "penalty", "penalty_radius"):
            check_radius(getattr(self, name), name)
        if (self.penalty > 0) != (self.penalty_radius > 0):
            raise ValueError(
                "penalty_radius must be > 0 exactly where penalty is, got "
                f"{self.penalty_radius} with penalty {self.penalty}."
            )


# Chosen on MNIST 3-5 and 6-8 with seed 100, which serve nothing else, to be within a
# point of the tables' classifier in accuracy where that could be had. On 3-5 it has
# 98.5%, narrow 97.1%, average pooling 97.0% after one epoch and 98.7% after five, with
# the penalty 97.0% after three, linear 94.7%; on 6-8 the tables' has 99.5%, average
# pooling with the penalty 99.1%, linear 99.0%. A penalty of 1.5 with max-pooling and
# weight decay of 0.1 cost 1.2 and 3.5 points on 3-5.
_AVERAGE = TrainConfig(epochs=5)
VARIATIONS: dict[str, tuple[TrainConfig, Variation]] = {
    "the tables' classifier": (TrainConfig(), Variation()),
    "narrow": (TrainConfig(channels=(4, 8), hidden=16), Variation()),
    "wide": (TrainConfig(channels=(20, 40), hidden=100), Variation()),
    "five epochs": (TrainConfig(epochs=5), Variation()),
    "weight decay": (TrainConfig(), Variation(weight_decay=1e-2)),
    "penalty": (TrainConfig(), Variation(penalty=0.5, penalty_radius=1.0)),
    "average pool": (_AVERAGE, Variation(pool="average")),
    "average pool, smooth": (
        _AVERAGE,
        Variation(pool="average", activation="softplus"),
    ),
    "average pool, penalty": (
        TrainConfig(epochs=3),
        Variation(pool="average", penalty=0.5, penalty_radius=1.0),
    ),
    "linear": (TrainConfig(), Variation(pool="average", activation="identity")),
}


def train_variation(
    data: LabeledImages, *, train: TrainConfig, variation: Variation, seed: int
) -> nn.Module:
    """Train a classifier of two classes that varies the paper's.

    Without a variation by :func:`~paper_lib.models.train_classifier`; otherwise from
    the same initial weights with the same order of images. The same seed on the same
    machine gives the same weights, bit for bit; torch's global generator is left as it
    was.

    Args:
        data: Images and labels -1 or +1.
        train: Settings of the classifier and its training.
        variation: What is otherwise.
        seed: Seed of the initial weights, of the order and of the penalty's search.

    Returns:
        The trained classifier, in eval mode: a :class:`~paper_lib.models.PairCNN`, or
        the ``nn.Sequential`` of the layers that vary it.

    Raises:
        TypeError: If ``data`` are no labeled images, or a setting is of another kind.
        ValueError: If the images are not ``(n, 1, 28, 28)`` float32, the seed is no
            seed, or a variation is to normalize its inputs.
        TrainingDivergedError: As soon as the loss, or at the end a weight, is NaN or
            infinite.
    """
    check_type(train, "train", TrainConfig)
    check_type(variation, "variation", Variation)
    if variation == Variation():
        return train_classifier(data, config=train, seed=seed).model
    training.check_images(data)
    seed = check_seed(seed)
    model = _initial_layers(train, variation, seed)
    optimizer = training.make_optimizer(model.parameters(), train)
    optimizer.param_groups[0]["weight_decay"] = variation.weight_decay
    order = torch.Generator().manual_seed(seed)
    # Another stream than that of the order.
    starts = torch.Generator().manual_seed(seed + 2**31)
    for rows in training.draw_batches(len(data.labels), train, order):
        images, labels = data.images[rows], data.labels[rows]
        loss = _loss(model, images, labels, variation, starts)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        _check_finite(loss.detach(), train)
    model.zero_grad()
    for weight in model.parameters():
        _check_finite(weight.detach(), train)
    return model.eval()


def _initial_layers(
    train: TrainConfig, variation: Variation, seed: int
) -> nn.Sequential:
    """Take the layers of the paper's classifier, with others between them."""
    if (train.input_mean, train.input_std) != (0.0, 1.0):
        raise ValueError(
            "train must leave the inputs of a variation as they are, got input_mean "
            f"{train.input_mean} and input_std {train.input_std}."
        )
    layers = training.initial_model(train, seed).layers
    for place, layer in enumerate(layers):
        if isinstance(layer, nn.ReLU):
            layers[place] = _ACTIVATIONS[variation.activation]()
            if place < 6 and variation.pool == "average":
                layers[place - 1] = nn.AvgPool2d(2)
    return layers.append(nn.Flatten(0))


def _loss(
    model: nn.Module,
    images: Float[Tensor, "n 1 28 28"],
    labels: Tensor,
    variation: Variation,
    starts: torch.Generator,
) -> Float[Tensor, ""]:
    """Compute the mean logistic loss, and the penalty."""
    loss = nn.functional.softplus(-labels * model(images)).mean()
    if not variation.penalty:
        return loss
    noise = torch.randn(images.shape, generator=starts)
    departure = mean_departure(model, images, noise, variation.penalty_radius)
    return loss + variation.penalty * departure


def mean_departure(
    model: nn.Module,
    images: Float[Tensor, "n ..."],
    noise: Float[Tensor, "n ..."],
    radius: float,
) -> Float[Tensor, ""]:
    r"""Average the largest :math:`|f - f_L|` found in balls around points.

    It is not divided by a scale of f. What the theorem compares it with is
    :math:`|f_L|`, and the logistic loss beside it sets that scale: a smaller f lowers
    both and costs loss. Divided by :math:`r \|\nabla f\|` it rewards steep classifiers,
    whose points are near to the boundary; by something with :math:`|f|` in it, or by a
    scale held constant, it is smallest for a constant f, which training then reached.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``; weights' gradients flow through all but
            the search.
        images: The points.
        noise: Where the search starts: directions, of any length but zero.
        radius: Radius of the balls.

    Returns:
        The mean.
    """
    points = images.detach().requires_grad_()
    values = model(points)
    (slopes,) = torch.autograd.grad(values.sum(), points, create_graph=True)
    slopes = slopes.flatten(1)
    tangent = values.detach(), slopes.detach()
    offsets = scale_to_radius(noise.flatten(1), radius)
    for _ in range(_STEPS):
        offsets = _farther(model, images, tangent, offsets, radius)
    lines = values + (slopes * offsets).sum(1)
    departures = (model(images + offsets.view_as(images)) - lines).abs()
    return departures.mean()


def _farther(
    model: nn.Module,
    images: Float[Tensor, "n ..."],
    tangent: tuple[Float[Tensor, " n"], Float[Tensor, "n d"]],
    offsets: Float[Tensor, "n d"],
    radius: float,
) -> Float[Tensor, "n d"]:
    """Go where |f - f_L| would be largest, were it as steep as here throughout."""
    places = (images + offsets.view_as(images)).detach().requires_grad_()
    moved = model(places)
    (slopes,) = torch.autograd.grad(moved.sum(), places)
    lines = tangent[0] + (tangent[1] * offsets).sum(1)
    sign = torch.where(moved.detach() < lines, -1.0, 1.0).unsqueeze(1)
    return scale_to_radius(sign * (slopes.flatten(1) - tangent[1]), radius)


def _check_finite(values: Tensor, train: TrainConfig) -> None:
    """Stop training where it has diverged."""
    if not bool(values.isfinite().all()):
        raise TrainingDivergedError(
            "the training loss or a weight became NaN or infinite, at learning_rate "
            f"{train.learning_rate}; a smaller one may help."
        )
