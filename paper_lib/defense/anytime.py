"""Running a method that may be stopped at any time: a clock, and the best so far.

A method is a generator of :class:`~paper_lib.defense.solution.Progress`. What is kept
is the best point and the best evidence; the steps end when the two meet, when the time
is up, or when the user interrupts, and what there is by then can be certified.
"""

import math
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float
from threadpoolctl import threadpool_limits
from torch import Tensor

from paper_lib.checks.arguments import check_length
from paper_lib.defense.certificates.certificate import Certificate, Evidence
from paper_lib.defense.exact.touch import settle
from paper_lib.defense.rows import UnitRows, as_perturbation, surely_satisfied
from paper_lib.defense.solution import End, Progress, certify
from paper_lib.robust_sets import RobustSets

# Steps, and the share of the time limit after which they make room for others.
Stage = tuple[Iterator[Progress], float]


@dataclass(kw_only=True, slots=True)
class Best:
    """What the steps so far have found; no defense at first.

    Attributes:
        rows: The robust sets, scaled.
        perturbation: The best so far, inside V.
        count: Rows it satisfies for sure.
        evidence: The best evidence so far; None: none yet.
        violated: Rows that the evidence proves violated.
        stopped_by: Why the steps ended, as in ``Solution``.
        accepted: The perturbation in most robust sets as ``contains`` judges, which
            may need the slack of the ball.
        reached: In how many it is.
        has_result: Whether there is something to return, should a later step fail.
    """

    rows: UnitRows
    perturbation: Float[Tensor, " d"] = field(init=False)
    count: int = -1
    evidence: Evidence | None = None
    violated: int = 0
    stopped_by: End = "done"
    has_result: bool = False
    accepted: Float[Tensor, " d"] = field(init=False)
    reached: int = -1

    def __post_init__(self) -> None:
        """Begin with no defense."""
        self.accepted = torch.zeros_like(self.sets.normals[0])
        self.offer(self.accepted)

    @property
    def sets(self) -> RobustSets:
        """The robust sets."""
        return self.rows.sets

    @property
    def is_optimal(self) -> bool:
        """Whether the bounds meet."""
        return self.count >= len(self.sets.offsets) - self.violated

    @property
    def point(self) -> Float[np.ndarray, " d"]:
        """The perturbation as a point of the unit ball."""
        return self.perturbation.double().cpu().numpy() / (self.sets.epsilon or 1.0)

    def take(self, progress: Progress) -> None:
        """Keep what is better than before.

        Args:
            progress: What a step has to show.
        """
        if progress.point is not None:
            self.has_result = True
            self.offer(as_perturbation(progress.point, self.sets))
            self._accept(settle(progress.point, self.rows))
        if progress.evidence is not None:
            violated = progress.violated
            if violated is None:
                violated = progress.evidence.violated_at_least(self.sets)
            if violated > self.violated:
                self.evidence, self.violated = progress.evidence, violated

    def offer(self, perturbation: Float[Tensor, " d"]) -> None:
        """Keep a perturbation that satisfies more rows for sure.

        Args:
            perturbation: The perturbation, inside V.
        """
        count = int(surely_satisfied(self.sets, perturbation).sum())
        if count > self.count:
            self.perturbation, self.count = perturbation, count

    def _accept(self, perturbation: Float[Tensor, " d"]) -> None:
        """Keep a perturbation that ``contains`` finds in more robust sets."""
        count = int(self.sets.contains(perturbation).sum())
        if count > self.reached:
            self.accepted, self.reached = perturbation, count

    @property
    def defense(self) -> Float[Tensor, " d"]:
        """What to return: the accepted one only where it is in more robust sets."""
        sure = int(self.sets.contains(self.perturbation).sum())
        return self.accepted if self.reached > sure else self.perturbation

    def certificate(self) -> Certificate:
        """Certify the best of both.

        Returns:
            The certificate.
        """
        return certify(self.sets, self.perturbation, self.evidence, self.violated)


@dataclass(kw_only=True, slots=True)
class Clock:
    """Measures what is left of a time limit; without one there is no end.

    Attributes:
        limit: Seconds; None: no limit.
        began: When they began to count.

    Raises:
        TypeError: If the limit is no number.
        ValueError: If it is not finite and > 0.
    """

    limit: float | None
    began: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count, unless the limit is no time.

        Raises:
            TypeError: See the class.
            ValueError: See the class.
        """
        self.began = time.perf_counter()
        if self.limit is not None:
            check_length(self.limit, "time_limit", "seconds or None")

    def remaining(self, share: float = 1.0) -> float:
        """Measure what is left.

        Args:
            share: The share of the limit that counts, in (0, 1].

        Returns:
            Seconds until it is used up; infinite without a limit.
        """
        if self.limit is None:
            return math.inf
        return share * self.limit - (time.perf_counter() - self.began)


def lifted(
    steps: Iterator[Progress], basis: Float[np.ndarray, "d r"] | None
) -> Iterator[Progress]:
    """Bring the points of a search back to the space of the rows.

    Args:
        steps: The search.
        basis: The basis it used; None: it was there already.

    Yields:
        The same steps.
    """
    for step in steps:
        if basis is None or step.point is None:
            yield step
        else:
            yield replace(step, point=basis @ step.point)


def run(stages: Iterable[Stage], best: Best, clock: Clock) -> None:
    """Run stage after stage until the bounds meet, the time is up, or an interrupt.

    What was found outlives what comes after it: should a stage fail, for want of memory
    say, there is a warning, and the next one goes on.

    Args:
        stages: The stages, asked for one by one: later ones may see what was found.
        best: What is improved, and told why the steps ended.
        clock: The time limit.

    Raises:
        Exception: What a stage raised before anything was found.
    """
    try:
        with threadpool_limits(limits=1):
            for steps, share in stages:
                if not best.is_optimal and not _try(steps, best, clock, share):
                    best.stopped_by = "time_limit"
        if best.is_optimal:
            best.stopped_by = "done"
    except KeyboardInterrupt:
        best.stopped_by = "interrupt"


def _try(steps: Iterator[Progress], best: Best, clock: Clock, share: float) -> bool:
    """Advance, and survive a failure where something was found before."""
    try:
        return _advance(steps, best, clock, share)
    except Exception as error:
        if not best.has_result:
            raise
        best.stopped_by = "failure"
        warnings.warn(
            f"a step after the first results failed, {type(error).__name__}: {error}; "
            "what was found before is returned, and its bound may be a weaker one.",
            RuntimeWarning,
            stacklevel=4,
        )
        return True


def _advance(steps: Iterator[Progress], best: Best, clock: Clock, share: float) -> bool:
    """Take steps until there is none, or the next would not fit.

    Args:
        steps: The steps.
        best: What is improved.
        clock: The time limit.
        share: The share of it that these steps may use up.

    Returns:
        Whether the steps came to their end. A step is expected to take as long as the
        one before.
    """
    last = 0.0
    while clock.remaining(share) >= last:
        began = time.perf_counter()
        progress = next(steps, None)
        if progress is None:
            return True
        best.take(progress)
        if best.is_optimal:
            return True
        last = time.perf_counter() - began
    return False
