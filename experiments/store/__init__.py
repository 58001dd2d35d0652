"""Records of runs: one JSON file each, signed, with what it was computed with."""
