"""Whoever mixes up robust sets and linearizations is told so, by every function."""

import importlib
import inspect
import pkgutil

import pytest

import paper_lib
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets

KINDS = {Linearization: "Linearization", RobustSets: "RobustSets"}


def public_functions():
    """List the functions that packages export and that begin with one of these.

    Returns:
        Each function once, with its name, the argument's name and its class.
    """
    found = {}
    for part in pkgutil.iter_modules(paper_lib.__path__, "paper_lib."):
        for name, value in vars(importlib.import_module(part.name)).items():
            if inspect.isfunction(value) and not name.startswith("_"):
                first = next(iter(inspect.signature(value).parameters.values()), None)
                if first is not None and first.annotation in KINDS:
                    found[name] = (value, first.name, KINDS[first.annotation])
    return [pytest.param(*case, id=name) for name, case in sorted(found.items())]


def call(function, first, **named):
    """Give one argument, and None for whatever else is needed.

    Returns:
        What the function returns.
    """
    _, *others = inspect.signature(function).parameters.values()
    for other in others:
        if other.default is other.empty and other.kind is not other.VAR_POSITIONAL:
            named[other.name] = None
    return function(*first, **named)


def test_the_functions_are_found():
    names = {case.id for case in public_functions()}
    assert names >= {"utility", "exploitability", "search_attack", "compress", "fgm"}
    assert names >= {"expected_utility", "attack_candidates", "held_out_bound"}
    assert len(names) > 25


@pytest.mark.bad_input
@pytest.mark.parametrize("wrong", [None, "sets", 0.5, object])
@pytest.mark.parametrize(("function", "name", "kind"), public_functions())
def test_another_class_is_named(function, name, kind, wrong):
    message = f"^{name} must be a {kind}, got {type(wrong).__name__}\\.$"
    with pytest.raises(TypeError, match=message):
        call(function, [wrong])
    with pytest.raises(TypeError, match=message):
        call(function, [], **{name: wrong})


@pytest.mark.bad_input
@pytest.mark.parametrize(("function", "name", "kind"), public_functions())
def test_a_missing_one_is_missed_as_always(function, name, kind):
    with pytest.raises(TypeError, match=f"missing .*'{name}'"):
        call(function, [])
