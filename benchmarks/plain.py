"""Plain torch: the least work a hand-written loop has to do, with nothing checked."""

import torch
from torch import Tensor

from benchmarks.subject import BATCH_SIZE, EPSILON, STEPS, Subject


def gradients(subject: Subject) -> tuple[Tensor, Tensor]:
    """Logits and input gradients, batch by batch."""
    parts = [_gradient(subject, batch) for batch in subject.images.split(BATCH_SIZE)]
    logits, slopes = (torch.cat(column) for column in zip(*parts, strict=True))
    return logits, slopes.flatten(1)


def fgm(subject: Subject) -> Tensor:
    """Gradients scaled to the budget, against the sign of the logit."""
    logits, slopes = gradients(subject)
    return slopes * (-EPSILON * logits.sign() / slopes.norm(dim=1)).unsqueeze(1)


def pgd(subject: Subject, *, step: float, ball: bool) -> Tensor:
    """Repeat FGM from the iterate and project, onto the ball or the sphere."""
    attacks = [
        _attack_batch(subject, batch, step=step, ball=ball)
        for batch in subject.images.split(BATCH_SIZE)
    ]
    return torch.cat(attacks).flatten(1)


def _attack_batch(
    subject: Subject, batch: Tensor, *, step: float, ball: bool
) -> Tensor:
    total = torch.zeros_like(batch)
    for _ in range(STEPS):
        logits, slopes = _gradient(subject, batch + total)
        total.sub_(slopes.mul_(_per_image(step * logits.sign() / _norms(slopes))))
        scale = EPSILON / _norms(total)
        total.mul_(_per_image(scale.clamp_(max=1.0) if ball else scale))
    return total


def _gradient(subject: Subject, batch: Tensor) -> tuple[Tensor, Tensor]:
    inputs = batch.detach().requires_grad_(True)
    logits = subject.model(inputs)
    (slopes,) = torch.autograd.grad(logits.sum(), inputs)
    return logits.detach(), slopes


def _norms(images: Tensor) -> Tensor:
    return images.flatten(1).norm(dim=1)


def _per_image(factors: Tensor) -> Tensor:
    return factors.view(-1, 1, 1, 1)
