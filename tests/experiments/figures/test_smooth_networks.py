"""Smooth networks of the plane, and the bound of their curvature."""

import pytest
import torch

from experiments.figures.smooth_networks import (
    SoftplusNetwork,
    disc_curvature,
    taylor_error,
    train_softplus,
    two_moons,
)
from paper_lib.geometry import disc_grid
from paper_lib.linearize import linearize

F64 = torch.float64


def bent(seed, width=6):
    """A network with weights large enough to bend, of both signs at the end."""
    network = SoftplusNetwork(width, seed).requires_grad_(False)
    network.hidden.weight *= 4.0
    return network


def hessian_norms(network, places):
    """The Hessians' spectral norms, by differentiating twice."""
    hessians = [
        torch.autograd.functional.hessian(lambda at: network(at[None])[0], place)
        for place in places
    ]
    return torch.linalg.matrix_norm(torch.stack(hessians), ord=2)


@pytest.mark.parametrize("seed", range(4))
def test_no_hessian_in_the_ball_is_above_the_bound(seed):
    network, radius = bent(seed), 0.3
    centers = 2.0 * disc_grid(1.0, num_rings=2, num_angles=5)
    bound = network.curvature(centers, radius)
    offsets = disc_grid(radius, num_rings=2, num_angles=12)
    for center, most in zip(centers, bound, strict=True):
        norms = hessian_norms(network, center + offsets)
        assert float(norms.max()) <= float(most) * (1 + 1e-9)


def test_the_bound_is_the_norm_for_weights_of_one_sign_at_radius_zero():
    network = bent(1)
    network.output.weight.abs_()
    centers = disc_grid(1.0, num_rings=2, num_angles=5)
    norms = hessian_norms(network, centers)
    torch.testing.assert_close(network.curvature(centers, 0.0), norms)
    network.output.weight.neg_()
    torch.testing.assert_close(network.curvature(centers, 0.0), norms)


def test_the_bound_at_the_center_alone_would_be_too_small():
    """Negative control: in the ball the curvature is larger than at its center."""
    network = bent(1)
    centers = 2.0 * disc_grid(1.0, num_rings=2, num_angles=5)
    offsets = disc_grid(0.3, num_rings=2, num_angles=12)
    norms = torch.stack(
        [hessian_norms(network, center + offsets).max() for center in centers]
    )
    assert bool((norms > network.curvature(centers, 0.0) * 1.01).any())


@pytest.mark.parametrize("seed", range(3))
def test_the_error_is_within_taylors_bound(seed):
    network, radius = bent(seed), 0.4
    centers = 2.0 * disc_grid(1.0, num_rings=2, num_angles=5)
    lin = linearize(network, centers)
    offsets = disc_grid(radius)
    moved = torch.stack([network(center + offsets) for center in centers])
    gaps = (moved - lin.logits[:, None] - lin.gradients @ offsets.T).abs().amax(1)
    bound = taylor_error(network.curvature(centers, radius), radius)
    assert bool((gaps <= bound * (1 + 1e-9)).all())
    assert float((gaps / bound).max()) > 0.3, "and it is no loose bound everywhere"


def test_the_error_of_the_disc_is_the_square_of_the_distance():
    twos = disc_curvature(torch.zeros(2, 2, dtype=F64), 0.3)
    torch.testing.assert_close(
        taylor_error(twos, 0.3), torch.full((2,), 0.09, dtype=F64)
    )


def test_moons_are_two_classes_that_a_trained_network_tells_apart():
    points, labels = two_moons(40, 3)
    assert labels.sum() == 0
    network = train_softplus(points, labels, seed=3)
    assert not any(weight.requires_grad for weight in network.parameters())
    right = int((network(points) * labels > 0).sum())
    # More than the best straight line in the sense of least squares.
    design = torch.cat([points, torch.ones(40, 1, dtype=F64)], dim=1)
    plane = torch.linalg.lstsq(design, labels[:, None]).solution
    straight = int(((design @ plane)[:, 0] * labels > 0).sum())
    assert straight + 2 < 37 <= right


def test_equal_seeds_are_equal_and_leave_torchs_generator():
    before = torch.get_rng_state()
    again = [two_moons(10, seed)[0] for seed in (1, 1, 2)]
    networks = [SoftplusNetwork(3, seed).hidden.weight for seed in (1, 1, 2)]
    for first, same, other in (again, networks):
        assert torch.equal(first, same)
        assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())
