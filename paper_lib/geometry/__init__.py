"""The ball V, half-spaces, and the two computations that decide membership in them."""

from paper_lib.geometry.ball import (
    in_l2_ball,
    project_halfspace,
    project_l2_ball,
    scale_to_radius,
    unit_vectors,
)
from paper_lib.geometry.ball_points import disc_grid, sample_l2_ball
from paper_lib.geometry.sums import l2_norm
