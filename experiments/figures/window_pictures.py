"""Church windows, as in Figure 4 of the paper."""

import numpy as np
from matplotlib.figure import Figure

from experiments.assumption.windows import ChurchWindows
from paper_lib.plotting.style import COLORS, new_figure


def plot_windows(windows: ChurchWindows, *, columns: int = 4) -> Figure:
    """Draw church windows: the class f gives, and the boundary of the tangent.

    Args:
        windows: The windows.
        columns: How many side by side.

    Returns:
        The figure; above each window the share in which the signs differ.
    """
    rows = -(-len(windows.values) // columns)
    figure, axes = new_figure(1.17 * columns, 1.4 * rows, rows, columns)
    for axis, values, tangents, area in zip(
        axes, windows.values, windows.tangents, windows.areas, strict=False
    ):
        own = values[len(values) // 2, len(values) // 2].sign()
        ticks = np.linspace(-windows.epsilon, windows.epsilon, len(values))
        other = (values * own < 0).double().numpy()
        axis.contourf(ticks, ticks, other, [0.5, 1.5], colors=[COLORS[4]])
        if bool((tangents.sign() != tangents[0, 0].sign()).any()):
            axis.contour(
                ticks, ticks, tangents.numpy(), [0.0], colors=[COLORS[1]], linewidths=2
            )
        axis.plot(0, 0, ".", color=COLORS[0])
        axis.set_title(f"{100 * float(area):.1f}%", fontsize="medium")
        axis.set(aspect="equal", xticks=[], yticks=[])
    for axis in axes[len(windows.values) :]:
        axis.remove()
    return figure
