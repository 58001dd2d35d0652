"""Packages that only some functions need, and what to say where one is missing."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needing(package: str, user: str, extra: str) -> Iterator[None]:
    """Import what an extra of this project brings, or say which.

    Args:
        package: The package that may be missing.
        user: Who needs it, for the message.
        extra: The extra of ``paper-lib`` that brings it.

    Yields:
        Nothing; imports go inside.

    Raises:
        ImportError: If an import fails.

    Example:
        >>> with needing("zlib", "this example", "data"):
        ...     import zlib
    """
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f"{user} needs {package}; install it with pip install 'paper-lib[{extra}]'."
        ) from error
