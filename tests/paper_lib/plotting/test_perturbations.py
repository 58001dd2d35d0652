"""Images are drawn as given."""

import matplotlib.pyplot as plt
import pytest
import torch

from paper_lib.plotting.perturbations import plot_images


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
