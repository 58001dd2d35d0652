"""The classifiers whose local linearity is measured, and the points for that."""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from experiments.assumption.variations import Variation, train_variation
from experiments.store.keyed import Computed, Settings
from experiments.store.pair_settings import PairSettings, Site, some_images
from experiments.tables.calibration import calibrate_shared_epsilon
from experiments.tables.paper_numbers import PAPER_TABLE_1
from experiments.tables.points import LinearizedPair
from paper_lib.checks.arguments import check_count, check_type
from paper_lib.data import LabeledImages
from paper_lib.evaluation import logits_at
from paper_lib.linearize import Linearization, linearize

# Another stream than that of the order in training, and than that of the tables.
_STREAM = 2**32


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Subject(LinearizedPair):
    """A trained classifier at the points where it is looked at.

    The points to fit on set its budget and defense.

    Attributes:
        accuracy: The share of all test images it labels rightly.
        epsilon: The budget of Table 1, set on ``fit``: what FGM then leaves is what the
            paper prints.
    """

    accuracy: float
    epsilon: float

    @property
    def is_piecewise_linear(self) -> bool:
        """Whether proofs and exact paths know all of its layers."""
        return not any(isinstance(one, nn.Softplus) for one in self.model.modules())

    def first(self, num: int) -> "Subject":
        """Keep the first test points.

        Args:
            num: How many.

        Returns:
            The classifier at these.
        """
        logits, gradients = self.lin.logits[:num], self.lin.gradients[:num]
        lin = Linearization(logits=logits, gradients=gradients)
        return replace(self, test=some_images(self.test, slice(num)), lin=lin)


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectResult(Computed[Settings]):
    """What every record says of its classifier.

    Attributes:
        accuracy: The share of the test images the classifier labels rightly.
        epsilon: The budget of Table 1 for it.
    """

    accuracy: float
    epsilon: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectSettings(PairSettings):
    """Which classifier, and how many points of it.

    The seed is also that of the points.

    Attributes:
        variation: What it has otherwise than the tables' classifiers.
        num_points: Test points, drawn at random; all of them where there are fewer.
        num_fit: Training points that set the budget and fit the defense, likewise.

    Raises:
        TypeError: If ``variation`` is no :class:`Variation`.
        ValueError: If a number is below one.
    """

    variation: Variation = field(default_factory=Variation)
    num_points: int = 100
    num_fit: int = 1000

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            TypeError: See the class.
            ValueError: Likewise.
        """
        PairSettings.__post_init__(self)
        check_type(self.variation, "variation", Variation)
        check_count(self.num_points, "num_points", 1)
        check_count(self.num_fit, "num_fit", 1)

    def subject(self, site: Site) -> Subject:
        """Train the classifier, and linearize it at its points.

        Args:
            site: Where to find the images.

        Returns:
            The classifier at its points.
        """
        pair = self.images(site)
        model = train_variation(
            pair.train, train=self.train, variation=self.variation, seed=self.seed
        )
        fit, test = self._drawn(pair.train, self.num_fit), self._drawn(pair.test)
        lin = linearize(model, fit.images)
        right = logits_at(model, pair.test.images) * pair.test.labels > 0
        target = PAPER_TABLE_1[self.dataset]["FGM", "none"][0] / 100.0
        return Subject(
            pair=pair,
            model=model,
            fit=lin,
            test=test,
            lin=linearize(model, test.images),
            accuracy=float(right.double().mean()),
            epsilon=calibrate_shared_epsilon([lin.margins], target),
        )

    def _drawn(self, data: LabeledImages, num: int | None = None) -> LabeledImages:
        """Draw points, in the order in which they are drawn."""
        generator = torch.Generator().manual_seed(self.seed + _STREAM)
        order = torch.randperm(len(data.labels), generator=generator)
        return some_images(data, order[: self.num_points if num is None else num])


def numbers(values: Float[Tensor, " n"]) -> list[float | None]:
    """Write numbers as JSON has them; None for infinity."""
    return [round(v, 9) if v < float("inf") else None for v in values.tolist()]
