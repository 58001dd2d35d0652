"""How linear f is around its points: along directions, in windows, under the plays."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from experiments.assumption import closeness, subjects
from experiments.assumption.verdicts import fitted_defense
from experiments.store.keyed import Record, Run
from experiments.store.pair_settings import Site
from experiments.store.provenance import provenance
from paper_lib.attacks import PGD_READINGS, fgm
from paper_lib.checks.arguments import check_count, check_length
from paper_lib.evaluation import disagreement


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectionErrors:
    """The error of the tangent at one distance, in shares of the logit.

    Attributes:
        direction: ``"FGM"``, ``"random"``, or ``"worst"`` of what an ascent finds.
        distance: From the point, in pixels.
        quartiles: Over the points.
    """

    direction: str
    distance: float
    quartiles: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Walks:
    """What segments of twice Table 1's budget meet, exactly.

    Attributes:
        direction: ``"FGM"`` or ``"random"``.
        bends: The mean number of bends within each of the distances.
        first: For each point where f and its tangent first differ; None if nowhere.
        share: The share of the segment on which they differ.
    """

    direction: str
    bends: tuple[float, ...]
    first: tuple[float | None, ...]
    share: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayDifference:
    """Where f and its tangent part about a play at Table 1's budget.

    Attributes:
        attack: The attack.
        defense: The defense.
        only_f: The share of points that only f keeps.
        only_tangent: The share that only the tangent keeps.
    """

    attack: str
    defense: str
    only_f: float
    only_tangent: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowAreas:
    """The share of church windows in which f and its tangent differ in sign.

    Attributes:
        epsilon: Half of the windows' side.
        areas: One for each point.
    """

    epsilon: float
    areas: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosenessResult(subjects.SubjectResult["ClosenessRun"]):
    """How linear f is around its points.

    Attributes:
        errors: Of the tangent, by direction and distance.
        walks: Along segments; empty for a classifier that is not piecewise linear.
        plays: Of the tables.
        windows: At each budget, that of Table 1 last.
        seconds: Processor seconds.
    """

    errors: tuple[DirectionErrors, ...]
    walks: tuple[Walks, ...]
    plays: tuple[PlayDifference, ...]
    windows: tuple[WindowAreas, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosenessRun(subjects.SubjectSettings, Run[ClosenessResult]):
    """Everything that decides such a record, apart from the data.

    Attributes:
        distances: Distances at which errors and bends are measured, in pixels.
        window_budgets: Half sides of windows, before the budget of Table 1.
        num_windows: The first of the points, at which windows are looked through.
        num_walks: The first of the points, from which segments are walked.

    Raises:
        TypeError: See :class:`subjects.SubjectSettings`.
        ValueError: Likewise; or if a distance or budget is not finite and > 0.
    """

    schema: ClassVar[str] = "paper-lib/closeness-record/1"
    result_type = ClosenessResult
    prefix: ClassVar[str] = "closeness-"

    distances: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
    window_budgets: tuple[float, ...] = (0.5,)
    num_windows: int = 16
    num_walks: int = 16

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            TypeError: See the class.
            ValueError: Likewise.
        """
        subjects.SubjectSettings.__post_init__(self)
        check_count(self.num_windows, "num_windows", 1)
        check_count(self.num_walks, "num_walks", 1)
        for name in ("distances", "window_budgets"):
            for length in getattr(self, name):
                check_length(length, name)

    def measure(self, site: Site) -> Record:
        """Measure along directions, in windows and under the plays.

        Args:
            site: Where to find the images.

        Returns:
            The record beyond its settings, as :class:`ClosenessResult` reads it.
        """
        began = time.process_time()
        subject = self.subject(site)
        walked = subject.first(self.num_walks) if subject.is_piecewise_linear else None
        return {
            "provenance": provenance(subject.pair),
            "accuracy": subject.accuracy,
            "epsilon": subject.epsilon,
            "errors": [*self._errors(subject)],
            "walks": [] if walked is None else [*self._walks(walked)],
            "plays": [*_plays(subject, self.seed)],
            "windows": [*self._windows(subject)],
            "seconds": round(time.process_time() - began, 1),
        }

    def _directions(self, subject: subjects.Subject) -> dict[str, torch.Tensor]:
        ahead = subject.lin.descent_directions
        return {"FGM": ahead, "random": closeness.random_directions(ahead, self.seed)}

    def _errors(self, subject: subjects.Subject) -> Iterator[dict[str, Any]]:
        at = subject.model, subject.test.images, subject.lin
        directions = self._directions(subject)
        for distance in self.distances:
            offsets = {name: distance * one for name, one in directions.items()}
            offsets["worst"] = closeness.worst_offsets(
                *at, directions["random"], distance
            )
            for name, offset in offsets.items():
                yield {
                    "direction": name,
                    "distance": distance,
                    "quartiles": closeness.quartiles(
                        closeness.tangent_errors(*at, offset)
                    ),
                }

    def _walks(self, subject: subjects.Subject) -> Iterator[dict[str, Any]]:
        images, length = subject.test.images, 2.0 * subject.epsilon
        for name, ahead in self._directions(subject).items():
            segments = closeness.walks(subject.model, images, length * ahead)
            bends = torch.cat([one.bends for one in segments])
            yield {
                "direction": name,
                "bends": [
                    float((bends <= within).sum()) / len(segments)
                    for within in self.distances
                ],
                "first": subjects.numbers(
                    torch.tensor([one.first for one in segments])
                ),
                "share": [round(one.share, 6) for one in segments],
            }

    def _windows(self, subject: subjects.Subject) -> Iterator[dict[str, Any]]:
        first = subject.first(self.num_windows)
        for epsilon in (*self.window_budgets, subject.epsilon):
            found = closeness.church_windows(
                first.model, first.test.images, first.lin, epsilon, seed=self.seed
            )
            yield {"epsilon": epsilon, "areas": subjects.numbers(found.areas)}


def _plays(subject: subjects.Subject, seed: int) -> Iterator[dict[str, Any]]:
    """Ask f and its tangents about every play of the tables."""
    images, lin, epsilon = subject.test.images, subject.lin, subject.epsilon
    none = torch.zeros_like(lin.gradients[:1])
    smooth = fitted_defense(subject, epsilon, seed).unsqueeze(0)
    literal = PGD_READINGS["literal"].attack(subject.model, images, epsilon)
    attacks = {
        "none": none,
        "FGM": fgm(lin, epsilon),
        "PGD": literal.perturbations,
    }
    for attack, moves in attacks.items():
        for defense, v in {"none": none, "SMOOTH": smooth}.items():
            only_f, only_tangent = disagreement(subject.model, images, lin, moves, v)
            yield {
                "attack": attack,
                "defense": defense,
                "only_f": only_f,
                "only_tangent": only_tangent,
            }
