"""Result objects -> matplotlib figures and Markdown tables, for the book's pages.

Each function returns a new figure, closed for pyplot, so that a page shows it once, by
ending a cell with it, and a script saves it.
"""

from paper_lib.plotting.algorithm import (
    plot_ascents,
    plot_certified_band,
    plot_relaxations,
)
from paper_lib.plotting.attacks import (
    plot_accuracy_against_budget,
    plot_images,
    plot_margins,
)
from paper_lib.plotting.bounds import plot_bounds, plot_pair_bounds, plot_prices
from paper_lib.plotting.gain_tables import (
    extreme_table,
    gain_table,
    isotropic_table,
    losing_table,
    noise_table,
    other_side_table,
)
from paper_lib.plotting.game import (
    plot_fictitious_play,
    plot_maximizer_set,
    plot_membership_check,
    plot_network_robust_sets,
    plot_payoffs,
    plot_set_size_against_margin,
    plot_two_conditions,
    plot_value_against_budget,
)
from paper_lib.plotting.generalization import (
    plot_bound_against_samples,
    plot_concentration,
    plot_superimposed_sets,
    plot_trace_counts,
)
from paper_lib.plotting.pair_tables import (
    calibration_table,
    cell_table,
    classifier_table,
    goal_lines,
    missing_lines,
    stored_cell,
    table_1,
)
from paper_lib.plotting.pairs import (
    CLASS_LABELS,
    plot_examples,
    plot_pair_maps,
    plot_pair_spread,
    plot_pairs_against_budget,
)
from paper_lib.plotting.path_tables import both_paths, both_paths_table, moved_table
from paper_lib.plotting.plane import plot_half_planes
from paper_lib.plotting.rates import plot_ramp_floor, plot_rates, slope_text
from paper_lib.plotting.seed_tables import (
    dead_zone_table,
    origin_table,
    outside_table,
    reading_table,
    seed_goal_table,
)
from paper_lib.plotting.tables import (
    comparison_table,
    markdown_table,
    percents,
    play_name,
)

__all__ = [
    "CLASS_LABELS",
    "both_paths",
    "both_paths_table",
    "calibration_table",
    "cell_table",
    "classifier_table",
    "comparison_table",
    "dead_zone_table",
    "extreme_table",
    "gain_table",
    "goal_lines",
    "isotropic_table",
    "losing_table",
    "markdown_table",
    "missing_lines",
    "moved_table",
    "noise_table",
    "origin_table",
    "other_side_table",
    "outside_table",
    "percents",
    "play_name",
    "plot_accuracy_against_budget",
    "plot_ascents",
    "plot_bound_against_samples",
    "plot_bounds",
    "plot_certified_band",
    "plot_concentration",
    "plot_examples",
    "plot_fictitious_play",
    "plot_half_planes",
    "plot_images",
    "plot_margins",
    "plot_maximizer_set",
    "plot_membership_check",
    "plot_network_robust_sets",
    "plot_pair_bounds",
    "plot_pair_maps",
    "plot_pair_spread",
    "plot_pairs_against_budget",
    "plot_payoffs",
    "plot_prices",
    "plot_ramp_floor",
    "plot_rates",
    "plot_relaxations",
    "plot_set_size_against_margin",
    "plot_superimposed_sets",
    "plot_trace_counts",
    "plot_two_conditions",
    "plot_value_against_budget",
    "reading_table",
    "seed_goal_table",
    "slope_text",
    "stored_cell",
    "table_1",
]
