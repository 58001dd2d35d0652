"""Tiny networks of one input in rationals: their knots, errors and agreement, exactly.

Shares no code with the library: a network is a list of weights, read from the model.
"""

from fractions import Fraction
from itertools import pairwise

from torch import nn


def rational(model):
    """Read fully connected layers, with ReLU between them, as rationals."""
    return [
        (
            [[Fraction(w) for w in row] for row in layer.weight.tolist()],
            [Fraction(b) for b in layer.bias.tolist()],
        )
        for layer in model
        if isinstance(layer, nn.Linear)
    ]


def value(layers, point):
    """Evaluate a network of any number of inputs."""
    for number, (weight, bias) in enumerate(layers):
        point = [
            sum(w * v for w, v in zip(row, point, strict=True)) + b
            for row, b in zip(weight, bias, strict=True)
        ]
        if number + 1 < len(layers):
            point = [max(v, Fraction(0)) for v in point]
    return point[0]


def refine(knots, values):
    """Add the places where a function, linear between knots, is zero."""
    found = list(knots)
    for (a, b), (u, v) in zip(pairwise(knots), pairwise(values), strict=True):
        if u * v < 0:
            found.append(a + (b - a) * u / (u - v))
    return sorted(set(found))


def knots_of(layers, low, high):
    """List where the slope of a network of one input may change, ends included."""
    knots = [low, high]
    for depth in range(1, len(layers)):
        for unit in range(len(layers[depth - 1][0])):
            weight, bias = layers[depth - 1]
            head = [*layers[: depth - 1], ([weight[unit]], [bias[unit]])]
            knots = refine(knots, [value(head, [k]) for k in knots])
    return knots


def on_a_line(model, point, radius):
    """Find the largest error of the tangent in an interval, and whether signs agree."""
    layers, x, r = rational(model), Fraction(point), Fraction(radius)
    knots = knots_of(layers, x - r, x + r)
    assert x not in knots, "a knot has no tangent"
    values = [value(layers, [k]) for k in knots]
    (slope,) = [
        (v - u) / (b - a)
        for (a, b), (u, v) in zip(pairwise(knots), pairwise(values), strict=True)
        if a < x < b
    ]
    here = value(layers, [x])
    tangent = [here + slope * (k - x) for k in knots]
    error = max(abs(u - v) for u, v in zip(values, tangent, strict=True))
    places = sorted({*refine(knots, values), *refine(knots, tangent)})
    middle = [(a + b) / 2 for a, b in pairwise(places)]
    agree = all(value(layers, [k]) * (here + slope * (k - x)) >= 0 for k in middle)
    return error, agree
