"""What pictures share: looks in turn, and one legend for all axes."""

from experiments.figures.drawing import (
    COLORS,
    MARKERS,
    in_turn,
    legend_outside,
    new_figure,
)


def test_each_thing_has_a_color_and_a_marker_of_its_own():
    found = list(in_turn("abc"))
    assert [thing for _, _, thing in found] == ["a", "b", "c"]
    assert [look[:2] for look in found] == [*zip(COLORS, MARKERS, strict=True)][:3]
    assert len(list(in_turn(range(9)))) == 5


def test_a_name_that_several_axes_have_is_in_the_legend_once():
    figure, axes = new_figure(4.0, 3.0, 1, 2)
    for axis, names in zip(axes, (("one", "two"), ("two", "three")), strict=True):
        for color, marker, name in in_turn(names):
            axis.plot([0.0, 1.0], marker, color=color, label=name)
    axes[1].plot([0.0], [0.0])  # without a name
    legend_outside(figure, 3)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "two", "three"]
    # Where a name is drawn twice, the legend has its first mark.
    looks = [handle.get_color() for handle in legend.legend_handles]
    assert looks == [COLORS[0], COLORS[1], COLORS[1]]
