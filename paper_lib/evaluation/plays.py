"""The plays of attack and defense that a table scores."""

# The names of an attack and of a defense; "none" is the perturbation zero.
Play = tuple[str, str]
# A play and "true" or "approximate".
Cell = tuple[str, str, str]

#: The five pairs of attack and defense, in the paper's order.
PLAYS: tuple[Play, ...] = (
    ("none", "none"),
    ("FGM", "none"),
    ("FGM", "SMOOTH"),
    ("PGD", "none"),
    ("PGD", "SMOOTH"),
)


def play_name(play: Play) -> str:
    """Name an attack and a defense for a legend or a table.

    Args:
        play: The attack and the defense.

    Returns:
        Words for both.

    Example:
        >>> play_name(("FGM", "none"))
        'FGM, no defense'
    """
    attack, defense = play
    return (
        f"{'no attack' if attack == 'none' else attack}, "
        f"{'no defense' if defense == 'none' else defense}"
    )
