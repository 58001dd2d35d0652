"""What is timed: each case attacks all points once, in one environment.

One torch thread, batches of 100, and frozen weights, for the peers as well: nobody
computes gradients of weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from torch import Tensor

from benchmarks import peers, plain
from benchmarks.subject import BALL_STEP, EPSILON, STEPS, Subject
from paper_lib.attacks import fgm, pgd
from paper_lib.linearize import linearize

Attack = Callable[[], Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One thing to time.

    Attributes:
        name: How tables call it.
        prepare: Makes the call that is timed; what it does itself is not.
        environment: The environment whose worker runs it.
        baseline: The case whose time divides its time; None: it is a baseline itself.
        aim: The largest ratio aimed at, which the interval has to reach; None: no aim.
        role: Whether it is this library's, a peer's, or there for comparison.
    """

    name: str
    prepare: Callable[[Subject], Attack]
    environment: Literal["project", "peers"] = "project"
    baseline: str | None = None
    aim: float | None = None
    role: Literal["ours", "peer", "control"] = "control"


def our_linearize(subject: Subject) -> Attack:
    return lambda: linearize(subject.model, subject.images)


def our_fgm(subject: Subject, *, budgets: int = 1) -> Attack:
    lengths = [EPSILON * (number + 1) / budgets for number in range(budgets)]

    def run() -> Tensor:
        lin = linearize(subject.model, subject.images)
        for length in lengths:
            perturbations = fgm(lin, length)
        return perturbations

    return run


def our_pgd(subject: Subject) -> Attack:
    return lambda: pgd(subject.model, subject.images, EPSILON, STEPS)


def our_ball_pgd(subject: Subject) -> Attack:
    return lambda: pgd(
        subject.model,
        subject.images,
        EPSILON,
        STEPS,
        step_size=BALL_STEP,
        projection="ball",
    )


def _plain(loop: Callable[..., object], **settings: object) -> Callable:
    return lambda subject: partial(loop, subject, **settings)


def _peer_cases(
    baseline: str, control: Callable, *, one_step: bool
) -> tuple[Case, ...]:
    """List the peers, and the baseline once more in their environment."""
    in_theirs = partial(Case, environment="peers", baseline=baseline)
    note = ", one step of PGDL2" if one_step else ""
    named = {
        "foolbox": peers.foolbox,
        f"torchattacks{note}": peers.torchattacks,
        "adversarial-robustness-toolbox": peers.art,
    }
    return (
        in_theirs(name=f"{baseline}, in the peers' environment", prepare=control),
        *(
            in_theirs(name=name, prepare=partial(call, one_step=one_step), role="peer")
            for name, call in named.items()
        ),
    )


_GRADIENTS = "plain torch, gradients"
_FGM = "plain torch, FGM"
_PGD = "plain torch, PGD on the sphere"
_BALL_PGD = "plain torch, PGD in the ball"
_OUR_FGM = "paper_lib, linearize and fgm"

_plain_fgm = _plain(plain.fgm)
_plain_ball_pgd = _plain(plain.pgd, step=BALL_STEP, ball=True)

FGM_CASES = (
    Case(name=_GRADIENTS, prepare=_plain(plain.gradients)),
    Case(
        name="paper_lib, linearize",
        prepare=our_linearize,
        baseline=_GRADIENTS,
        aim=1.05,
        role="ours",
    ),
    Case(name=_FGM, prepare=_plain_fgm),
    Case(name=_OUR_FGM, prepare=our_fgm, baseline=_FGM, aim=1.05, role="ours"),
    Case(
        name="paper_lib, linearize and fgm at 20 budgets",
        prepare=partial(our_fgm, budgets=20),
        baseline=_OUR_FGM,
        aim=1.20,
    ),
    *_peer_cases(_FGM, _plain_fgm, one_step=True),
)

PGD_CASES = (
    Case(name=_PGD, prepare=_plain(plain.pgd, step=EPSILON, ball=False)),
    Case(
        name="paper_lib, pgd",
        prepare=our_pgd,
        baseline=_PGD,
        aim=1.05,
        role="ours",
    ),
    Case(name=_BALL_PGD, prepare=_plain_ball_pgd),
    Case(
        name="paper_lib, pgd in the ball",
        prepare=our_ball_pgd,
        baseline=_BALL_PGD,
        aim=1.05,
        role="ours",
    ),
    *_peer_cases(_BALL_PGD, _plain_ball_pgd, one_step=False),
)

GROUPS = {"fgm": FGM_CASES, "pgd": PGD_CASES}
