"""The linear pieces of tiny networks, listed one by one; calls nothing of the library.

Along a segment every pattern of ReLUs and maxima is tried, and its interval computed.
In the plane a square is cut by one neuron's line after another.
"""

import itertools

import numpy as np
from torch import nn


def weights_of(model):
    """Read the fully connected layers, as arrays."""
    return [
        (layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy())
        for layer in model
        if isinstance(layer, nn.Linear)
    ]


def intervals(model, start, end):
    """List the intervals of [0, 1] on which ReLUs keep their pattern, and f's ends."""
    weights = weights_of(model)
    hidden = sum(len(bias) for _, bias in weights[:-1])
    found = []
    for pattern in itertools.product((False, True), repeat=hidden):
        low, high, active = 0.0, 1.0, list(pattern)
        at = np.stack([start, end - start])  # constant and slope in t
        for number, (matrix, bias) in enumerate(weights):
            at = at @ matrix.T
            at[0] += bias
            if number == len(weights) - 1:
                break
            on = np.array([active.pop(0) for _ in bias])
            low, high = _cut(low, high, np.where(on, 1.0, -1.0) * at)
            at = at * on
        if low < high:
            found.append(
                (low, high, at[0, 0] + low * at[1, 0], at[0, 0] + high * at[1, 0])
            )
    return sorted(found)


def pool_intervals(pixels, step, groups, outer):
    """List the intervals on which each maximum is taken by the same pixel."""
    # Pixels are ``pixels + t * step`` after a linear layer; ``groups`` holds the places
    # of each window; ``outer`` are the weights of the ReLUs of the maxima.
    found = []
    for chosen in itertools.product(*groups):
        for pattern in itertools.product((False, True), repeat=len(groups)):
            low, high = 0.0, 1.0
            top = np.stack([pixels[list(chosen)], step[list(chosen)]])
            for place, group in zip(chosen, groups, strict=True):
                others = np.stack(
                    [pixels[place] - pixels[group], step[place] - step[group]]
                )
                low, high = _cut(low, high, others)
            low, high = _cut(low, high, np.where(pattern, 1.0, -1.0) * top)
            if low < high:
                value = (top * pattern) @ outer
                found.append(
                    (low, high, value[0] + low * value[1], value[0] + high * value[1])
                )
    return sorted(found)


def _cut(low, high, lines):
    """Keep the part of an interval where no line ``(constant, slope)`` is negative."""
    for constant, slope in lines.T:
        if slope == 0:
            low, high = (low, high) if constant >= 0 else (1.0, 0.0)
        elif slope > 0:
            low = max(low, -constant / slope)
        else:
            high = min(high, -constant / slope)
    return low, high


def cells(model, size):
    """Cut the square of this half side into polygons, with slope and constant of f."""
    # In one dimension the second coordinate changes nothing.
    square = size * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    dim = weights_of(model)[0][0].shape[1]
    parts = [(square, np.eye(2)[:dim], np.zeros(dim))]
    weights = weights_of(model)
    for number, (matrix, bias) in enumerate(weights):
        parts = [(p, matrix @ slope, matrix @ at + bias) for p, slope, at in parts]
        if number < len(weights) - 1:
            for unit in range(len(bias)):
                parts = [piece for part in parts for piece in _split(*part, unit)]
    return [(polygon, slope[0], at[0]) for polygon, slope, at in parts]


def _split(polygon, slope, at, unit):
    """Part a polygon by the line of one unit, which is switched off on one side."""
    on = clip(polygon, slope[unit], at[unit])
    off = clip(polygon, -slope[unit], -at[unit])
    keep = np.arange(len(at)) != unit
    if len(on):
        yield on, slope, at
    if len(off):
        yield off, slope * keep[:, None], at * keep


def clip(polygon, normal, offset):
    """Keep the part of a convex polygon where ``normal @ x + offset >= 0``."""
    height = polygon @ normal + offset
    kept = []
    for here, there, a, b in zip(
        polygon, np.roll(polygon, -1, 0), height, np.roll(height, -1), strict=True
    ):
        if a >= 0:
            kept.append(here)
        if a * b < 0:
            kept.append(here + (there - here) * (a / (a - b)))
    thin = len(kept) < 3 or height.max() <= 1e-12
    return np.zeros((0, 2)) if thin else np.array(kept)


def distance(polygon, point):
    """Compute how far a point is from a convex polygon, listed counterclockwise."""
    if len(polygon) == 0:
        return np.inf
    edges = np.roll(polygon, -1, 0) - polygon
    away = point - polygon
    if (edges[:, 0] * away[:, 1] - edges[:, 1] * away[:, 0] >= 0).all():
        return 0.0
    length = np.maximum((edges**2).sum(1), 1e-300)
    share = np.clip((edges * away).sum(1) / length, 0.0, 1.0)
    return np.sqrt(((away - share[:, None] * edges) ** 2).sum(1)).min()


def distance_to_flip(pieces, center, sign):
    """Compute how far the nearest point is where ``sign * f < 0``."""
    return min(
        distance(clip(polygon, -sign * slope, -sign * at), center)
        for polygon, slope, at in pieces
    )


def distance_to_disagreement(pieces, center, tangent):
    """Compute how far the nearest point is where f and its tangent differ in sign."""
    slope_l, at_l = tangent
    return min(
        distance(
            clip(clip(polygon, side * slope, side * at), -side * slope_l, -side * at_l),
            center,
        )
        for polygon, slope, at in pieces
        for side in (-1.0, 1.0)
    )


def largest_gap(pieces, center, tangent, radius):
    """Compute the largest value of ``|f - f_L|`` in a disc."""
    slope_l, at_l = tangent
    largest = 0.0
    for polygon, slope, at in pieces:
        slope, at = slope - slope_l, at - at_l
        places = [*polygon[((polygon - center) ** 2).sum(1) <= radius**2]]
        places += _on_circle(polygon, center, radius)
        if (length := np.sqrt(slope @ slope)) > 0:
            for side in (-1.0, 1.0):
                outermost = center + side * radius / length * slope
                places += [outermost] if distance(polygon, outermost) < 1e-12 else []
        largest = max([largest, *(abs(place @ slope + at) for place in places)])
    return largest


def _on_circle(polygon, center, radius):
    """List where the edges of a polygon meet a circle."""
    found = []
    for here, there in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        edge, away = there - here, here - center
        a, b, c = edge @ edge, edge @ away, away @ away - radius**2
        if a > 0 and b * b - a * c >= 0:
            roots = [(-b + side * np.sqrt(b * b - a * c)) / a for side in (-1.0, 1.0)]
            found += [here + root * edge for root in roots if 0 <= root <= 1]
    return found
