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


def test_what_was_left_out_takes_its_default():
    assert from_plain(Inner, {"numbers": [4]}) == Inner(numbers=(4,))


@pytest.mark.bad_input
def test_a_name_too_many_or_too_few_is_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        from_plain(Inner, {"numbers": [], "other": 1})
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        from_plain(Inner, {})
