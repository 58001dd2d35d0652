"""Tests and notebooks run in this project's own surroundings, however they are called.

Nothing of ``paper_lib`` is imported here: the jaxtyping hook has to come first.
"""

import surroundings

surroundings.enter()
