"""Images as they are stored, and as a binary classifier sees them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from paper_lib.checks.operands import check_finite, check_labels, check_same_kind


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TenClasses:
    """One split of a data set, as its files have it.

    Attributes:
        images: Gray levels, 0 to 255.
        targets: The class of each image, 0 to 9.
    """

    images: UInt8[Tensor, "n 28 28"]
    targets: Int64[Tensor, " n"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class LabeledImages:
    """Inputs of two classes and their labels; may be built by hand.

    :func:`~paper_lib.data.load_pair` gives float32 images of shape ``(n, 1, 28, 28)``
    in ``[0, 1]``. By hand, the images may have any shape after ``n`` and any range.

    Attributes:
        images: The inputs, samples first.
        labels: -1 for the first class, +1 for the second; dtype of ``images``.

    Raises:
        TypeError: If one of them is not a tensor.
        ValueError: If the dtypes are not both float32 or both float64, the lengths
            differ, there is no image, a label is neither -1 nor +1, or a value of an
            image is NaN or infinite.

    Example:
        >>> LabeledImages(images=torch.zeros(2, 3), labels=torch.tensor([-1.0, 1.0]))
        LabeledImages(2 of shape (3,), torch.float32: 1 labeled -1, 1 labeled +1)
    """

    images: Float[Tensor, "n ..."]
    labels: Float[Tensor, " n"]

    def __post_init__(self) -> None:
        """Check kinds, shapes and values.

        Raises:
            TypeError: See the class.
            ValueError: See the class.
        """
        check_same_kind(images=self.images, labels=self.labels)
        if self.images.ndim < 2 or self.images.numel() == 0:
            raise ValueError(
                "images must be (n, ...) with at least one sample, got shape "
                f"{tuple(self.images.shape)}."
            )
        check_labels(self.labels, "labels", len(self.images))
        check_finite(images=self.images)

    def __repr__(self) -> str:
        """Shapes and counts: the pixels themselves would fill the page.

        Returns:
            One line.
        """
        count, positive = len(self.labels), int((self.labels > 0).sum())
        return (
            f"LabeledImages({count} of shape {tuple(self.images.shape[1:])}, "
            f"{self.images.dtype}: {count - positive} labeled -1, "
            f"{positive} labeled +1)"
        )


def select(split: TenClasses, classes: tuple[int, int]) -> LabeledImages:
    """Keep two classes, in the order of the file.

    Args:
        split: Images of ten classes.
        classes: The class to label -1, then the class to label +1.

    Returns:
        Fresh float32 tensors: images of shape ``(n, 1, 28, 28)`` in ``[0, 1]``.
    """
    first, second = classes
    kept = (split.targets == first) | (split.targets == second)
    # A true division in float32, correctly rounded on every processor, so that the
    # fingerprint of the result does not depend on the machine.
    images = split.images[kept].unsqueeze(1).to(torch.float32).div(255)
    labels = torch.where(split.targets[kept] == first, -1, 1).to(torch.float32)
    return LabeledImages(images=images, labels=labels)
