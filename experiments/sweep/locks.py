"""Files that one process at a time may write."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def holding(path: str | os.PathLike[str], *, wait: bool = False) -> Iterator[bool]:
    """Hold a file's lock, which the system frees however the process ends.

    Args:
        path: The file to lock; made if it is not there, but not its folder.
        wait: Whether to wait while another process holds the lock.

    Yields:
        Whether it is held: False where the file system has no locks.

    Raises:
        BlockingIOError: If another process holds the lock and ``wait`` is false.
        OSError: If the file cannot be opened for writing.

    Warns:
        UserWarning: If the file system has no locks.
    """
    import fcntl  # here: Windows has no such module, and saves files all the same

    # Open for writing: network file systems ask for that.
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    held = True
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise
        except OSError as error:
            held = False
            warnings.warn(
                f"The file system of {os.fspath(path)} has no locks "
                f"({error.strerror}): let nothing else write there meanwhile.",
                stacklevel=3,
            )
        yield held
    finally:
        os.close(descriptor)
