"""The largest ball inside a piece of V*."""

import math

import numpy as np
import pytest

from paper_lib.defense.draws.inner_ball import Piece, inner_ball


def test_the_largest_ball_inside():
    _, radius = inner_ball(Piece(np.eye(3), np.zeros(3)), np.full(3, 0.1))
    assert radius == pytest.approx(1.0 / (1.0 + math.sqrt(3.0)), abs=1e-7)
    angles = np.arange(3) * 2 * np.pi / 3
    star = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for gap in (-0.1, 0.0, 0.1):  # negative: no point has them all
        _, radius = inner_ball(Piece(star, np.full(3, -gap)), np.array([0.3, 0.2]))
        assert radius == pytest.approx(gap, abs=1e-7)


def test_a_ball_stands_where_newton_has_no_step_left(monkeypatch):
    """As where slacks differ by more than sixteen digits, on some processors."""
    solve, calls = np.linalg.solve, []

    def fails_later(matrix, vector):
        calls.append(1)
        if len(calls) > 40:
            raise np.linalg.LinAlgError("Singular matrix")
        return solve(matrix, vector)

    monkeypatch.setattr(np.linalg, "solve", fails_later)
    center, radius = inner_ball(Piece(np.eye(3), np.full(3, -0.5)), np.zeros(3))
    assert len(calls) > 40
    reach = min((center + 0.5).min(), 1.0 - np.linalg.norm(center))
    assert radius == pytest.approx(reach)
    assert 0.6 < radius < 0.683
