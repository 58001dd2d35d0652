"""One hidden layer on a disc: every place where its largest error can be, listed.

The error of the tangent is linear between the lines where a unit bends. On a piece of
the disc it is largest at a corner, where a line meets the circle, or where the circle's
normal is the difference of two gradients. Shares no code with the library.
"""

import itertools
import math

import numpy as np


def network(model):
    """Read the weights of two fully connected layers."""
    first, last = model[0], model[2]
    return [w.detach().numpy() for w in (first.weight, first.bias, last.weight[0])], (
        last.bias.item()
    )


def evaluate(model, points):
    (weight, bias, out), shift = network(model)
    return np.maximum(points @ weight.T + bias, 0.0) @ out + shift


def places(model, center, radius):
    """List the candidates, as offsets within the disc."""
    (weight, bias, out), _ = network(model)
    ahead = weight @ center + bias
    found = [np.zeros(2)]
    for i, j in itertools.combinations(range(len(weight)), 2):
        if abs(np.linalg.det(weight[[i, j]])) > 1e-12:
            found.append(np.linalg.solve(weight[[i, j]], -ahead[[i, j]]))
    for row, value in zip(weight, ahead, strict=True):
        length = np.linalg.norm(row)
        foot = -value * row / length**2
        rest = radius**2 - foot @ foot
        if rest >= 0:
            along = math.sqrt(rest) * np.array([-row[1], row[0]]) / length
            found += [foot + along, foot - along]
    here = ahead > 0
    for pattern in itertools.product((False, True), repeat=len(weight)):
        change = (np.array(pattern) * 1.0 - here) * out @ weight
        if length := np.linalg.norm(change):
            found += [radius * change / length, -radius * change / length]
    offsets = np.array(found)
    return offsets[np.linalg.norm(offsets, axis=1) <= radius * (1 + 1e-12)]


def f_and_tangent(model, center, offsets):
    """Evaluate f and its tangent at offsets."""
    (weight, bias, out), _ = network(model)
    slope = ((weight @ center + bias > 0) * out) @ weight
    tangent = evaluate(model, center[None]) + offsets @ slope
    return evaluate(model, center + offsets), tangent
