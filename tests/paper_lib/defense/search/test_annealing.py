"""The smooth relaxation, sharpened step by step."""

import pytest
import torch

from paper_lib.defense import ramp_ascent
from paper_lib.defense.rows import unit_rows
from paper_lib.defense.search.annealing import anneal, anneal_from_several
from tests.paper_lib.defense.defense_cases import count, make_sets, random_sets


def test_annealing_leaves_the_dead_zone_of_the_ramp():
    sets = make_sets([[1.0, 0.0], [1.0, 0.2]], [-0.5, -0.5])
    rows = unit_rows(sets)
    u = anneal_from_several(rows.normals, rows.thresholds, seed=0)
    assert ramp_ascent(sets).coverage == 0.0
    assert count(sets, u) == 2


def test_a_batch_is_its_members_one_by_one():
    rows = [unit_rows(random_sets(n=50, dim=5, seed=s, shift=-1.0)) for s in range(3)]
    size = min(len(r.thresholds) for r in rows)
    normals = torch.stack([r.normals[:size] for r in rows])
    asked = torch.stack([r.thresholds[:size] for r in rows])
    together = anneal(normals, asked, torch.zeros(3, 5).double(), num_steps=30)
    for number in range(3):
        alone = anneal(
            normals[number],
            asked[number][None],
            torch.zeros(1, 5).double(),
            num_steps=30,
        )
        assert torch.allclose(alone[0], together[number], atol=1e-9)
    shared = anneal(normals[0], asked[:1], torch.eye(5)[:2].double(), num_steps=30)
    assert shared.shape == (2, 5)
    assert bool((shared.norm(dim=-1) <= 1.0 + 1e-12).all())


def test_the_best_iterate_is_returned():
    """One long step too many: the start satisfied the row, the end does not."""
    normals, asked = torch.tensor([[1.0], [-1.0], [-1.0]]), torch.tensor([[0.0] * 3])
    u = anneal(
        normals,
        asked,
        torch.zeros(1, 1),
        num_steps=1,
        first_step=0.5,
        last_step=0.5,
    )
    assert u.tolist() == [[0.0]]


def test_annealing_leaves_its_operands_as_they_are():
    normals, asked, start = (
        torch.eye(3),
        torch.full((1, 3), 0.5),
        torch.full((1, 3), 0.1),
    )
    for kept in (normals, normals[None]):
        copies = [one.clone() for one in (kept, asked, start)]
        anneal(kept, asked, start, num_steps=3)
        assert all(map(torch.equal, copies, (kept, asked, start)))


def test_random_starts_use_their_seed():
    rows = unit_rows(random_sets(n=300, dim=8, seed=2))
    found = [
        anneal_from_several(rows.normals, rows.thresholds, seed=seed)
        for seed in (0, 0, 1)
    ]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"num_steps": 0}, r"^num_steps must be at least 1, got 0\."),
        ({"first_width": float("inf")}, r"^widths must be finite with 0 < last_width"),
        ({"last_width": 0.5}, r"^widths must be .* got 0\.5 and 0\.3\."),
        ({"last_width": 0.0}, r"^widths must be .* got 0\.0 and 0\.3\."),
        ({"last_step": 0.2}, r"^steps must be finite with 0 < last_step"),
        ({"last_step": -1.0}, r"^steps must be finite with 0 < last_step"),
        ({"first_step": float("nan")}, r"^steps must be .* got 0\.002 and nan\."),
    ],
)
def test_settings_of_the_annealing(settings, match):
    with pytest.raises(ValueError, match=match):
        anneal(torch.eye(2), torch.zeros(1, 2), torch.zeros(1, 2), **settings)
