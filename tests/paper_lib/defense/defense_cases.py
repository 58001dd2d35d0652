"""Problems that several test files of the defense share."""

import itertools

import numpy as np
import torch

from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor

F32, F64 = torch.float32, torch.float64


def make_sets(normals, offsets, epsilon=1.0, dtype=F64):
    return RobustSets(
        normals=torch.tensor(normals, dtype=dtype),
        offsets=torch.tensor(offsets, dtype=dtype),
        epsilon=epsilon,
    )


def random_sets(n=40, dim=6, seed=0, epsilon=1.0, shift=-0.5, dtype=F64):
    return RobustSets(
        normals=random_tensor(n, dim, seed=seed, dtype=dtype),
        offsets=random_tensor(n, seed=seed + 1000, dtype=dtype) + shift,
        epsilon=epsilon,
    )


def scaled(sets, factor):
    return RobustSets(
        normals=sets.normals * factor,
        offsets=sets.offsets * factor,
        epsilon=sets.epsilon,
    )


def clustered(n, seed, dim=8):
    """Margins and gradients that a sample of another seed shares."""
    labels = torch.arange(n) % 2 * 2.0 - 1.0
    gradients = 0.7 * random_tensor(n, dim, seed=seed)
    gradients[:, 0] += 1.0 + 0.8 * labels
    gradients[:, 1] += labels
    logits = labels * (1.0 + random_tensor(n, seed=seed + 1).abs())
    return Linearization(logits=logits.double(), gradients=gradients)


def replace_budget(sets, epsilon):
    return RobustSets(normals=sets.normals, offsets=sets.offsets, epsilon=epsilon)


def count(sets, v):
    return int(sets.contains(v).sum())


def best_in_the_plane(sets):
    """The largest count over a fine grid, and over all vertices moved a little."""
    normals, offsets = sets.normals.double().numpy(), sets.offsets.double().numpy()
    axis = np.linspace(-sets.epsilon, sets.epsilon, 201)
    points = [np.array(list(itertools.product(axis, axis)))]
    for i, j in itertools.combinations(range(len(offsets)), 2):
        pair = normals[[i, j]]
        if abs(np.linalg.det(pair)) > 1e-9:
            vertex = np.linalg.solve(pair, -offsets[[i, j]])
            angles = np.linspace(0.0, 2 * np.pi, 16, endpoint=False)
            ring = np.column_stack([np.cos(angles), np.sin(angles)])
            points.append(vertex + 1e-6 * ring)
    every = np.concatenate(points)
    every = every[np.linalg.norm(every, axis=1) <= sets.epsilon]
    return int((every @ normals.T + offsets >= 0).sum(axis=1).max())
