"""Settings every test shares.

Nothing of ``paper_lib`` is imported here: the jaxtyping hook has to come first.
"""

import os
from contextlib import contextmanager
from pathlib import Path

import jaxtyping
import pytest
import torch
from hypothesis import settings

RESULTS = Path(__file__).resolve().parents[1] / "results"

settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, max_examples=100
)
settings.register_profile("fuzz", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items):
    """Skip what wants the complete data where there are none."""
    if not os.environ.get("PAPER_LIB_DATA"):
        skip = pytest.mark.skip(reason="PAPER_LIB_DATA names no complete data")
        for item in items:
            if "fulldata" in item.keywords:
                item.add_marker(skip)


@contextmanager
def shapes_unchecked():
    """No look at shapes: at the thousandth call they are those of the first.

    Where an exact method or many samples call the same few functions again and again,
    looking takes several times as long as computing. Other tests call them, too.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        yield


@pytest.fixture
def unchecked():
    """See above."""
    with shapes_unchecked():
        yield


@pytest.fixture(scope="session")
def table_1():
    """The published runs of Table 1."""
    from experiments.tables.planning import plan
    from experiments.tables.table_1 import load_plan

    with shapes_unchecked():
        results, missing = load_plan(plan(), RESULTS / "table1")
    assert not missing
    return results


@pytest.fixture(scope="session")
def table_1_batches():
    """Its primary choice once more, as batches on a GPU."""
    from experiments.gpu.batched import TOGETHER
    from experiments.tables.planning import plan
    from experiments.tables.table_1 import load_plan

    groups = plan(primary_only=True)
    with shapes_unchecked():
        results, missing = load_plan(groups, RESULTS / "table1_gpu", stages=TOGETHER)
    assert not missing
    return results


@pytest.fixture(autouse=True)
def one_thread():
    """One thread of torch, whatever a test did before."""
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(1)
