"""Images and margins are drawn as given."""

import matplotlib.pyplot as plt
import pytest
import torch

from paper_lib.linearize import Linearization
from paper_lib.plotting.perturbations import plot_images, plot_margins


def test_images_are_drawn_as_given():
    images = torch.linspace(0, 1, 2 * 784).reshape(2, 784)
    figure = plot_images(
        {"clean": images, "moved": -3 * images},
        signed=["moved"],
        notes={"clean": ["one", "two"]},
    )
    axes = figure.axes
    assert len(axes) == 4
    assert [axis.get_title() for axis in axes[:2]] == ["clean", "moved"]
    assert [axes[0].get_xlabel(), axes[2].get_xlabel()] == ["one", "two"]
    shown = torch.tensor(axes[2].get_images()[0].get_array())
    assert torch.allclose(shown.float().flatten(), images[1])
    assert axes[0].get_images()[0].get_clim() == (0.0, 1.0)
    assert axes[3].get_images()[0].get_clim() == pytest.approx((-3.0, 3.0))
    assert plt.get_fignums() == []


def test_margins_of_both_classes_and_the_budget():
    lin = Linearization(
        logits=torch.tensor([-1.0, -2.0, 4.0, 5.0]),
        gradients=torch.tensor([[1.0], [1.0], [1.0], [0.0]]),
    )
    axis = plot_margins(lin, epsilon=1.5, classes=["0", "1"]).axes[0]
    heights = [sum(bar.get_height() for bar in group) for group in axis.containers]
    assert heights == [2, 1]  # the flat point has no finite margin
    assert axis.lines[0].get_xdata()[0] == 1.5
    assert plt.get_fignums() == []
