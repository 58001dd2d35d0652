"""Agreement of the float32 attacks with an independent float64 reference.

A perturbation agrees when it differs from the reference by less than a hundredth of
the budget. The reference knows nothing of the library: a float64 copy of the
classifier, float64 inputs, and the formulas of Sec. 3 and Appendix D as they stand. It
is taken without the factor on the logit, on which no attack may depend.
"""

import copy
from collections.abc import Callable, Sequence
from itertools import product

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from benchmarks.report import Report, markdown_table
from benchmarks.subject import BATCH_SIZE, EPSILON, STEPS, Subject, best_subject
from paper_lib.attacks import PGD_READINGS, PGDReading, fgm, pgd
from paper_lib.linearize import linearize

TOLERANCE = 1e-2
SCALES = (1.0, 10.0, 0.001)
BATCH_SIZES = (1, 64, 2000)
AIMS = {"FGM": 0.995} | {f"PGD, {name}": 0.97 for name in PGD_READINGS}

Found = Callable[[nn.Module, Tensor, int], Tensor]


class ScaledLogit(nn.Module):
    """A classifier with the same boundary and another scale of its logit."""

    def __init__(self, model: nn.Module, factor: float) -> None:
        """Wrap a classifier."""
        super().__init__()
        self.model, self.factor = model, factor

    def forward(self, images: Tensor) -> Tensor:
        """Compute the scaled logits."""
        return self.factor * self.model(images)


def run(*, epochs: int = 5) -> Report:
    """Compare all attacks, scales of the logit and batch sizes.

    Args:
        epochs: How long the classifier is trained.

    Returns:
        A table of shares that agree, with verdicts.
    """
    torch.set_num_threads(1)
    subject = best_subject(epochs)
    expected = _references(subject)
    rows = []
    settings = list(product(SCALES, BATCH_SIZES))
    with tqdm(total=len(settings) * len(AIMS), desc="precision", unit="attack") as bar:
        for factor, batch_size in settings:
            model, shares = ScaledLogit(subject.model, factor), {}
            for name, attack in _attacks().items():
                found = attack(model, subject.images, batch_size)
                shares[name] = agreement(found, expected[name])
                bar.update()
            rows.append({"factor": factor, "batch_size": batch_size, "shares": shares})
    heading = f"{subject.source}; budget {EPSILON}, {epochs} epochs, {STEPS} steps."
    text = "\n\n".join([heading, _table(rows), _verdicts(rows)])
    return Report(title="Precision", text=text, data={"rows": rows})


def agreement(found: Tensor, expected: Tensor) -> float:
    """Share of points whose perturbation is within the tolerance of the reference."""
    distance = (found.double() - expected).norm(dim=1)
    return (distance < TOLERANCE * EPSILON).double().mean().item()


def _attacks() -> dict[str, Found]:
    """The library's attacks, each as a function of model, inputs and batch size."""
    attacks: dict[str, Found] = {
        "FGM": lambda model, inputs, size: fgm(linearize(model, inputs, size), EPSILON)
    }
    for name, reading in PGD_READINGS.items():
        attacks[f"PGD, {name}"] = _pgd_attack(reading)
    return attacks


def _pgd_attack(reading: PGDReading) -> Found:
    return lambda model, inputs, size: pgd(
        model,
        inputs,
        EPSILON,
        steps=STEPS,
        step_size=reading.relative_step * EPSILON,
        direction=reading.direction,
        projection=reading.projection,
        batch_size=size,
    )


# --- the reference ----------------------------------------------------------------


def _references(subject: Subject) -> dict[str, Tensor]:
    model = copy.deepcopy(subject.model).double()
    batches = subject.images.double().split(BATCH_SIZE)
    references = {"FGM": torch.cat([_step(model, batch)[1] for batch in batches])}
    for name, reading in PGD_READINGS.items():
        parts = [_reference_pgd(model, batch, reading) for batch in batches]
        references[f"PGD, {name}"] = torch.cat(parts)
    return references


def _step(
    model: nn.Module, points: Tensor, signs: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Take an FGM step of length epsilon; keep the signs of the logits beside it."""
    points = points.clone().requires_grad_(True)
    logits = model(points)
    logits.sum().backward()
    slopes = points.grad.flatten(1)
    signs = logits.detach().sign() if signs is None else signs
    lengths = slopes.norm(dim=1, keepdim=True)
    return signs, -EPSILON * signs[:, None] * slopes / lengths


def _reference_pgd(model: nn.Module, inputs: Tensor, reading: PGDReading) -> Tensor:
    """Appendix D from p_0 = x, for one reading."""
    total = torch.zeros_like(inputs.flatten(1))
    signs = None
    for _ in range(STEPS):
        kept = signs if reading.direction == "original" else None
        signs, step = _step(model, inputs + total.view_as(inputs), kept)
        total = total + reading.relative_step * step
        lengths = total.norm(dim=1, keepdim=True)
        if reading.projection == "ball":
            lengths = lengths.clamp(min=EPSILON)
        total = EPSILON * total / lengths
    return total


# --- the report -------------------------------------------------------------------


def _table(rows: Sequence[dict]) -> str:
    lines = [
        [f"{row['factor']:g}", str(row["batch_size"])]
        + [f"{row['shares'][name]:.2%}" for name in AIMS]
        for row in rows
    ]
    return markdown_table(["logit times", "batch", *AIMS], lines)


def _verdicts(rows: Sequence[dict]) -> str:
    lines = []
    for name, aim in AIMS.items():
        lowest = min(row["shares"][name] for row in rows)
        met = "met" if lowest >= aim else "MISSED"
        lines.append(f"- {name}: at least {lowest:.2%}, aim {aim:.1%}: {met}")
    return "\n".join(lines)
