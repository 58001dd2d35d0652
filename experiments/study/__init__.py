"""Table 1, explained: which reading of the experiment gives the paper's numbers."""
