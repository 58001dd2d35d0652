"""The store of results: one JSON record a run, small enough to be committed."""

import hashlib
import json
import os
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import paper_lib
from paper_lib.data.pairs import Source
from paper_lib.files import replacing

SCHEMA = "paper-lib/pair-record/2"
_PACKAGES = (Path(paper_lib.__file__).parent, Path(__file__).parents[1])


def save_record(record: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a record as JSON with a checksum, whole or not at all.

    Args:
        record: Plain values under names, with their ``"schema"``.
        path: The file to write or replace; its folder must exist.
    """
    signed = record | {"sha256": _digest(record)}
    text = json.dumps(signed, indent=1, allow_nan=False) + "\n"
    save_bytes(text.encode(), path)


def save_bytes(content: bytes, path: str | os.PathLike[str]) -> None:
    """Write a file, whole or not at all.

    Args:
        content: What it holds.
        path: The file to write or replace; its folder must exist.
    """
    with replacing(path) as part:
        part.write_bytes(content)


def load_record(
    path: str | os.PathLike[str], *, schema: str = SCHEMA
) -> dict[str, Any]:
    """Read a record written by :func:`save_record`.

    Args:
        path: The file.
        schema: The kind of record it must hold.

    Returns:
        The record.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or altered, or holds another schema.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"path must name a stored record, got {file}.")
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} is damaged: {error}.") from error
    found = record.get("schema") if isinstance(record, dict) else None
    if found != schema:
        raise ValueError(f"{file} must hold schema {schema!r}, got {found!r}.")
    expected = record.pop("sha256", None)
    if (content := _digest(record)) != expected:
        raise ValueError(
            f"{file} is altered: it must have sha256 {expected}, got {content}."
        )
    return record


def stored_folder(
    path: str | os.PathLike[str], *, holding: str = "*.json", name: str = "store"
) -> Path:
    """Find the folder of stored results that a notebook was given.

    Args:
        path: The folder; a relative one counts from where the notebook runs.
        holding: A pattern that at least one of its files must match.
        name: The parameter's name, for the message.

    Returns:
        The folder.

    Raises:
        FileNotFoundError: If it is not there, or holds no such file; the message says
            where it was looked for and what to do.
    """
    folder = Path(path)
    if folder.is_dir() and any(folder.glob(holding)):
        return folder
    raise FileNotFoundError(
        f"{name} must be a folder with stored results ({holding}), but "
        f"{folder.resolve()} {'has none' if folder.is_dir() else 'is not there'}; run "
        "the notebook in its own folder, as papermill does with --cwd book, or give "
        f"{name} as an absolute path."
    )


def stored_record(
    path: Path,
    config: Any,
    *,
    schema: str,
    source: Source,
    of_images: bool = True,
    compute: bool = True,
) -> dict[str, Any] | None:
    """Load a record if it is there, whole, and answers what is asked.

    Args:
        path: Its file.
        config: The settings it has to be of, a dataclass.
        schema: The kind of record it must hold.
        source: Source of the data it has to be of, as far as embedded data must not
            stand in for complete data, nor these for them.
        of_images: Whether it is of data at all.
        compute: Whether the caller computes what is of no use, as the warning says.

    Returns:
        The record; None if it is not there or of no use.

    Warns:
        UserWarning: If it is there and of no use; it is named.
    """
    if not path.exists():
        return None
    try:
        record = load_record(path, schema=schema)
        _check_answers(record, path, config, source if of_images else None)
    except ValueError as error:
        then = "is computed again" if compute else "counts as missing"
        warnings.warn(f"{error} It {then}.", UserWarning, stacklevel=4)
        return None
    return record


def _check_answers(
    record: dict[str, Any], path: Path, config: Any, source: Source | None
) -> None:
    """Reject a record of other settings, or of data that cannot stand in for others."""
    if record.get("config") != plain(asdict(config)):
        raise ValueError(f"{path} holds the result of other settings.")
    found = record.get("provenance", {}).get("data", {}).get("source")
    if source is not None and (found == "embedded") != (source == "embedded"):
        raise ValueError(
            f"{path} was computed on {found!r} data, not on source={source!r}."
        )


def plain(value: Any) -> Any:
    """Replace tuples by lists, as JSON does, so that a value equals its stored copy.

    Args:
        value: Anything JSON can hold.

    Returns:
        The value as it will be read back.
    """
    return json.loads(json.dumps(value, allow_nan=False))


def settings_digest(settings: Any) -> str:
    """Hash settings, so that files of different settings have different names.

    Args:
        settings: Anything JSON can hold.

    Returns:
        The first ten hexadecimal digits of the sha256.
    """
    return _digest(plain(settings))[:10]


def code_digest(*parts: str) -> str:
    """Hash the source, which changes more often than the library's version.

    Args:
        *parts: What the paths of modules to hash begin with, like
            ``"paper_lib/models/"``; none: library and experiments.

    Returns:
        The sha256 of their source, in the order of their names.

    Raises:
        ValueError: If there is no such module.
    """
    digest = hashlib.sha256()
    missing = set(parts)
    for package in _PACKAGES:
        for module in sorted(package.rglob("*.py")):
            name = module.relative_to(package.parent).as_posix()
            wanted = [part for part in parts if name.startswith(part)]
            if parts and not wanted:
                continue
            missing -= set(wanted)
            digest.update(name.encode())
            digest.update(module.read_bytes())
    if missing:
        raise ValueError(f"parts must be of the source, got {sorted(missing)}.")
    return digest.hexdigest()


def _digest(content: Any) -> str:
    """Hash what a record says, however its file is laid out."""
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
