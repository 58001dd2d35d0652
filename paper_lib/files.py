"""Files that are written whole or not at all, and by one process at a time."""

import errno
import os
import stat
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file elsewhere first, and put it in place once it is complete.

    Whoever reads ``path`` meanwhile finds the old file. Where writing fails the old
    file stays, and nothing else does. Who may read the new one is what the umask says,
    whatever wrote it.

    Args:
        path: The file to write or replace; its folder must exist.

    Yields:
        The file to write instead, which does not exist yet.
    """
    target = Path(path)
    # Beside the target: across file systems a move is a copy, and may end halfway.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".saving-") as folder:
        part = Path(folder) / target.name
        # Reading the umask would set it for the other threads, so a file is asked.
        part.touch()
        mode = stat.S_IMODE(part.stat().st_mode)
        part.unlink()
        yield part
        if stat.S_IMODE(part.stat().st_mode) != mode:
            part.chmod(mode)
        os.replace(part, target)


@contextmanager
def exclusive_lock(
    path: str | os.PathLike[str], *, wait: bool = False
) -> Iterator[bool]:
    """Hold the lock of a file; the system frees it however the process ends.

    Args:
        path: The file, made if it is not there; its folder must exist.
        wait: Wait for whoever holds it.

    Yields:
        Whether it is held: False where the file system has no locks.

    Raises:
        BlockingIOError: If another holds it and ``wait`` is False.
        OSError: If the file cannot be opened for writing.

    Warns:
        UserWarning: If the file system has no locks.
    """
    import fcntl  # not on Windows, where the rest of the library works

    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            held = True
        except BlockingIOError:
            raise
        except OSError as error:
            held = False
            name = errno.errorcode.get(error.errno or 0, "no number")
            warnings.warn(
                f"the file system of {path} has no locks ({name}: {error.strerror}); "
                "nothing keeps another process from writing there meanwhile.",
                UserWarning,
                stacklevel=4,
            )
        yield held
    finally:
        os.close(lock)
