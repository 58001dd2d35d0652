"""What bounds coverage from above, checked without the solver that found it."""
