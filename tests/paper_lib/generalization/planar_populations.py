"""Finite populations of rows in the plane."""

import math

import torch

from paper_lib.robust_sets import RobustSets


def population(seed, size=40):
    """Rows whose lines cross the disc, as in Lemma 1 for margins below 2 epsilon."""
    generator = torch.Generator().manual_seed(seed)
    angles = 2 * math.pi * torch.rand(size, generator=generator, dtype=torch.float64)
    offsets = 2 * torch.rand(size, generator=generator, dtype=torch.float64) - 1
    normals = torch.stack([angles.cos(), angles.sin()], dim=1)
    return RobustSets(normals=normals, offsets=offsets, epsilon=1.0)


def coin(heads, tails, *, both=False):
    """The family {heads}, or {heads, tails}, on a population of tosses."""
    normals = torch.zeros(heads + tails, 2, dtype=torch.float64)
    signs = torch.tensor([1.0] * heads + [-1.0] * tails, dtype=torch.float64)
    if both:  # v decides: to the right heads, to the left tails, both on a line
        normals[:, 0] = signs
    offsets = torch.zeros_like(signs) if both else signs.clamp(max=0.0)
    return RobustSets(normals=normals, offsets=offsets, epsilon=1.0)
