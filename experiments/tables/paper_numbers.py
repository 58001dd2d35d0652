"""What the paper's Tables 1 and 2 say."""

from paper_lib.evaluation.plays import Cell, Play

# Table 2 of the paper, MNIST 0 against 1, in percent.
PAPER_TABLE_2: dict[Cell, float] = {
    ("none", "none", "true"): 99.9,
    ("FGM", "none", "true"): 63.0,
    ("FGM", "SMOOTH", "true"): 95.6,
    ("PGD", "none", "true"): 47.7,
    ("PGD", "SMOOTH", "true"): 75.1,
    ("none", "none", "approximate"): 99.9,
    ("FGM", "none", "approximate"): 48.3,
    ("FGM", "SMOOTH", "approximate"): 94.5,
    ("PGD", "none", "approximate"): 85.6,
    ("PGD", "SMOOTH", "approximate"): 99.1,
}

# Table 1 of the paper: approximate accuracy over the 45 pairs of classes, in percent;
# the mean, and what the paper calls the variance.
PAPER_TABLE_1: dict[str, dict[Play, tuple[float, float]]] = {
    "mnist": {
        ("none", "none"): (99.9, 0.0),
        ("FGM", "none"): (53.3, 10.0),
        ("FGM", "SMOOTH"): (71.2, 14.2),
        ("PGD", "none"): (71.9, 12.0),
        ("PGD", "SMOOTH"): (94.0, 4.0),
    },
    "fashion-mnist": {
        ("none", "none"): (99.9, 0.1),
        ("FGM", "none"): (47.4, 5.1),
        ("FGM", "SMOOTH"): (67.4, 9.0),
        ("PGD", "none"): (74.7, 7.3),
        ("PGD", "SMOOTH"): (90.3, 8.5),
    },
}
