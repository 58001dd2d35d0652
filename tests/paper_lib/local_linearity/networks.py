"""Small networks of every kind of layer, for the tests of local linearity."""

import torch
from torch import nn

from tests.oracles import random_tensor

F64 = torch.float64


def seeded(build, seed):
    """Build a module with weights of its own seed, biases large enough to matter."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build()
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                nn.init.normal_(weight, std=0.5)
    return model


def dense(*widths, seed=0, dtype=F64):
    """Fully connected layers with ReLU between, one logit in the end."""

    def build():
        layers = []
        for before, after in zip(widths, (*widths[1:], 1), strict=True):
            layers += [nn.Linear(before, after), nn.ReLU()]
        return nn.Sequential(*layers[:-1], nn.Flatten(0)).to(dtype)

    return seeded(build, seed)


def balanced(model, inputs):
    """Shift the last bias, so that half of the inputs are of each class."""
    bias = [weight for name, weight in model.named_parameters() if "bias" in name][-1]
    with torch.no_grad():
        ordered = model.eval()(inputs).sort().values
        bias -= ordered[len(ordered) // 2 - 1 : len(ordered) // 2 + 1].mean()
    return model


def balanced_dense(*widths, seed=0):
    """Fully connected layers whose logit has both signs near zero."""
    model = dense(*widths, seed=seed)
    return balanced(model, random_tensor(30, widths[0], seed=seed))


def images(count, *shape, seed=0, dtype=F64):
    """Draw images with flat parts, where pools meet ties."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, *shape, generator=generator).sub(0.4).clamp(0).to(dtype)


# What each takes: one input's shape, and how it is built.
MIXTURES = {
    "max": (
        (1, 8, 8),
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(),
            nn.Linear(27, 5), nn.ReLU(), nn.Linear(5, 1), nn.Flatten(0),
        ),
    ),
    "strange max": (
        (2, 8, 9),
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, (2, 3), (1, 2), padding=1, dilation=(2, 1), groups=2),
            nn.ReLU(), nn.MaxPool2d((3, 2), stride=(2, 1), padding=1, ceil_mode=True),
            nn.Flatten(), nn.LazyLinear(1), nn.Flatten(0),
        ),
    ),
    "dilated max": (
        (1, 9, 9),
        lambda: nn.Sequential(
            nn.MaxPool2d(2, stride=2, dilation=2), nn.Conv2d(1, 2, 3, padding="same"),
            nn.ReLU(), nn.Flatten(), nn.LazyLinear(1), nn.Flatten(0),
        ),
    ),
    "average": (
        (1, 8, 8),
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3, bias=False), nn.AvgPool2d((2, 3)), nn.ReLU(),
            nn.Dropout(), nn.Flatten(), nn.Linear(18, 4), nn.ReLU(),
            nn.Sequential(nn.Identity(), nn.Linear(4, 1)), nn.Flatten(0),
        ),
    ),
    "same": (
        (1, 6, 6),
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3, padding="same"), nn.ReLU(),
            nn.Conv2d(3, 3, 3, padding=1, padding_mode="circular"), nn.ReLU(),
            nn.Flatten(), nn.Linear(108, 1), nn.Flatten(0),
        ),
    ),
}  # fmt: skip


def mixture(name, seed=0, dtype=F64):
    """Build one of the mixtures, and some inputs for it."""
    shape, build = MIXTURES[name]

    def settled():
        model = build()
        model.eval()(torch.zeros(2, *shape))  # lazy layers learn their sizes
        return model

    model = seeded(settled, seed).to(dtype)
    return model, images(12, *shape, seed=seed, dtype=dtype)


def balanced_mixture(name, seed=0, dtype=F64):
    """Build one of the mixtures, with inputs of both classes."""
    model, inputs = mixture(name, seed, dtype)
    return balanced(model, inputs), inputs
