"""Values as JSON has them, and back by type hints."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import pytest

from experiments.store.record_files import from_plain, plain


@dataclass(frozen=True)
class Inner:
    """Tuples of two kinds."""

    numbers: tuple[int, ...]
    pair: tuple[int, float] = (1, 0.5)


@dataclass(frozen=True)
class Outer:
    """Each way to hold another dataclass."""

    inner: Inner
    named: Mapping[str, Inner]
    rows: tuple[tuple[Inner, ...], ...]
    maybe: Inner | None = None
    number: float | None = None
    derived: int = field(init=False, default=7)


VALUE = Outer(
    inner=Inner(numbers=(1, 2)),
    named={"a b": Inner(numbers=())},
    rows=((Inner(numbers=(3,)),), ()),
    number=0.1,
)


@pytest.mark.parametrize(
    "value", [VALUE, Outer(VALUE.inner, {}, (), maybe=VALUE.inner)], ids=["one", "two"]
)
def test_a_value_comes_back_from_its_plain_copy(value):
    stored = plain({"one": [value]})["one"][0]
    assert stored == plain(asdict(value))
    assert stored["inner"]["numbers"] == [1, 2]
    assert from_plain(Outer, stored) == value
    assert from_plain(Outer, stored | {"rows": [[]]}) != value


@dataclass(frozen=True)
class More(Inner):
    """One field more than the other."""

    name: str = "x"


@dataclass(frozen=True)
class Either:
    """A field that may hold either kind."""

    one: Inner | More


@pytest.mark.parametrize("inner", [Inner(numbers=(1,)), More(numbers=(1,), name="y")])
def test_of_two_kinds_the_one_whose_fields_are_named_comes_back(inner):
    found = from_plain(Either, plain(asdict(Either(one=inner))))
    assert type(found.one) is type(inner)
    assert found.one == inner


def test_what_was_left_out_takes_its_default():
    assert from_plain(Inner, {"numbers": [4]}) == Inner(numbers=(4,))


@pytest.mark.bad_input
def test_a_name_too_many_or_too_few_is_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        from_plain(Inner, {"numbers": [], "other": 1})
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        from_plain(Inner, {})


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        (int, "4", "'4' cannot be read as <class 'int'>"),
        (int, 0.5, "0.5 cannot be read"),
        (float, "0.5", "'0.5' cannot be read"),
        (float, None, "None cannot be read"),
        (str, 3, "3 cannot be read"),
        (Inner, [1], r"\[1\] cannot be read as .*Inner"),
        (tuple[int, ...], "12", "'12' cannot be read"),
        (Mapping[str, int], [1], r"\[1\] cannot be read"),
        (Outer, {"inner": {"numbers": [0.5]}, "named": {}, "rows": []}, "0.5 cannot"),
        (int | None, "4", "'4' cannot be read"),
    ],
)
def test_a_value_of_another_kind_is_refused(kind, value, error):
    with pytest.raises(TypeError, match=f"^{error}"):
        from_plain(kind, value)


@pytest.mark.bad_input
@pytest.mark.parametrize("pair", [[1], [1, 0.5, 2]])
def test_parts_too_many_or_too_few_are_refused(pair):
    with pytest.raises(ValueError, match=r"^zip\(\) argument 2 is"):
        from_plain(Inner, {"numbers": [], "pair": pair})


def test_whole_numbers_pass_for_others():
    assert from_plain(tuple[float, bool, str], [1, True, ""]) == (1, True, "")
