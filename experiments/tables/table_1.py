"""The runs of Table 1: what a plan lists is loaded from a store, or computed."""

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from experiments.gpu.batched import batch_path, score_pairs, train_pairs
from experiments.store.plain_values import plain
from experiments.store.record_files import load_record, save_record
from experiments.sweep.runner import InProcess, SweepError, Task, only_writer, run_tasks
from experiments.tables.calibration import (
    CALIBRATION_SCHEMA,
    CalibrationConfig,
    calibrate,
)
from experiments.tables.classifiers import (
    ClassifierConfig,
    TrainedClassifier,
    classifier_name,
    load_trained,
    save_trained,
    train_pair,
)
from experiments.tables.planning import Line
from experiments.tables.scoring import SCORE_SCHEMA, ScoreConfig, score_name, score_pair
from paper_lib.data import Source


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LineResult:
    """A line with its budgets and its records.

    Attributes:
        line: What was run.
        calibration: The record of the budgets.
        scores: The records of the pairs, in order.
    """

    line: Line
    calibration: dict[str, Any]
    scores: tuple[dict[str, Any], ...]

    @property
    def path(self) -> str:
        """``"single"``, or the batch in which all of it was computed."""
        return path_of(self.calibration)

    @property
    def names(self) -> tuple[str, ...]:
        """The files of its records in a store, that of the budgets first."""
        configs = self.line.scores(self.calibration["budgets"])
        return (
            self.line.calibration.record_name(self.path),
            *(score_name(config, path=self.path) for config in configs),
        )


def path_of(record: Mapping[str, Any]) -> str:
    """Read which path a record was computed on.

    Args:
        record: A record of budgets or of accuracies.

    Returns:
        ``"single"``, or the batch; the first records of budgets do not say.
    """
    return record.get("path", "single")


def load_lines(
    lines: Sequence[Line],
    store: str | os.PathLike[str],
    *,
    source: Source = "auto",
    batched: bool = False,
) -> tuple[tuple[LineResult, ...], tuple[Line, ...]]:
    """Load what a store has, without computing anything.

    Args:
        lines: What to load.
        store: The folder of the records.
        source: Source of the data the records have to be of.
        batched: Load what was computed in batches; see :func:`run_lines`.

    Returns:
        The lines that are complete, and those of which something is missing.

    Warns:
        UserWarning: If a stored record cannot be used; see :func:`run_lines`.
    """
    sweep = _Sweep(
        store=Path(store),
        cache=Path(store) / ".cache",
        executor=InProcess(),
        options={"root": None, "source": source, "device": "cpu"},
        progress=False,
        batched=batched,
    )
    found = {line: sweep.load([line]) for line in lines}
    return (
        tuple(result for results in found.values() if results for result in results),
        tuple(line for line, results in found.items() if results is None),
    )


def run_lines(
    lines: Sequence[Line],
    store: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    cache: str | os.PathLike[str] | None = None,
    root: str | None = None,
    source: Source = "auto",
    device: str = "cpu",
    progress: bool = False,
    batched: bool = False,
) -> tuple[LineResult, ...]:
    """Load the records a store has and compute those it lacks.

    Every record is written as soon as its run is done. A sweep that is stopped loses
    the runs in flight and goes on from there. With ``batched`` the pairs of a line are
    one run, on one device, in this process; its records have other names and never
    stand in for those of single runs, nor these for them.

    Args:
        lines: What to run.
        store: The folder of the records; made if it is not there.
        executor: Where to run what is missing; None: in this process.
        cache: The folder of trained classifiers; None: ``.cache`` in the store.
        root: Folder of the data, which every worker needs under the same name.
        source: Source of the data.
        device: Where to compute.
        progress: Show progress bars.
        batched: Train and score the pairs of a line as one batch.

    Returns:
        One result a line, in order.

    Raises:
        ValueError: If there is an executor for what runs in this process.
        SweepError: If a run failed, the store cannot be written to although something
            is missing, or another sweep writes to it.

    Warns:
        UserWarning: If a stored record is damaged or of another schema or source; it is
            named, computed again and replaced.
    """
    if batched and executor is not None:
        raise ValueError(
            "executor must be None with batched=True, which runs in this process, got "
            f"{type(executor).__name__}."
        )
    sweep = _Sweep(
        store=Path(store),
        cache=Path(store) / ".cache" if cache is None else Path(cache),
        executor=executor or InProcess(),
        options={"root": root, "source": source, "device": device},
        progress=progress,
        batched=batched,
    )
    found = sweep.load(lines)
    if found is None:
        with only_writer(sweep.store):
            sweep.compute(lines)
        found = sweep.load(lines)
        if found is None:
            raise SweepError(f"records in {store} vanished while they were written.")
    return found


_Config = TypeVar("_Config", ClassifierConfig, ScoreConfig)
# What is computed together: the pairs of a line, or one pair.
_Classifiers = tuple[ClassifierConfig, ...]
_Scores = tuple[ScoreConfig, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Sweep:
    """One call of :func:`run_lines`."""

    store: Path
    cache: Path
    executor: Executor
    options: dict[str, Any]
    progress: bool
    batched: bool

    def load(self, lines: Sequence[Line]) -> tuple[LineResult, ...] | None:
        """Load every line; None as soon as something is missing."""
        results = []
        for line in lines:
            calibration = self._budgets(line.calibration)
            if calibration is None:
                return None
            scores = []
            for run in self._runs(line.scores(calibration["budgets"])):
                for config in run:
                    record = self._score(config, run)
                    if record is None:
                        return None
                    scores.append(record)
            results.append(
                LineResult(line=line, calibration=calibration, scores=tuple(scores))
            )
        return tuple(results)

    def compute(self, lines: Sequence[Line]) -> None:
        """Compute what is missing: budgets first, then accuracies."""
        self.cache.mkdir(parents=True, exist_ok=True)
        calibrations = dict.fromkeys(line.calibration for line in lines)
        missing = [config for config in calibrations if self._budgets(config) is None]
        self._train(run for one in missing for run in self._runs(one.classifiers))
        for config in missing:
            trained = [
                one
                for run in self._runs(config.classifiers)
                for one in self._trained(run)
            ]
            save_record(calibrate(config, trained), self._budgets_file(config))
        budgets = {
            config: load_record(self._budgets_file(config), schema=CALIBRATION_SCHEMA)[
                "budgets"
            ]
            for config in calibrations
        }
        wanted = {
            run: None
            for line in lines
            for run in self._runs(line.scores(budgets[line.calibration]))
            # All are looked at, so that every damaged one is named.
            if None in [self._score(config, run) for config in run]
        }
        self._train(tuple(config.classifier for config in run) for run in wanted)
        run_tasks(
            (self._score_task(run) for run in wanted),
            self.executor,
            total=len(wanted),
            title="accuracies",
            progress=self.progress,
        )

    def _runs(self, configs: tuple[_Config, ...]) -> list[tuple[_Config, ...]]:
        """Group what is computed together."""
        return [configs] if self.batched else [(config,) for config in configs]

    def _path(self, run: _Classifiers) -> str:
        return batch_path(run) if self.batched else "single"

    def _train(self, runs: Iterable[_Classifiers]) -> None:
        """Train the classifiers that the cache lacks."""
        wanted = [run for run in dict.fromkeys(runs) if not self._is_trained(run)]
        run_tasks(
            (self._train_task(run) for run in wanted),
            self.executor,
            total=len(wanted),
            title="classifiers",
            progress=self.progress,
        )

    def _train_task(self, run: _Classifiers) -> Task:
        def keep(trained: Sequence[TrainedClassifier]) -> None:
            for one in trained:
                save_trained(one, self.cache)

        if self.batched:
            call = partial(train_pairs, run, **self.options)
            return Task(label=_label(run), call=call, keep=keep)
        (config,) = run
        call = partial(train_pair, config, **self.options)
        return Task(label=config.label, call=call, keep=lambda one: keep([one]))

    def _score_task(self, run: _Scores) -> Task:
        classifiers = tuple(config.classifier for config in run)
        trained = self._trained(classifiers)

        def keep(records: Sequence[dict[str, Any]]) -> None:
            for config, record in zip(run, records, strict=True):
                save_record(record, self._score_file(config, run))

        if self.batched:
            call = partial(score_pairs, run, trained, **self.options)
            return Task(label=_label(classifiers), call=call, keep=keep)
        (config,) = run
        call = partial(score_pair, config, *trained, **self.options)
        return Task(label=config.label, call=call, keep=lambda one: keep([one]))

    def _names(self, run: _Classifiers) -> list[str]:
        where = {key: self.options[key] for key in ("source", "device")}
        path = self._path(run)
        return [classifier_name(config, **where, path=path) for config in run]

    def _is_trained(self, run: _Classifiers) -> bool:
        """Look for classifiers; a damaged one is named and trained again."""
        return all(
            _or_warn(lambda name=name: load_trained(self.cache, name)) is not None
            for name in self._names(run)
        )

    def _trained(self, run: _Classifiers) -> list[TrainedClassifier]:
        found = []
        for config, name in zip(run, self._names(run), strict=True):
            trained = load_trained(self.cache, name)
            if trained is None:
                raise FileNotFoundError(
                    f"the classifier of {config.label} vanished from {self.cache}."
                )
            found.append(trained)
        return found

    def _score_file(self, config: ScoreConfig, run: _Scores) -> Path:
        path = self._path(tuple(one.classifier for one in run))
        return self.store / score_name(config, path=path)

    def _score(self, config: ScoreConfig, run: _Scores) -> dict[str, Any] | None:
        path = self._path(tuple(one.classifier for one in run))
        return self._stored(self._score_file(config, run), config, path, SCORE_SCHEMA)

    def _budgets_file(self, config: CalibrationConfig) -> Path:
        return self.store / config.record_name(self._path(config.classifiers))

    def _budgets(self, config: CalibrationConfig) -> dict[str, Any] | None:
        path = self._path(config.classifiers)
        return self._stored(
            self._budgets_file(config), config, path, CALIBRATION_SCHEMA
        )

    def _stored(
        self,
        file: Path,
        config: ScoreConfig | CalibrationConfig,
        path: str,
        schema: str,
    ) -> dict[str, Any] | None:
        """Load a record if it is there, whole, and answers what is asked."""
        if not file.exists():
            return None
        return _or_warn(lambda: self._checked(file, config, path, schema))

    def _checked(
        self,
        file: Path,
        config: ScoreConfig | CalibrationConfig,
        path: str,
        schema: str,
    ) -> dict[str, Any]:
        record = load_record(file, schema=schema)
        if record.get("config") != plain(asdict(config)):
            raise ValueError(f"{file} holds the result of other settings.")
        if path_of(record) != path:
            raise ValueError(
                f"{file} was computed on the path {path_of(record)!r}, not {path!r}."
            )
        found, asked = record["source"], self.options["source"]
        if (found == "embedded") != (asked == "embedded"):
            raise ValueError(
                f"{file} was computed on {found!r} data, not on source={asked!r}."
            )
        return record


def _label(run: _Classifiers) -> str:
    """Name a batch by its first pair and how many there are."""
    return f"{run[0].label} and {len(run) - 1} more in one batch"


_Found = TypeVar("_Found")


def _or_warn(load: Callable[[], _Found]) -> _Found | None:
    """Load something; where it is damaged, say so and go on without it."""
    try:
        return load()
    except ValueError as error:
        warnings.warn(f"{error} It is computed again.", UserWarning, stacklevel=4)
        return None
