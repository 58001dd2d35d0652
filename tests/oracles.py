"""Exact arithmetic and small classifiers that tests compare the library with.

Every finite float is a rational number, so what the library returns can be judged
without rounding. Nothing here calls the library.
"""

from fractions import Fraction

import torch
from torch import Tensor, nn

# Unit vectors of the plane with rational coordinates: the axes and four Pythagorean
# triples, with all signs and both orders.
_TRIPLES = [(1, 0, 1), (3, 4, 5), (5, 12, 13), (8, 15, 17), (20, 21, 29)]
RATIONAL_DIRECTIONS = sorted(
    {
        (Fraction(s * x, z), Fraction(t * y, z))
        for a, b, z in _TRIPLES
        for x, y in ((a, b), (b, a))
        for s in (-1, 1)
        for t in (-1, 1)
    }
)


def exact(values: Tensor) -> list[Fraction]:
    """Read a vector as rational numbers."""
    return [Fraction(value) for value in values.tolist()]


def exact_dot(left: Tensor, right: Tensor) -> Fraction:
    """Multiply two vectors without rounding."""
    return sum(a * b for a, b in zip(exact(left), exact(right), strict=True))


def fits_exactly(vector: Tensor, radius: float) -> bool:
    """Decide ``||v|| <= radius`` without rounding and without slack."""
    return exact_dot(vector, vector) <= Fraction(radius) ** 2


class Affine(nn.Module):
    """The classifier ``f(x) = w @ x + b`` on inputs of any shape."""

    def __init__(self, weight: Tensor, bias: float = 0.0) -> None:
        """Keep weight and bias as parameters."""
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.bias = nn.Parameter(torch.tensor(bias, dtype=weight.dtype))

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute the logits."""
        return inputs.flatten(1) @ self.weight + self.bias


class Scaled(nn.Module):
    """A classifier with its logit multiplied by a constant."""

    def __init__(self, model: nn.Module, factor: float) -> None:
        """Wrap a classifier."""
        super().__init__()
        self.model, self.factor = model, factor

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute the logits."""
        return self.factor * self.model(inputs)


class Formula(nn.Module):
    """A classifier without weights, given by a function of a batch."""

    def __init__(self, function) -> None:
        """Keep the function."""
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute the logits."""
        return self.function(inputs)


class Meddled(nn.Module):
    """Dropout, batch normalization and frozen parts: all a careless caller can spoil.

    Its modules are in different modes, some weights are frozen, and some hold
    gradients of an earlier step.
    """

    def __init__(self, dim: int = 6, seed: int = 0) -> None:
        """Build and upset the network."""
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first = nn.Linear(dim, 8)
            self.norm = nn.BatchNorm1d(8)
            self.drop = nn.Dropout(0.5)
            self.last = nn.Linear(8, 1)
            self.norm.running_mean.normal_()
            self.norm.running_var.uniform_(0.5, 2.0)
        self.train()
        self.norm.eval()
        self.first.bias.requires_grad_(False)
        self.last.weight.grad = torch.ones_like(self.last.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute the logits."""
        hidden = self.drop(torch.tanh(self.norm(self.first(inputs.flatten(1)))))
        return self.last(hidden).squeeze(-1)


def state_of(model: nn.Module) -> dict[str, object]:
    """Describe all that a call must leave as it was."""
    return {
        "modes": {name: module.training for name, module in model.named_modules()},
        "trainable": {name: w.requires_grad for name, w in model.named_parameters()},
        "grads": {
            name: None if w.grad is None else w.grad.tolist()
            for name, w in model.named_parameters()
        },
        "values": {name: w.tolist() for name, w in model.state_dict().items()},
    }


def smooth_network(dim: int, seed: int, dtype: torch.dtype = torch.float64):
    """Build a network with a smooth, curved logit."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = nn.Linear(dim, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0)
        model = nn.Sequential(*layers)
    return model.to(dtype)


def random_tensor(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64):
    """Draw normal entries without touching the global generator."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)
