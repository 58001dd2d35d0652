"""Half-planes in the plane, cut with a disc: cells, vertices, exact maximizers."""

from paper_lib.arrangement.cells import Cell, cells, vertices
from paper_lib.arrangement.faces import Face, heaviest_faces
from paper_lib.arrangement.sweep import PlanarMaximum, maximum_coverage, sweep

__all__ = [
    "Cell",
    "Face",
    "PlanarMaximum",
    "cells",
    "heaviest_faces",
    "maximum_coverage",
    "sweep",
    "vertices",
]
