"""What is shown of a pair, computed once more by other means."""

import pytest
import torch

from experiments.store.pair_settings import Site
from experiments.study.pair_views import PairView, pair_views
from experiments.tables.classifiers import ClassifierConfig, fit_points, train_pair
from paper_lib.data import load_pair
from paper_lib.models import TrainConfig
from tests.experiments.study.made_up import made_up

EMBEDDED = Site(source="embedded")
TRAIN = TrainConfig(channels=(2, 3), hidden=6, learning_rate=0.01, epochs=3)
CLASSIFIER = ClassifierConfig(classes=(3, 8), train=TRAIN, num_fit=300)
CONFIG = PairView(classifier=CLASSIFIER, epsilon=0.8)


@pytest.fixture(scope="module")
def trained():
    return train_pair(CLASSIFIER, EMBEDDED)


@pytest.fixture(scope="module")
def view():
    return PairView.result(CONFIG.run(EMBEDDED))


@pytest.fixture(scope="module")
def pair():
    return load_pair("mnist", (3, 8), source="embedded")


def at_points(model, images):
    """Logits and gradients, one backward pass a point."""
    logits, slopes = [], []
    for image in images:
        place = image[None].clone().requires_grad_()
        logit = model(place)[0]
        logit.backward()
        logits.append(float(logit.detach()))
        slopes.append(place.grad.flatten().double())
    return torch.tensor(logits).double(), torch.stack(slopes)


def test_the_image_tells_and_the_moves_are_those_of_the_players(view, trained, pair):
    model, epsilon = trained.model(), CONFIG.epsilon
    x, a, v = view.parts
    step = view.reach / 254 + 1e-6
    f, slope = at_points(model, pair.test.images)
    attacks = -epsilon * (f.sign() / slope.norm(dim=1))[:, None] * slope
    moved = [f + (slope * move).sum(1) for move in (attacks, attacks + v)]
    found = [f.sign() * one for one in moved]
    # With v to the levels that are stored, a point within a step may go either way.
    clear = found[1].abs() > step * slope.norm(dim=1) * 28
    tells = (f * pair.test.labels > 0) & (found[0] < 0) & (found[1] >= 0)
    assert tells[view.place]
    assert not (tells & clear)[: view.place].any()
    assert 0 < tells.sum() < 200

    place = view.place
    assert view.label == pair.test.labels[place]
    assert torch.equal(255 * x, (255 * pair.test.images[place]).round().flatten())
    assert a == pytest.approx(attacks[place], abs=step)
    assert max(a.abs().max(), v.abs().max()) == pytest.approx(view.reach)
    here = [float(one[place]) for one in (f, *moved)]
    assert view.tangent == pytest.approx(here, abs=0.1)
    sums = [x, x + a, x + a + v]
    inputs = torch.stack(sums).reshape(3, 1, 28, 28).float()
    assert view.logits == pytest.approx(model(inputs).tolist(), abs=0.1)
    assert view.tangent[1] * view.logits[0] < 0 <= view.tangent[2] * view.logits[0]


def test_the_defense_covers_what_is_said(view, trained, pair):
    f, slope = at_points(
        trained.model(), pair.train.images[fit_points(CLASSIFIER, 800)]
    )
    normals = f.sign()[:, None] * slope
    slack = normals @ view.parts[2] + f.abs() - CONFIG.epsilon * slope.norm(dim=1)
    share = (slack >= 0).double().mean()
    assert view.coverage == pytest.approx(float(share), abs=0.02)
    still = (f.abs() >= CONFIG.epsilon * slope.norm(dim=1)).double().mean()
    assert view.coverage > float(still), "no more than without a defense"


def test_a_view_is_of_the_first_seed_and_of_each_pair_at_its_budget():
    runs = made_up(
        lambda *cell: (1.0, 2.0),
        pairs=((0, 1), (3, 8)),
        seeds=(7, 5),
        networks=("20-50-500",),
        protocols=("margin quantile",),
    )
    views = pair_views(runs)
    assert [view.label for view in views] == [
        f"{name} {pair} seed 5 budget 1.000"
        for name in ("mnist", "fashion-mnist")
        for pair in ("0-1", "3-8")
    ]
    assert views[0].record_name().startswith("view-mnist-0-1-seed5-")
    assert pair_views([]) == ()
