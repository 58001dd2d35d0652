"""Settings every test shares.

Nothing of ``paper_lib`` is imported here: the jaxtyping hook has to come first.
"""

import os

import pytest
import torch
from hypothesis import settings

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


@pytest.fixture(autouse=True)
def one_thread():
    """One thread of torch, whatever a test did before."""
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(1)
