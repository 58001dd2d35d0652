"""Classifiers are float32, whatever torch makes of a list of numbers by default."""

import copy
from contextlib import contextmanager

import pytest
import torch

from experiments.gpu.stacked import train_stacked
from experiments.store.pair_settings import Site
from experiments.store.record_files import plain
from experiments.tables.classifiers import ClassifierConfig, train_pair
from experiments.tables.scoring import ScoreConfig, score_pair
from paper_lib.linearize import linearize
from paper_lib.models import (
    PairCNN,
    TrainConfig,
    load_classifier,
    save_classifier,
    train_classifier,
)
from tests.paper_lib.models.test_models import images_of, weights_of

CONFIG = TrainConfig(channels=(2, 3), hidden=4, epochs=2)
DATA = images_of(32)


@contextmanager
def default(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def drawn():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return PairCNN()


def trained():
    return train_classifier(DATA, config=CONFIG, seed=0).model


def trained_in_a_batch():
    (result,) = train_stacked([DATA], config=CONFIG, seeds=[0])
    return result.model


@pytest.mark.parametrize("make", [drawn, trained, trained_in_a_batch])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_the_weights_are_the_same_bits(make, dtype):
    expected = weights_of(make())
    with default(dtype):
        found = weights_of(make())
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_storage_keeps_the_weights_and_their_dtype(dtype, tmp_path):
    model = drawn().to(dtype)
    with default(torch.float64):
        save_classifier(model, tmp_path / "weights")
        found = load_classifier(tmp_path / "weights")
    assert weights_of(found).dtype == dtype
    assert torch.equal(weights_of(found), weights_of(model))


def test_it_is_linearized_as_always():
    expected = linearize(drawn(), DATA.images)
    with default(torch.float64):
        found = linearize(drawn(), DATA.images)
    assert torch.equal(found.logits, expected.logits)
    assert torch.equal(found.gradients, expected.gradients)


def test_both_stages_of_a_run_give_the_same_record():
    config = ClassifierConfig(train=CONFIG, num_fit=100)
    score = ScoreConfig(classifier=config, epsilon=1.0, ramp_steps=5)

    def run():
        site = Site(source="embedded")
        found = train_pair(config, site)
        record = copy.deepcopy(score_pair(score, found, site))
        del record["provenance"]["seconds"], found.record["provenance"]["seconds"]
        return found.weights, plain(found.record), plain(record)

    expected = run()
    with default(torch.float64):
        assert run() == expected
