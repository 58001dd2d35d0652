"""Checks of arguments that many functions share, and the words of their errors."""

from paper_lib.checks.arguments import (
    check_between,
    check_choice,
    check_count,
    check_radius,
    check_seed,
)
