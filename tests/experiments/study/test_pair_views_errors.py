"""Views that cannot be computed."""

import pytest

from experiments.study.pair_views import PairView
from experiments.tables.classifiers import ClassifierConfig

pytestmark = pytest.mark.bad_input


def test_a_view_needs_a_point_to_choose_from():
    with pytest.raises(ValueError, match=r"num_points must be at least 1, got 0"):
        PairView(classifier=ClassifierConfig(), epsilon=1.0, num_points=0)


def test_a_view_needs_a_budget():
    with pytest.raises(ValueError, match=r"epsilon must be finite and > 0, got 0.0"):
        PairView(classifier=ClassifierConfig(), epsilon=0.0)
