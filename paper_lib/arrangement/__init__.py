"""Half-planes in the plane, cut with a disc: cells, vertices, exact maximizers."""

from paper_lib.arrangement.enumeration import Cell, cells, vertices
from paper_lib.arrangement.faces import Face, heaviest_faces
from paper_lib.arrangement.line_sweep import PlanarMaximum, maximum_coverage, sweep
