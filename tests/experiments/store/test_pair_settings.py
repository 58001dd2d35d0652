"""What runs on two classes share: how they are called, and their images."""

import pytest
import torch

from experiments.section5.bound_runs import BoundsConfig
from experiments.section5.reuse import ReuseConfig
from experiments.store import pair_settings
from experiments.store.pair_settings import PairSettings, Site
from experiments.tables.table_2 import PairConfig
from paper_lib.data import load_pair

EMBEDDED = Site(source="embedded")


def test_a_person_and_a_file_name_say_which_pair_it_is():
    shared = {"dataset": "fashion-mnist", "classes": (5, 7), "seed": 3}
    assert PairSettings(**shared).label == "fashion-mnist 5-7 seed 3"
    assert PairConfig(**shared).label == "fashion-mnist 5-7 seed 3, ramp, raw rows"
    stems = [
        run.stem
        for run in (
            PairConfig(**shared),
            BoundsConfig(**shared, epsilon=1.0),
            ReuseConfig(**shared),
        )
    ]
    name = "fashion-mnist-5-7-seed3"
    assert stems == [name, f"bounds-{name}", f"reuse-{name}"]


def test_what_a_name_begins_with_is_no_setting():
    assert "prefix" not in BoundsConfig(epsilon=1.0).settings


def test_images_are_those_of_the_pair_and_read_once(monkeypatch):
    read, load_splits = [], pair_settings.load_splits

    def counted(*args, **options):
        read.append(args)
        return load_splits(*args, **options)

    monkeypatch.setattr(pair_settings, "load_splits", counted)
    pair_settings._splits.cache_clear()
    for classes in ((0, 1), (3, 8)):
        found = PairSettings(classes=classes).images(EMBEDDED)
        expected = load_pair("mnist", classes, source="embedded")
        assert found.fingerprint == expected.fingerprint
        assert torch.equal(found.test.labels, expected.test.labels)
    assert read == [("mnist",)]


@pytest.mark.bad_input
@pytest.mark.parametrize("make", [PairSettings, PairConfig, ReuseConfig])
def test_a_seed_that_is_none(make):
    with pytest.raises(ValueError, match=r"^seed must be an integer"):
        make(seed=-1)


@pytest.mark.bad_input
def test_a_site_without_its_device():
    with pytest.raises(ValueError, match=r"^device must be .*got 'cuda:99'"):
        Site(device="cuda:99")
