"""All maximizers at once: the set V*, and uniform draws from it."""
