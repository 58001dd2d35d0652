"""A sweep over groups of pairs: classifiers, then budgets, then what is scored there.

Every record is written as soon as its run is done, so that a sweep that is stopped
loses the runs in flight and goes on from there. What is scored is for the groups to
say.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from experiments.store.keyed import Record, RecordFolder, usable
from experiments.store.pair_settings import Site
from experiments.sweep.runner import InProcess, SweepError, Task, only_writer, run_tasks
from experiments.tables import classifiers
from experiments.tables.calibration import (
    BudgetConfig,
    CalibrationConfig,
    CalibrationResult,
    calibrate,
)
from experiments.tables.computing import ALONE, Computing
from experiments.tables.groups import Group, Swept
from experiments.tables.scoring import score_pairs
from paper_lib.data.pairs import Source

_Config = TypeVar("_Config", classifiers.ClassifierConfig, BudgetConfig)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stages:
    """How the pairs of a group are trained and scored: each alone, or as one batch.

    Attributes:
        train: Trains the classifiers of a run. Stage A.
        score: Scores them at their budgets. Stage B.
        how: Computes each pair alone; or all of a group at once, in this process.
    """

    train: Callable[..., list[classifiers.TrainedClassifier]]
    score: Callable[..., list[Record]]
    how: Computing = ALONE

    def runs(self, configs: Sequence[_Config]) -> list[tuple[_Config, ...]]:
        """Part what a group computes into runs."""
        return [tuple(configs)] if self.how.together else [(one,) for one in configs]


ONE_BY_ONE = Stages(train=classifiers.train_pairs, score=score_pairs)


def load_plan(
    groups: Sequence[Group[Swept]],
    store: str | os.PathLike[str],
    *,
    source: Source = "auto",
    stages: Stages = ONE_BY_ONE,
) -> tuple[tuple[Swept, ...], tuple[Group[Swept], ...]]:
    """Load what a store has, without computing anything.

    Args:
        groups: What to load.
        store: The folder of the records.
        source: Source of the data the records have to be of.
        stages: How they have to have been computed; see :func:`run_plan`.

    Returns:
        The groups that are complete, and those of which something is missing.

    Warns:
        UserWarning: If a stored record cannot be used; see :func:`run_plan`.
    """
    sweep = _Sweep(folder=Path(store), site=Site(source=source), stages=stages)
    found = {group: sweep.load(group) for group in groups}
    complete = tuple(result for result in found.values() if result is not None)
    return complete, tuple(group for group, one in found.items() if one is None)


def run_plan(
    groups: Sequence[Group[Swept]],
    store: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    cache: str | os.PathLike[str] | None = None,
    root: str | None = None,
    source: Source = "auto",
    device: str = "cpu",
    progress: bool = False,
    stages: Stages = ONE_BY_ONE,
) -> tuple[Swept, ...]:
    """Load the records a store has and compute those it lacks.

    The pairs of a group may be one run, on one device, in this process
    (``experiments.gpu.batched.TOGETHER``); its records have other names and never stand
    in for those of single runs, nor these for them.

    Args:
        groups: What to run.
        store: The folder of the records; made if it is not there.
        executor: Where to run what is missing; None: in this process.
        cache: The folder of trained classifiers; None: ``.cache`` in the store.
        root: Folder of the data, which every worker needs under the same name.
        source: Source of the data.
        device: Where to compute.
        progress: Show progress bars.
        stages: Train and score pair by pair, or the pairs of a group as one batch.

    Returns:
        One result a group, in order.

    Raises:
        ValueError: If there is an executor for what runs in this process.
        SweepError: If a run failed, the store cannot be written to although something
            is missing, or another sweep writes to it.

    Warns:
        UserWarning: If a stored record is damaged or of another schema or source; it is
            named, computed again and replaced.
    """
    if stages.how.together and executor is not None:
        raise ValueError(
            "executor must be None for pairs in one batch, which runs in this process, "
            f"got {type(executor).__name__}."
        )
    sweep = _Sweep(
        folder=Path(store),
        site=Site(root=root, source=source, device=device),
        stages=stages,
        cache=Path(store) / ".cache" if cache is None else Path(cache),
        executor=executor or InProcess(),
        progress=progress,
    )
    results = [sweep.load(group) for group in groups]
    if None in results:
        with only_writer(Path(store)):
            sweep.compute(groups)
        results = [sweep.load(group) for group in groups]
    complete = tuple(result for result in results if result is not None)
    if len(complete) != len(groups):
        raise SweepError(f"records in {store} vanished while they were written.")
    return complete


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Sweep:
    """One call of :func:`run_plan`."""

    folder: Path
    site: Site
    stages: Stages
    cache: Path = Path()
    executor: Executor = field(default_factory=InProcess)
    progress: bool = False

    def load(self, group: Group[Swept]) -> Swept | None:
        """Load a group; None where something is missing."""
        found = self._budgets(group.calibration)
        if found is None:
            return None
        runs = self.stages.runs(group.scores(found.budgets))
        scores = [score for run in runs for score in self._scores(run)]
        if None in scores:
            return None
        return group.result_type(group=group, calibration=found, scores=tuple(scores))

    def compute(self, groups: Sequence[Group]) -> None:
        """Compute what is missing: budgets first, then accuracies."""
        self.cache.mkdir(parents=True, exist_ok=True)
        configs = dict.fromkeys(group.calibration for group in groups)
        known = {config: self._budgets(config) for config in configs}
        self._train(
            run
            for config, calibration in known.items()
            if calibration is None
            for run in self.stages.runs(config.classifiers)
        )
        budgets = {
            config: (calibration or self._calibrate(config)).budgets
            for config, calibration in known.items()
        }
        runs = dict.fromkeys(
            run
            for group in groups
            for run in self.stages.runs(group.scores(budgets[group.calibration]))
        )
        # All are looked at, so that every damaged one is named.
        wanted = [run for run in runs if None in [*self._scores(run)]]
        self._train(tuple(config.classifier for config in run) for run in wanted)
        self._run(map(self._score_task, wanted), len(wanted), "accuracies")

    @property
    def store(self) -> RecordFolder:
        """The records."""
        return RecordFolder(folder=self.folder, source=self.site.source)

    def _calibrate(self, config: CalibrationConfig) -> CalibrationResult:
        runs = self.stages.runs(config.classifiers)
        record = calibrate(config, [one for run in runs for one in self._trained(run)])
        self.store.save(record, config)
        return config.result(record)

    def _budgets(self, config: CalibrationConfig) -> CalibrationResult | None:
        return self.store.load(config, self.stages.how.path(config.classifiers))

    def _scores(self, run: Sequence[BudgetConfig]) -> Iterator[Any]:
        path = self.stages.how.path([config.classifier for config in run])
        return (self.store.load(config, path) for config in run)

    def _run(self, tasks: Iterable[Task], total: int, title: str) -> None:
        run_tasks(
            tasks, self.executor, total=total, title=title, progress=self.progress
        )

    def _train(self, runs: Iterable[Sequence[classifiers.ClassifierConfig]]) -> None:
        """Train the classifiers that the cache lacks; a damaged one is named."""
        wanted = [run for run in dict.fromkeys(runs) if not self._is_trained(run)]
        self._run(map(self._train_task, wanted), len(wanted), "classifiers")

    def _is_trained(self, run: Sequence[classifiers.ClassifierConfig]) -> bool:
        load = partial(classifiers.load_trained, self.cache)
        return None not in [usable(partial(load, name)) for name in self._names(run)]

    def _train_task(self, run: Sequence[classifiers.ClassifierConfig]) -> Task:
        def keep(trained: Sequence[classifiers.TrainedClassifier]) -> None:
            for one in trained:
                classifiers.save_trained(one, self.cache)

        call = partial(self.stages.train, run, self.site)
        return Task(label=_label(run), call=call, keep=keep)

    def _score_task(self, run: Sequence[BudgetConfig]) -> Task:
        def keep(records: Sequence[Record]) -> None:
            for config, record in zip(run, records, strict=True):
                self.store.save(record, config)

        trained = self._trained([config.classifier for config in run])
        call = partial(self.stages.score, run, trained, self.site)
        return Task(label=_label(run), call=call, keep=keep)

    def _names(self, run: Sequence[classifiers.ClassifierConfig]) -> list[str]:
        path = self.stages.how.path(run)
        return [classifiers.classifier_name(config, self.site, path) for config in run]

    def _trained(
        self, run: Sequence[classifiers.ClassifierConfig]
    ) -> list[classifiers.TrainedClassifier]:
        trained = [
            classifiers.load_trained(self.cache, name) for name in self._names(run)
        ]
        lost = [one.label for one, kept in zip(run, trained, strict=True) if not kept]
        if lost:
            raise FileNotFoundError(
                f"the classifier of {lost[0]} vanished from {self.cache}."
            )
        return [one for one in trained if one is not None]


def _label(run: Sequence[classifiers.ClassifierConfig] | Sequence[BudgetConfig]) -> str:
    """Name a run by its first pair and how many there are."""
    others = f" and {len(run) - 1} more in one batch" if len(run) > 1 else ""
    return f"{run[0].label}{others}"
