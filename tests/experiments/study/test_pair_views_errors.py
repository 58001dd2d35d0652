"""Views that cannot be computed."""

import pytest

from experiments.store.pair_settings import Site
from experiments.study.pair_views import PairView
from experiments.tables.classifiers import ClassifierConfig
from paper_lib.models import TrainConfig

pytestmark = pytest.mark.bad_input


def test_a_view_needs_a_point_to_choose_from():
    with pytest.raises(ValueError, match=r"num_points must be at least 1, got 0"):
        PairView(classifier=ClassifierConfig(), epsilon=1.0, num_points=0)


def test_a_view_needs_a_budget():
    with pytest.raises(ValueError, match=r"epsilon must be finite and > 0, got 0.0"):
        PairView(classifier=ClassifierConfig(), epsilon=0.0)


def test_where_no_image_tells_none_is_shown():
    train = TrainConfig(channels=(2, 3), hidden=6, learning_rate=0.01, epochs=3)
    classifier = ClassifierConfig(classes=(3, 8), train=train, num_fit=300)
    view = PairView(classifier=classifier, epsilon=1e-6)
    with pytest.raises(ValueError, match=r"^epsilon must let an image tell.* 3-8 seed"):
        view.run(Site(source="embedded"))
