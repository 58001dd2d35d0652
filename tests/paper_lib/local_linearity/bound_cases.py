"""What the bounds claim, checked: each check lists the claims that are false.

A list is empty for the library, and must not be for one whose bounds are too tight.
"""

import math
from fractions import Fraction

import torch
from torch import nn

from paper_lib.local_linearity import certify_agreement, linearization_error
from paper_lib.local_linearity.agreement import sign_is_kept
from paper_lib.local_linearity.layers import piecewise_linear_layers
from tests.paper_lib.local_linearity.exact_discs import f_and_tangent, places
from tests.paper_lib.local_linearity.exact_lines import on_a_line, rational, value
from tests.paper_lib.local_linearity.networks import F64, dense, mixture

LINE_WIDTHS = [(1, 8), (1, 4, 3), (1, 6, 5, 3)]


def scaled(model, scale):
    """Multiply the weights by a number, biases so that the bends stay."""
    total = 1.0
    for layer in model:
        if isinstance(layer, nn.Linear):
            total *= scale
            layer.weight.data.mul_(scale)
            layer.bias.data.mul_(total)
    return model


def points_on_a_line(count, seed):
    return torch.randn(
        count, 1, dtype=F64, generator=torch.Generator().manual_seed(seed)
    )


def false_on_lines(scale=1.0, seeds=range(2), radii=(0.2, 1.5)):
    """Compare with the exact error and agreement of networks of one input."""
    wrong, proven, ratios = [], 0, []
    for widths in LINE_WIDTHS:
        for seed in seeds:
            model = scaled(dense(*widths, seed=seed), scale)
            points = points_on_a_line(4, seed)
            for radius in radii:
                agrees = certify_agreement(model, points, radius)
                errors = linearization_error(model, points, radius, seed=seed)
                for i, point in enumerate(points[:, 0].tolist()):
                    error, agree = on_a_line(model, point, radius)
                    low, high = errors.lower[i].item(), errors.upper[i].item()
                    if not Fraction(low) <= error <= Fraction(high):
                        wrong.append((widths, seed, radius, point, low, error, high))
                    if agrees[i] and not agree:
                        wrong.append((widths, seed, radius, point, "sign"))
                    proven += bool(agrees[i])
                    ratios.append(float(Fraction(high) / error) if error else 1.0)
    return wrong, proven, ratios


def false_on_one_bend(scale=1.0, count=8):
    """Compare where one unit bends, so that its chord meets f at an end of the ball."""
    draw = torch.Generator().manual_seed(7)
    wrong, ratios = [], []
    for _ in range(count):
        a, w, x, share = (v.item() for v in torch.randn(4, dtype=F64, generator=draw))
        model = nn.Sequential(
            nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1), nn.Flatten(0)
        ).to(F64)
        radius = 1.0 + abs(x) / 3
        bend = x + radius * math.tanh(share)
        for layer, weight, bias in ((model[0], w, -w * bend), (model[2], a, 0.1)):
            layer.weight.data.fill_(weight)
            layer.bias.data.fill_(bias)
        scaled(model, scale)
        high = linearization_error(model, torch.tensor([[x]], dtype=F64), radius).upper
        error, _ = on_a_line(model, x, radius)
        ratios.append(float(Fraction(high.item()) / error))
        if Fraction(high.item()) < error:
            wrong.append((a, w, x, radius, high.item(), float(error)))
    return wrong, ratios


def false_on_planes(count=90, scale=1.0):
    """Compare the sign of a linear f with f^2 > r^2 |w|^2, the two nearly equal."""
    draw, wrong, proven = torch.Generator().manual_seed(3), [], 0
    for number in range(count):
        model = scaled(dense(3, seed=number), scale)
        model = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0)).to(F64)
        weight, x = torch.randn(2, 1, 3, dtype=F64, generator=draw)
        x = 1000 * x  # so that f is what is left of larger terms, and rounded
        near = (number % 7 - 3) * 2.0**-45 if number % 2 else 2.0 ** -(20 + number % 10)
        shift = scale * (1 + near)
        model[0].weight.data.copy_(scale * weight)
        radius = 0.75
        bias = radius * weight.norm() * shift - scale * (weight * x).sum()
        model[0].bias.data.fill_(bias.item())
        kept = bool(sign_is_kept(piecewise_linear_layers(model, x), x, radius))
        layers = rational(model)
        f = value(layers, [Fraction(v) for v in x[0].tolist()])
        length = sum(w * w for w in layers[0][0][0]) * Fraction(radius) ** 2
        if kept and not f * f > length:
            wrong.append((number, float(f)))
        proven += kept
    return wrong, proven


def false_on_discs(seeds=range(4), radii=(0.2, 0.6, 2.0)):
    """Compare with the exact error on discs, and with signs at many of their points."""
    wrong, ratios = [], []
    for seed in seeds:
        model = dense(2, 3 + seed, seed=seed)
        points = _gaussian(2, seed)[:3]
        for radius in radii:
            agrees = certify_agreement(model, points, radius)
            errors = linearization_error(model, points, radius)
            for i, center in enumerate(points.numpy()):
                offsets = places(model, center, radius)
                f, tangent = f_and_tangent(model, center, offsets)
                error = abs(f - tangent).max()
                low, high = errors.lower[i].item(), errors.upper[i].item()
                if not low - 1e-12 <= error <= high + 1e-12:
                    wrong.append((seed, radius, i, low, error, high))
                between = (offsets[:, None] + offsets[None]).reshape(-1, 2) / 2
                f, tangent = f_and_tangent(model, center, between)
                if agrees[i] and (f * tangent).min() < -1e-12:
                    wrong.append((seed, radius, i, "sign"))
                if error > 1e-9:
                    ratios.append((low / error, high / error))
    return wrong, ratios


def searched(model, points, radius, *, seed, steps=10):
    """Find a large error and a small product of f and its tangent, by gradients."""
    draw = torch.Generator().manual_seed(seed)
    leaf = points.clone().requires_grad_(True)
    here = model(leaf)
    (slope,) = torch.autograd.grad(here.sum(), leaf)
    here, largest = here.detach(), torch.zeros(len(points), dtype=F64)
    products = torch.full_like(largest, math.inf)
    for goal in ("up", "down", "cross"):
        offset = torch.randn(points.shape, dtype=F64, generator=draw)
        for step in range(steps):
            length = offset.flatten(1).norm(dim=1).view(-1, *[1] * (points.ndim - 1))
            offset = offset * (radius / length).clamp(max=1.0) * (1 - 1e-12)
            offset.requires_grad_(True)
            tangent = here + (slope * offset).flatten(1).sum(1)
            f = model(points + offset)
            error = f - tangent
            aim = {"up": error, "down": -error, "cross": -f * tangent.sign()}[goal]
            (ahead,) = torch.autograd.grad(aim.sum(), offset)
            offset = offset.detach()
            largest = torch.maximum(largest, error.detach().abs())
            products = torch.minimum(products, (f * tangent).detach())
            size = ahead.flatten(1).norm(dim=1).clamp(min=1e-300)
            size = size.view(-1, *[1] * (points.ndim - 1))
            offset = offset + ahead / size * radius * 0.7 * 0.9**step
    return largest, products


def false_by_search(names, radii, seeds=range(2)):
    """Search against the bounds on networks of every kind of layer."""
    wrong, pairs, proven, ratios = [], 0, 0, []
    for name in names:
        for seed in seeds:
            model, points = (
                mixture(name, seed)
                if isinstance(name, str)
                else (dense(*name, seed=seed), _gaussian(name[0], seed))
            )
            for radius in radii:
                agrees = certify_agreement(model, points, radius)
                errors = linearization_error(model, points, radius)
                largest, products = searched(model, points, radius, seed=seed)
                slack = 1e-12 * (1 + model(points).detach().abs())
                beaten = (largest > errors.upper + slack) | (
                    errors.lower > errors.upper
                )
                wrong += [(name, seed, radius, i) for i in beaten.nonzero().tolist()]
                flips = agrees & (products < -slack)
                wrong += [(name, seed, radius, "sign", i) for i in flips.nonzero()]
                pairs += len(points)
                proven += int(agrees.sum())
                ratios.append(errors.lower.sum() / errors.upper.sum())
    return wrong, pairs, proven, ratios


def _gaussian(dim, seed):
    return torch.randn(
        12, dim, dtype=F64, generator=torch.Generator().manual_seed(seed)
    )
