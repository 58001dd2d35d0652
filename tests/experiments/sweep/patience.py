"""How long a client of Dask looks for its scheduler."""

import dask

# Its defaults come with it; if they come within a `set`, its end takes them away.
import distributed  # noqa: F401


def connecting_within(wait: str) -> dask.config.set:
    """Wait no longer than this, within a ``with``."""
    return dask.config.set({"distributed.comm.timeouts.connect": wait})
