"""Files that are written whole or not at all, and by one process at a time."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file elsewhere first, and put it in place once it is complete.

    Whoever reads ``path`` meanwhile finds the old file. Where writing fails the old
    file stays, and nothing else does.

    Args:
        path: The file to write or replace; its folder must exist.

    Yields:
        The file to write instead, which does not exist yet.
    """
    target = Path(path)
    # Beside the target: across file systems a move is a copy, and may end halfway.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".saving-") as folder:
        part = Path(folder) / target.name
        yield part
        os.replace(part, target)


@contextmanager
def holding(path: str | os.PathLike[str], *, wait: bool = False) -> Iterator[None]:
    """Hold a file's lock, which the system frees however the process ends.

    On a file system that has no locks a warning says so, and nothing is held.

    Args:
        path: The file to lock; made if it is not there, but not its folder.
        wait: Whether to wait while another process holds the lock.

    Yields:
        Nothing; the lock is held until the block ends.

    Raises:
        BlockingIOError: If another process holds the lock and ``wait`` is false.
        OSError: If the file cannot be opened for writing.
    """
    import fcntl  # here: Windows has no such module, and saves files all the same

    # Open for writing: network file systems ask for that.
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise
        except OSError as error:
            warnings.warn(
                f"The file system of {os.fspath(path)} has no locks "
                f"({error.strerror}): let nothing else write there meanwhile.",
                stacklevel=3,
            )
        yield
    finally:
        os.close(descriptor)
