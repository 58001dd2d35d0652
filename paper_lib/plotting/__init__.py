"""Result objects -> matplotlib figures, for the book's pages and for a script.

Each function returns a new figure, closed for pyplot, so that a page shows it once, by
ending a cell with it, and a script saves it.
"""

from paper_lib.checks.extras import needing

with needing("matplotlib", "paper_lib.plotting", "plot"):
    from paper_lib.plotting.half_planes import plot_half_planes
    from paper_lib.plotting.perturbations import plot_images
