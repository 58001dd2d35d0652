"""A network along a segment: every value, and every bend."""

import pytest
import torch
from torch import nn

from paper_lib.local_linearity import segments
from paper_lib.local_linearity.layers import piecewise_linear_layers
from paper_lib.local_linearity.segments import (
    SegmentPath,
    follow_layers,
    follow_segment,
)
from paper_lib.models import PairCNN
from tests.oracles import random_tensor
from tests.paper_lib.local_linearity.networks import (
    F64,
    MIXTURES,
    dense,
    images,
    mixture,
    seeded,
)
from tests.paper_lib.local_linearity.regions import intervals, pool_intervals


def path(positions, values):
    return SegmentPath(
        positions=torch.tensor(positions, dtype=F64),
        values=torch.tensor(values, dtype=F64),
    )


def worst_error(model, start, end, found, seed):
    """Compare a path with the network itself at a hundred places."""
    places = torch.rand(100, generator=torch.Generator().manual_seed(seed), dtype=F64)
    along = places.view(-1, *[1] * start.ndim)
    with torch.no_grad():
        dense_values = model.double().eval()(start + along * (end - start).double())
    return float((found.at(places) - dense_values).abs().max())


def some_or_all(few, many):
    """Parameters for a count: a part of the cases, and all among the slow tests."""
    return pytest.mark.parametrize(
        "count", [few, pytest.param(many, marks=pytest.mark.slow)]
    )


@some_or_all(5, 100)
def test_a_thousand_segments_equal_dense_evaluation(count):
    """Half of them through images, half in the plane."""
    worst = 0.0
    for name in MIXTURES:
        model, inputs = mixture(name, seed=5)
        layers = piecewise_linear_layers(model, inputs)
        for number in range(count):
            start, end = images(2, *inputs.shape[1:], seed=number)
            found = follow_layers(layers, torch.stack([start, 3.0 * end - 1.0]))
            error = worst_error(model, start, 3.0 * end - 1.0, found, number)
            worst = max(worst, error)
    for number in range(5 * count):
        model = dense(2, 6, 5, seed=number)
        start, end = random_tensor(2, 2, seed=number) * 3
        found = follow_segment(model, start, end)
        worst = max(worst, worst_error(model, start, end, found, number))
    assert worst < 1e-9


def test_values_between_fewer_bends_would_be_wrong():
    """Negative control: leave out every other position."""
    model, inputs = mixture("max", seed=5)
    start, end = inputs[0], 3.0 * inputs[1] - 1.0
    found = follow_segment(model, start, end)
    kept = sorted({*range(0, len(found.values), 2), len(found.values) - 1})
    thinned = SegmentPath(positions=found.positions[kept], values=found.values[kept])
    assert worst_error(model, start, end, thinned, 0) > 1e-6


def bends_of(pieces):
    """The ends of the intervals inside (0, 1), and the values there."""
    return [(high, value) for _, high, _, value in pieces[:-1]]


def holds_all(found, pieces):
    """Whether each bend is among the positions, with the value it has."""
    lowest, highest = pieces[0][0], pieces[-1][1]
    assert lowest == 0.0
    assert highest == 1.0
    assert sum(high - low for low, high, *_ in pieces) == pytest.approx(1.0, abs=1e-12)
    return all(
        (found.positions - where).abs().min() < 1e-9
        and abs(found.at(torch.tensor([where], dtype=F64)).item() - value) < 1e-9
        for where, value in bends_of(pieces)
    )


@some_or_all(12, 150)
def test_no_bend_of_150_segments_of_tiny_networks_is_missed(count):
    seen = 0
    for seed in range(count):
        model = dense(2, 4, 3, seed=seed)
        start, end = random_tensor(2, 2, seed=seed) * 3
        pieces = intervals(model, start.numpy(), end.numpy())
        assert holds_all(follow_segment(model, start, end), pieces)
        seen += len(pieces) - 1
    assert seen > 2 * count


def pooled(seed):
    """Two maxima of four, each with its ReLU, of an image after a convolution."""
    return seeded(
        lambda: nn.Sequential(
            nn.Conv2d(1, 1, 1), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(),
            nn.Linear(2, 1), nn.Flatten(0),
        ).double(),
        seed,
    )  # fmt: skip


@some_or_all(8, 50)
def test_no_bend_of_50_segments_through_maxima_is_missed(count):
    seen = 0
    for seed in range(count):
        model = pooled(seed)
        start, end = random_tensor(2, 1, 2, 4, seed=seed)
        scale, shift = (w.item() for w in model[0].parameters())
        outer, last = (w.detach().flatten().numpy() for w in model[4].parameters())
        pixels = (scale * start + shift).flatten().numpy()
        step = (scale * (end - start)).flatten().numpy()
        groups = [[0, 1, 4, 5], [2, 3, 6, 7]]
        pieces = [
            (low, high, a + last[0], b + last[0])
            for low, high, a, b in pool_intervals(pixels, step, groups, outer)
        ]
        assert holds_all(follow_segment(model, start, end), pieces)
        seen += len(pieces) - 1
    assert seen > 2 * count


def test_a_missed_bend_would_be_seen():
    """Negative control of the comparison with the list of intervals."""
    model = dense(2, 4, 3, seed=1)
    start, end = random_tensor(2, 2, seed=1) * 3
    pieces = intervals(model, start.numpy(), end.numpy())
    found = follow_segment(model, start, end)
    where = bends_of(pieces)[0][0]
    kept = (found.positions - where).abs() > 1e-9
    fewer = SegmentPath(positions=found.positions[kept], values=found.values[kept])
    assert not holds_all(fewer, pieces)


def test_the_papers_classifier_is_followed():
    model = seeded(lambda: PairCNN(channels=(4, 6), hidden=10), 2)
    start, end = images(2, 1, 28, 28, dtype=torch.float32)
    found = follow_segment(model, start, end)
    assert found.values.dtype == F64
    assert len(found.positions) > 100
    assert worst_error(model, start, end, found, 0) < 1e-9


def test_pieces_in_little_memory_are_the_same(monkeypatch):
    for name in MIXTURES:
        model, inputs = mixture(name, seed=2)
        whole = follow_segment(model, inputs[0], inputs[1])
        with monkeypatch.context() as patch:
            patch.setattr(segments, "_ENTRIES", 1000)
            parted = follow_segment(model, inputs[0], inputs[1])
        assert torch.equal(whole.positions, parted.positions)
        torch.testing.assert_close(whole.values, parted.values, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", MIXTURES)
def test_a_segment_of_no_length_is_constant(name):
    model, inputs = mixture(name)
    found = follow_segment(model, inputs[0], inputs[0])
    assert found.positions.tolist() == [0.0, 1.0]
    assert found.values[0] == found.values[1] == model.eval()(inputs[:1])


def test_neurons_that_bend_together_bend_once():
    model = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1), nn.Flatten(0))
    model.double().requires_grad_(False)
    model[0].weight[:, 0] = torch.tensor([1.0, 2.0, -4.0])
    model[0].bias[:] = torch.tensor([-1.0, -2.0, 4.0])
    start, end = torch.tensor([[-1.0], [3.0]], dtype=F64)
    assert follow_segment(model, start, end).positions.tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        ([1.0, -1.0, 3.0, 3.0], [0.125, 0.3125]),
        ([1.0, 0.0, 0.0, -1.0], [0.25]),
        ([0.0, 1.0, 0.0, 2.0], []),
        ([0.0, 0.0, 0.0, 0.0], []),
        ([0.0, 0.0, -1.0, 1.0], [0.75]),
        ([-1.0, 0.0, 1.0, 0.0], [0.25]),
    ],
)
def test_sign_changes(values, changes):
    assert path([0.0, 0.25, 0.5, 1.0], values).sign_changes().tolist() == changes


def test_a_path_between_its_positions():
    found = path([0.0, 0.5, 1.0], [0.0, 0.0, 3.0])
    assert found.at(torch.tensor([0.25, 0.75], dtype=F64)).tolist() == [0.0, 1.5]
