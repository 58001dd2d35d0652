"""Peers on a one-logit classifier, each through its own l2 attacks.

They ask for two logits and a label, so each gets ``(-f/2, f/2)``, whose cross-entropy
is the logistic loss of f, and ``sgn f(x)`` as the label. Budget, steps and projection
are those of this library's ball reading. Imports are local: the packages live in an
environment of their own (``environment.py``).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.subject import BALL_STEP, BATCH_SIZE, EPSILON, STEPS, Subject

Attack = Callable[[], Tensor]


class TwoLogits(nn.Module):
    """Two logits from one: ``(-f/2, f/2)``."""

    def __init__(self, model: nn.Module) -> None:
        """Wrap a model with one logit."""
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Compute both logits."""
        half = self.model(images) / 2
        return torch.stack([-half, half], dim=1)


def foolbox(subject: Subject, *, one_step: bool) -> Attack:
    from foolbox import PyTorchModel, attacks

    # Bounds must be given; these are so wide that nothing is clipped.
    model = PyTorchModel(TwoLogits(subject.model).eval(), bounds=(-100, 100))
    if one_step:
        attack = attacks.L2FastGradientAttack(random_start=False)
    else:
        attack = attacks.L2PGD(abs_stepsize=BALL_STEP, steps=STEPS, random_start=False)

    def on_batch(images: Tensor, labels: Tensor) -> Tensor:
        _, attacked, _ = attack(model, images, labels, epsilons=EPSILON)
        return attacked - images

    return _over_batches(subject, on_batch)


def torchattacks(subject: Subject, *, one_step: bool) -> Attack:
    from torchattacks import PGDL2

    # It has no l2 FGM: one step of its PGD, as long as the budget, is the nearest.
    step, steps = (EPSILON, 1) if one_step else (BALL_STEP, STEPS)
    model = TwoLogits(subject.model).eval()
    attack = PGDL2(model, eps=EPSILON, alpha=step, steps=steps, random_start=False)
    return _over_batches(
        subject, lambda images, labels: attack(images, labels) - images
    )


def art(subject: Subject, *, one_step: bool) -> Attack:
    from art.attacks import evasion
    from art.estimators.classification import PyTorchClassifier

    classifier = PyTorchClassifier(
        model=TwoLogits(subject.model).eval(),
        loss=nn.CrossEntropyLoss(),
        input_shape=tuple(subject.images.shape[1:]),
        nb_classes=2,
        device_type="cpu",
    )
    settings = {"norm": 2, "eps": EPSILON, "batch_size": BATCH_SIZE}
    if one_step:
        attack = evasion.FastGradientMethod(classifier, **settings)
    else:
        attack = evasion.ProjectedGradientDescentPyTorch(
            classifier, eps_step=BALL_STEP, max_iter=STEPS, verbose=False, **settings
        )
    images, labels = subject.images.numpy(), _labels(subject).numpy()
    return lambda: torch.from_numpy(attack.generate(images, y=labels) - images).flatten(
        1
    )


def _labels(subject: Subject) -> Tensor:
    """The label to attack, sgn f(x), as the class index 0 or 1."""
    with torch.no_grad():
        return (subject.model(subject.images) > 0).long()


def _over_batches(
    subject: Subject, on_batch: Callable[[Tensor, Tensor], Tensor]
) -> Attack:
    """Give a peer that attacks whatever it is given one batch at a time."""
    images = subject.images.split(BATCH_SIZE)
    labels = _labels(subject).split(BATCH_SIZE)
    return lambda: torch.cat(list(map(on_batch, images, labels))).flatten(1)
