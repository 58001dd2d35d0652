"""What z3 proves for all reals, and what it refutes with a counterexample."""

import sys
from fractions import Fraction

import pytest
import torch

from experiments.z3_questions import STATEMENTS, prove
from paper_lib.attacks import fgm
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("name", STATEMENTS)
def test_statements_come_out_as_they_should(name, dim):
    found = prove(name, dim)
    assert found.verdict == STATEMENTS[name].expected
    assert bool(found.counterexample) == (found.verdict == "refuted")
    for axis in range(1, dim + 1):
        assert f"v{axis}" in found.question or name.startswith("fgm_")
    assert f"g{dim + 1}" not in found.question


def test_all_claims_of_the_lemmas_and_the_controls_are_there():
    verdicts = [statement.expected for statement in STATEMENTS.values()]
    assert verdicts.count("proved") == 5
    assert verdicts.count("refuted") == 3


def numbers(counterexample, name, dim):
    """Read a vector of a counterexample; a number it leaves open may be zero."""
    found = [counterexample.get(f"{name}{j}", "0") for j in range(1, dim + 1)]
    return [Fraction(number) for number in found]


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_counterexample_to_the_strict_reading_lands_on_the_boundary(dim):
    found = prove("strict_reading", dim).counterexample
    f, epsilon = Fraction(found["f"]), Fraction(found["epsilon"])
    g, v, a = (numbers(found, name, dim) for name in "gva")
    moved = f + sum(x * (y + z) for x, y, z in zip(g, v, a, strict=True))
    assert f > 0
    assert moved == 0
    assert sum(x * x for x in a) <= epsilon**2
    lin = Linearization(
        logits=torch.tensor([float(f)], dtype=torch.float64),
        gradients=torch.tensor([[float(x) for x in g]], dtype=torch.float64),
    )
    sets = RobustSets.from_linearization(lin, float(epsilon))
    at = torch.tensor([float(x) for x in v], dtype=torch.float64)
    assert sets.contains(at).all()  # by the convention of Eq. (3): closed


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_wrong_sign_loses_on_its_counterexample(dim):
    found = prove("fgm_with_the_wrong_sign", dim).counterexample
    g, v, a = (
        torch.tensor([[float(x) for x in numbers(found, name, dim)]]).double()
        for name in "gva"
    )
    f, epsilon = (
        torch.tensor([float(Fraction(found[key]))]).double() for key in ("f", "epsilon")
    )
    lin = Linearization(logits=f, gradients=g)
    step = fgm(lin, float(epsilon))
    assert not lin.label_survives(a, v).any()
    assert lin.label_survives(-step, v).all()
    assert not lin.label_survives(step, v).any()


def test_the_question_is_the_claims_opposite():
    text = prove("lemma_1_sufficient", 1).question
    for line in ("(> f 0.0)", "(>= n 0.0)", "(= (* n n) (+ (* g1 g1)))"):
        assert line in text
    assert text.count("assert") == 7


@pytest.mark.bad_input
def test_without_z3(monkeypatch):
    monkeypatch.setitem(sys.modules, "z3", None)
    with pytest.raises(ImportError, match=r"needs z3; install it with pip install"):
        prove("fgm_effect", 1)


@pytest.mark.bad_input
def test_what_is_no_statement():
    with pytest.raises(ValueError, match=r"name must be one of .*, got 'lemma_9'"):
        prove("lemma_9", 1)
    with pytest.raises(ValueError, match="dim must be 1, 2 or 3, got 4"):
        prove("fgm_effect", 4)
