"""The ball V, half-spaces, and the two computations that decide membership in them."""

from paper_lib.geometry.ball import (
    check_in_l2_ball,
    disc_grid,
    fit_product,
    in_l2_ball,
    project_halfspace,
    project_l2_ball,
    project_l2_sphere,
    sample_l2_ball,
    scale_to_radius,
    unit_vectors,
)
from paper_lib.geometry.sums import full_precision, l2_norm, rough_dots, row_dots
