"""The store of results: one JSON record a run, small enough to be committed.

Configurations and results are plain JSON values there; type hints bring them back.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import paper_lib
from paper_lib.files import replacing

SCHEMA = "paper-lib/pair-record/2"
# What each kind is stored as; JSON leaves out the point of a whole number.
_FORMS = {
    **{kind: kind for kind in (bool, int, str)},
    **{float: (float, int), tuple: (list, tuple), dict: Mapping, Mapping: Mapping},
}
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


def save_csv(
    rows: Iterable[Iterable[Any]], path: str | os.PathLike[str], *, decimals: int
) -> None:
    """Write rows as comma-separated values, whole or not at all.

    Args:
        rows: The rows.
        path: The file to write or replace; its folder must exist.
        decimals: Of floating-point numbers.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow(f"{v:.{decimals}f}" if isinstance(v, float) else v for v in row)
    save_bytes(text.getvalue().encode(), path)


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


def plain(value: Any) -> Any:
    """Replace tuples by lists, as JSON does, so that a value equals its stored copy.

    Args:
        value: Anything JSON can hold, and dataclasses of such.

    Returns:
        The value as it will be read back.
    """
    return json.loads(json.dumps(value, allow_nan=False, default=asdict))


def from_plain(kind: Any, value: Any) -> Any:
    """Build a value of a type from what :func:`plain` made of it.

    Args:
        kind: A type: a dataclass, a tuple or a mapping of such, one of these or None,
            one of several dataclasses, or anything JSON holds as it is.
        value: The plain value; what already is of the type stays as it is.

    Returns:
        The value.

    Raises:
        TypeError: If a dataclass lacks a value, or has no such field, or a value is of
            another kind.
        ValueError: If there are more parts than types, or fewer.
    """
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if value is None else from_plain(_chosen(args, value), value)
    is_class = isinstance(kind, type) and is_dataclass(kind)
    if is_class and isinstance(value, kind):
        return value
    if not isinstance(value, _FORMS.get(dict if is_class else origin or kind, object)):
        raise TypeError(f"{value!r} cannot be read as {kind}.")
    if is_class:
        hints, computed = _hints(kind)
        return kind(
            **{
                name: from_plain(hints.get(name, Any), part)
                for name, part in value.items()
                if name not in computed
            }
        )
    if origin is tuple:
        kinds = args[:1] * len(value) if args[-1] is Ellipsis else args
        return tuple(from_plain(*one) for one in zip(kinds, value, strict=True))
    if origin in (dict, Mapping):
        return {name: from_plain(args[1], part) for name, part in value.items()}
    return value


def _chosen(kinds: tuple[Any, ...], value: Any) -> Any:
    """Choose among the types of a union: of several, the one whose fields are named."""
    first, *others = (one for one in kinds if one is not NoneType)
    named = [one for one in others if {field.name for field in fields(one)} == {*value}]
    return named[0] if named else first


@cache
def _hints(kind: type) -> tuple[dict[str, Any], set[str]]:
    """Read once what the fields of a dataclass are, and which are computed."""
    computed = {field.name for field in fields(kind) if not field.init}
    return get_type_hints(kind), computed
