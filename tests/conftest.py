"""Settings every test shares.

Nothing of ``paper_lib`` is imported here: the jaxtyping hook has to come first.
"""

import os
import sys
from collections import Counter
from pathlib import Path
from typing import ClassVar

import jaxtyping
import pytest
import torch
from hypothesis import settings

from tests.schedule import FilesTogether, rank

RESULTS = Path(__file__).resolve().parents[1] / "results"

settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, max_examples=100
)
settings.register_profile("fuzz", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep more than files together, and the order, where files are kept together."""
    if config.option.dist != "loadfile":
        return None
    config.option.loadscopereorder = False
    return FilesTogether(config, log)


def pytest_collection_modifyitems(items):
    """Begin with what takes longest; skip what wants data where there are none."""
    items.sort(key=rank)
    if not os.environ.get("PAPER_LIB_DATA"):
        skip = pytest.mark.skip(reason="PAPER_LIB_DATA names no complete data")
        for item in items:
            if "fulldata" in item.keywords:
                item.add_marker(skip)


class FirstCalls(type(jaxtyping.config)):
    """Settings of the jaxtyping hook: it looks at the first calls of each test.

    A search calls the same few functions again and again, and a look at their shapes
    takes several times as long as they do.
    """

    most = 20  # calls of each function
    seen: ClassVar = Counter()

    @property
    def jaxtyping_disable(self):
        """Whether to let a call through; the wrapper of a function asks at each."""
        asking = sys._getframe(1).f_locals
        if self.is_off or "fn" not in asking:
            return self.is_off
        code = getattr(asking["fn"], "__code__", asking["fn"])
        self.seen[code] += 1
        return self.seen[code] > self.most

    @jaxtyping_disable.setter
    def jaxtyping_disable(self, value):
        self.is_off = value


jaxtyping.config.__class__ = FirstCalls
jaxtyping.config.is_off = vars(jaxtyping.config).pop("jaxtyping_disable")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Count calls anew, and let bad input through to what has a sentence for it."""
    config = jaxtyping.config
    config.seen.clear()
    before = config.is_off
    config.is_off = before or item.get_closest_marker("bad_input") is not None
    try:
        return (yield)
    finally:
        config.is_off = before


@pytest.fixture(scope="session")
def table_1():
    """The published runs of Table 1."""
    from experiments.tables.group_sweep import load_plan
    from experiments.tables.planning import plan

    results, missing = load_plan(plan(), RESULTS / "table1")
    assert not missing
    return results


@pytest.fixture(scope="session")
def table_1_batches():
    """Its primary choice once more, as batches on a GPU."""
    from experiments.gpu.batched import TOGETHER
    from experiments.tables.group_sweep import load_plan
    from experiments.tables.planning import plan

    groups = plan(primary_only=True)
    results, missing = load_plan(groups, RESULTS / "table1_gpu", stages=TOGETHER)
    assert not missing
    return results


@pytest.fixture(autouse=True)
def one_thread():
    """One thread of torch, whatever a test did before."""
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(1)
