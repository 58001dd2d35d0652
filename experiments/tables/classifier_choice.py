"""The comparison of classifiers that chose the one of Table 2."""

import os
from dataclasses import dataclass

from experiments.store.record_files import from_plain, load_record
from paper_lib.models import TrainConfig

CHOICE_SCHEMA = "paper-lib/classifier-choice/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateRun:
    """One training of a candidate; budget and coverage are of training points.

    Attributes:
        seed: The seed.
        epsilon: The budget, in pixels.
        train_coverage: The coverage of the defense.
    """

    seed: int
    epsilon: float
    train_coverage: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A classifier that was compared.

    Attributes:
        name: What it is called.
        settings: Its settings.
        runs: Its trainings.
    """

    name: str
    settings: TrainConfig
    runs: tuple[CandidateRun, ...]

    @property
    def percent(self) -> float:
        """The mean coverage, in percent."""
        return sum(100 * run.train_coverage for run in self.runs) / len(self.runs)


def load_candidates(path: str | os.PathLike[str]) -> tuple[Candidate, ...]:
    """Read what ``tools/choose_classifier.py`` wrote.

    Args:
        path: The file.

    Returns:
        The classifiers.
    """
    record = load_record(path, schema=CHOICE_SCHEMA)
    return from_plain(tuple[Candidate, ...], record["candidates"])
