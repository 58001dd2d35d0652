"""What all figures share."""

# Okabe and Ito's palette, told apart with every common color vision.
COLORS = ("#000000", "#D55E00", "#0072B2", "#E69F00", "#56B4E9")
MARKERS = ("o", "v", "^", "s", "D")
