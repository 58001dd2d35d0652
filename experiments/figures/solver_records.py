"""Stored runs of the solvers: side by side, at many budgets, and for ten minutes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from experiments.store.record_files import from_plain, load_record

T = TypeVar("T")
_SCHEMA = "paper-lib/defense-comparison/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassNames:
    """The data set and the two classes of a comparison."""

    dataset: str
    classes: tuple[int, int]

    @property
    def pair(self) -> str:
        """What a person calls them."""
        return f"{self.dataset} {self.classes[0]}-{self.classes[1]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance(ClassNames):
    """The robust sets of a comparison.

    Attributes:
        multiple: The budget in median margins.
        epsilon: The budget.
        rows: Training points.
        holdout_rows: Points held out.
    """

    multiple: float
    epsilon: float
    rows: int
    holdout_rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Covered:
    """What a method covers: ``count`` rows, the share ``holdout`` of other points."""

    count: int
    holdout: float
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CountBound:
    """What a bound proves: no v covers more than ``count`` rows."""

    count: int
    seconds: float
    nodes: int | None = None
    verified: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Methods and bounds on the same robust sets.

    Attributes:
        instance: The robust sets.
        methods: What each method covers.
        bounds: What is proven, from pairs of rows and from moments.
    """

    instance: Instance
    methods: Mapping[str, Covered]
    bounds: Mapping[str, CountBound]

    @property
    def name(self) -> str:
        """The pair, and the budget in median margins."""
        return f"{self.instance.pair}, {self.instance.multiple:g}"

    @property
    def best(self) -> int:
        """The most rows that a method covers."""
        return max(found.count for found in self.methods.values())

    def percent(self, count: int) -> float:
        """Give a number of rows in percent."""
        return 100 * count / self.instance.rows

    @property
    def percents(self) -> dict[str, float]:
        """The count of each method and of each bound, in percent."""
        counts = {**self.methods, **self.bounds}
        return {name: self.percent(one.count) for name, one in counts.items()}

    def gap(self, bound: str) -> int:
        """Count the rows between what is found and what is proven."""
        return self.bounds[bound].count - self.best

    def spans(self, names: Iterable[str]) -> tuple[float, float]:
        """Say by how many points methods differ, on the sample and held out."""
        found = [self.methods[name] for name in names]
        fitted = [self.percent(one.count) for one in found]
        held = [100 * one.holdout for one in found]
        return max(fitted) - min(fitted), max(held) - min(held)


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetPoint:
    """Shares covered at one budget: no defense, ramp, the best found and its bound."""

    multiple: float
    epsilon: float
    none: float
    ramp: float
    lower: float
    upper: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetCurve:
    """One pair at many budgets."""

    instance: ClassNames
    points: tuple[BudgetPoint, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LongSearch:
    """Solvers beside ten minutes of search, of what ``benchmarks`` stores.

    Attributes:
        name: The instance.
        counts: Rows that each solver covers.
        time_ratio: The search's time in those of the ramp.
        repeats: Whether both rounds found the same.
        best: The most rows found in ten minutes.
        gain: Points that the search gains over the ramp.
        distance: Points that ten minutes add.
    """

    name: str
    counts: Mapping[str, int]
    time_ratio: float
    repeats: bool
    best: int
    gain: float
    distance: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowedPath:
    """A family of budgets solved together, of what ``benchmarks`` stores.

    Attributes:
        name: The pair.
        rows: Its rows.
        gains: At each budget the rows it covers less those of a single search.
        ratio: Its time in those of a single search.
    """

    name: str
    rows: int
    gains: tuple[int, ...]
    ratio: float

    def off(self, sign: int) -> str:
        """Say at how many budgets the path gains rows, or loses them, and how many.

        Args:
            sign: 1 for rows gained, -1 for rows lost.

        Returns:
            The number of budgets and the most rows at one of them.
        """
        rows = [sign * gain for gain in self.gains if sign * gain > 0]
        return f"{len(rows)}, at most {max(rows, default=0)} rows"


def load_comparisons(folder: Path) -> list[Comparison]:
    """Read the comparisons of methods.

    Args:
        folder: Where they are.

    Returns:
        The comparisons, by data set, classes and budget.
    """
    files = [file for file in folder.glob("*.json") if "path" not in file.stem]
    found = [_shown(Comparison, load_record(f, schema=_SCHEMA)) for f in files]
    return sorted(found, key=lambda one: (one.instance.pair, one.instance.multiple))


def load_curves(folder: Path) -> list[BudgetCurve]:
    """Read the pairs at many budgets.

    Args:
        folder: Where they are.

    Returns:
        The curves, by name of the file.
    """
    files = sorted(folder.glob("*-path.json"))
    return [_shown(BudgetCurve, load_record(f, schema=_SCHEMA)) for f in files]


def load_budget_images(folder: Path) -> list[list[str]]:
    """Read the perturbations that were found at many budgets.

    Args:
        folder: Where they are.

    Returns:
        For each curve what the ascent finds and what the search does, a text for each
        budget, as ``pack_signed`` writes it.
    """
    files = sorted(folder.glob("*-path-images.json"))
    return [
        [at[kind]["levels"] for at in load_record(file, schema=_SCHEMA)["points"]]
        for file in files
        for kind in ("ramp", "lower")
    ]


def load_benchmark(file: str, kind: type[T], section: str, part: str) -> tuple[T, ...]:
    """Read of what a benchmark stored the part that a page shows.

    Args:
        file: The file.
        kind: The type of an entry.
        section: The benchmark's heading.
        part: The list of entries in it.

    Returns:
        The entries.
    """
    stored = load_record(file, schema="paper-lib/benchmark/1")[section][part]
    return tuple(_shown(kind, entry) for entry in stored)


def _shown(kind: type[T], entry: Mapping[str, Any]) -> T:
    """Read the part of a record that a dataclass names."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return from_plain(kind, {name: entry[name] for name in names})
