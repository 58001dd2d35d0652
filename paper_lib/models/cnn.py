"""The 4-layer convolutional network with one logit."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

# The side of the blocks in which gradients to the image are computed; divides 28.
_BLOCK = 4


class InputConv(nn.Conv2d):
    """A convolution of images with one channel, to which gradients are cheap on a CPU.

    The gradient of a convolution with one input channel has one channel itself, which
    leaves most of a vector register empty. Here blocks of 4 by 4 pixels are computed as
    the channels of one convolution with larger strides: the same sums, another order.
    That serves the plain convolution of images whose sides the blocks divide, with
    frozen weights; any other is computed as always.
    """

    def forward(self, input: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n c _ _"]:
        """Convolve; the values are those of any other convolution."""
        if input.device.type == "cpu" and input.requires_grad and self._serves(input):
            return _Convolve.apply(input, self.weight, self.bias)
        return super().forward(input)

    def _serves(self, images: Tensor) -> bool:
        """Tell whether blocks give the gradient, and the only one that is asked for."""
        frozen = not any(weight.requires_grad for weight in self.parameters())
        settings = (self.stride, self.padding, self.dilation, self.groups)
        plain = settings == ((1, 1), (0, 0), (1, 1), 1) and self.in_channels == 1
        fits = all(side % _BLOCK == 0 for side in images.shape[-2:])
        square = self.kernel_size[0] == self.kernel_size[1]
        return frozen and plain and fits and square and self.bias is not None


class _Convolve(torch.autograd.Function):
    """A convolution that is differentiated in its images and not in its weights."""

    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return nn.functional.conv2d(images, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        margin = weight.shape[-1] - 1
        # The kernel turned about, once for each place in a block.
        last = _BLOCK - 1
        kernels = torch.cat(
            [
                nn.functional.pad(
                    weight.flip(2, 3), (column, last - column, row, last - row)
                )
                for row in range(_BLOCK)
                for column in range(_BLOCK)
            ],
            dim=1,
        ).transpose(0, 1)
        blocks = nn.functional.conv2d(
            grad_outputs[0], kernels, stride=_BLOCK, padding=margin
        )
        return nn.functional.pixel_shuffle(blocks, _BLOCK), None, None


class MaxPool(nn.Module):
    """The largest of each 2 by 2 block; the odd line at the end is left out."""

    def forward(
        self, values: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n c h//2 w//2"]:
        """Pool; the values are the same with and without gradients."""
        if torch.is_grad_enabled():
            if values.device.type == "cpu":
                # With the channels innermost several are pooled at once. The result
                # goes back, so that nothing else is rounded otherwise.
                values = values.movedim(1, -1).contiguous().movedim(-1, 1)
            return nn.functional.max_pool2d(values, 2).contiguous()
        # Without gradients no places need to be kept, and whole lines are compared.
        height, width = (size // 2 * 2 for size in values.shape[2:])
        lines = torch.maximum(values[..., 0:height:2, :], values[..., 1:height:2, :])
        return torch.maximum(lines[..., 0:width:2], lines[..., 1:width:2])


class PairCNN(nn.Module):
    """Two convolutions and two fully connected layers: 28 x 28 images to one logit.

    Convolution, max-pool, ReLU, twice; fully connected, ReLU, fully connected. Weights
    are float32.

    Args:
        channels: Widths of the two convolutions.
        hidden: Width of the hidden fully connected layer.
        kernel_size: Side of both convolution kernels, at most 9.
        input_mean: Subtracted from every pixel inside the module, so that budgets
            stay in pixels.
        input_std: Divides every pixel afterwards, > 0.

    Raises:
        ValueError: If a width is below one, the kernel does not fit the image, or the
            normalization is undefined.

    Example:
        >>> import torch
        >>> PairCNN()(torch.zeros(5, 1, 28, 28)).shape
        torch.Size([5])
    """

    def __init__(
        self,
        *,
        channels: tuple[int, int] = (10, 20),
        hidden: int = 50,
        kernel_size: int = 5,
        input_mean: float = 0.0,
        input_std: float = 1.0,
    ) -> None:
        """Build the layers with torch's default initialization.

        Raises:
            ValueError: See the class.
        """
        super().__init__()
        if min(*channels, hidden, kernel_size) < 1 or len(channels) != 2:
            raise ValueError(
                "channels must be two widths and hidden and kernel_size widths, all at "
                f"least 1, got {channels}, {hidden} and {kernel_size}."
            )
        side = ((28 - kernel_size + 1) // 2 - kernel_size + 1) // 2
        if side < 1:
            raise ValueError(
                f"kernel_size must leave an image after two layers, got {kernel_size}."
            )
        if not (math.isfinite(input_mean) and 0.0 < input_std < math.inf):
            raise ValueError(
                "input_mean must be finite and input_std finite and > 0, got "
                f"{input_mean} and {input_std}."
            )
        self.settings = {
            "channels": tuple(channels),
            "hidden": hidden,
            "kernel_size": kernel_size,
            "input_mean": input_mean,
            "input_std": input_std,
        }
        sizes = (1, *channels, channels[1] * side * side, hidden, 1)
        self.layers = _layers(sizes, kernel_size)

    def forward(self, images: Float[Tensor, "n 1 28 28"]) -> Float[Tensor, " n"]:
        """Compute the logits; the sign is the class."""
        mean, std = self.settings["input_mean"], self.settings["input_std"]
        return self.layers((images - mean) / std).squeeze(-1)


def _layers(sizes: tuple[int, ...], kernel_size: int) -> nn.Sequential:
    """Build the layers: channels of three images, then lengths of three vectors."""
    # Whatever torch's default is: images are float32.
    kind = torch.float32
    return nn.Sequential(
        InputConv(sizes[0], sizes[1], kernel_size, dtype=kind),
        MaxPool(),
        nn.ReLU(),
        nn.Conv2d(sizes[1], sizes[2], kernel_size, dtype=kind),
        MaxPool(),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(sizes[3], sizes[4], dtype=kind),
        nn.ReLU(),
        nn.Linear(sizes[4], sizes[5], dtype=kind),
    )
