"""Problems that several test files of the defense share."""

import itertools

import numpy as np
import torch

from paper_lib.defense.exact.boxes import box_search
from paper_lib.defense.rows import as_perturbation, unit_rows
from paper_lib.defense.solution import certify
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor

F32, F64 = torch.float32, torch.float64


def make_sets(normals, offsets, epsilon=1.0, dtype=F64):
    return RobustSets(
        normals=torch.as_tensor(normals, dtype=dtype),
        offsets=torch.as_tensor(offsets, dtype=dtype),
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


def few_rows(n, dim, seed, epsilon=0.8, shift=-0.3, dtype=F64):
    """Rows few enough for brute force, of which some conflict."""
    return random_sets(n, dim, seed, epsilon, shift, dtype)


def most_satisfied(sets):
    """Try the shortest point on the boundaries of each choice of up to d rows.

    The shortest point of the largest set of rows that can be satisfied is among them.

    Returns:
        The largest count.
    """
    normals, offsets = sets.normals.double().numpy(), sets.offsets.double().numpy()
    n, dim = normals.shape
    lengths = np.linalg.norm(normals, axis=1)
    reach = np.where(lengths > 0, lengths, 1.0)
    normals = normals / reach[:, None]
    thresholds = -offsets / reach
    most = int((thresholds <= 0).sum())
    for size in range(1, dim + 1):
        chosen = itertools.combinations(np.flatnonzero(lengths > 0).tolist(), size)
        rows = np.array(list(chosen), dtype=np.int64).reshape(-1, size)
        inverses = np.linalg.pinv(normals[rows])
        points = np.einsum("kds,ks->kd", inverses, thresholds[rows])
        points = points[np.linalg.norm(points, axis=1) <= sets.epsilon + 1e-12]
        counts = (points @ normals.T >= thresholds - 1e-9).sum(axis=1)
        most = max(most, int(counts.max(initial=0)))
    assert n >= most
    return most


def certified(search, sets, **settings):
    """Run an exact method to its end: the certificate of what it found."""
    best, evidence = certify(sets, torch.zeros_like(sets.normals[0])), None
    for progress in search(unit_rows(sets), **settings):
        if progress.point is not None:
            assert np.linalg.norm(progress.point) <= 1.0 + 1e-12
            found = certify(sets, as_perturbation(progress.point, sets))
            best = max(best, found, key=lambda c: c.lower_count)
        evidence = progress.evidence or evidence
    # Boxes always give evidence; hitting sets need a conflict for it.
    assert evidence is not None or search is not box_search
    return certify(sets, best.perturbation, evidence)


def bounds_of(certificate):
    return certificate.lower_count, certificate.upper_count
