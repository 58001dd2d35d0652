"""Half-planes in the plane, cut with a disc: cells, vertices, exact maximizers."""

from paper_lib.arrangement.faces import heaviest_faces
from paper_lib.arrangement.line_sweep import maximum_coverage
from paper_lib.arrangement.partition import cells, vertices
