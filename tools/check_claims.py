"""Compare the stored records of this checkout with the checksums in ``claims.json``.

::

    python tools/check_claims.py claims.json

The file comes with the book, in its folder. Needs nothing but Python.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = "paper-lib/claims/1"


def differences(data: Mapping, root: Path) -> list[str]:
    """Find what is not as the file says.

    Args:
        data: What ``claims.json`` holds.
        root: The project.

    Returns:
        A line for each record that is gone or differs, and for each claim whose records
        are not those that the file was written from, such as where one was added.
    """
    return [*_of_records(data, root), *_of_claims(data, root)]


def _of_records(data: Mapping, root: Path) -> list[str]:
    """Compare record by record.

    Args:
        data: What the file holds.
        root: The project.

    Returns:
        A line for each that is gone or differs.
    """
    lines = []
    for path, digest in data["records"].items():
        if not (root / path).is_file():
            lines.append(f"{path}: gone")
        elif _sha256((root / path).read_bytes()) != digest:
            lines.append(f"{path}: differs")
    return lines


def _of_claims(data: Mapping, root: Path) -> list[str]:
    """Compare the records of each claim as one.

    Args:
        data: What the file holds.
        root: The project.

    Returns:
        A line for each claim and pattern of records that differ.
    """
    lines, known = [], {}
    for claim in data["claims"]:
        for part in claim["records"]:
            name = part["files"]
            if name not in known:
                known[name] = _of_all(root, sorted(root.glob(name)))
            if known[name] != (part["count"], part["sha256"]):
                lines.append(f"{claim['id']}: rests on other records in {name}")
    return lines


def _of_all(root: Path, files: Sequence[Path]) -> tuple[int, str]:
    """Count and hash several records as one.

    Args:
        root: The project.
        files: The records, in order.

    Returns:
        Their number, and the SHA-256 of lines of a path, a space and its digest.
    """
    lines = [
        f"{file.relative_to(root).as_posix()} {_sha256(file.read_bytes())}\n"
        for file in files
    ]
    return len(files), _sha256("".join(lines).encode())


def _sha256(content: bytes) -> str:
    """Hash bytes.

    Args:
        content: The bytes.

    Returns:
        Their SHA-256, in hexadecimal digits.
    """
    return hashlib.sha256(content).hexdigest()


def read(arguments: Sequence[str]) -> dict:
    """Read the file that is named on the command line.

    Args:
        arguments: Its path, alone.

    Returns:
        What it holds.

    Raises:
        ValueError: If there is no path or several, if the file is of another kind, or
            if it names files that are not below the project.
    """
    if len(arguments) != 1:
        raise ValueError(f"one file is needed, got {len(arguments)}")
    data = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"{arguments[0]} is not of the schema {SCHEMA}")
    if wrong := flaw(data):
        raise ValueError(f"{arguments[0]}: {wrong}")
    return data


def flaw(data: Mapping) -> str:
    """Find out what keeps a file of the schema from being compared.

    Args:
        data: What the file holds.

    Returns:
        What is wrong; empty if nothing is.
    """
    records, claims = data.get("records"), data.get("claims")
    if not isinstance(records, dict) or not _are_texts(records.values()):
        return "records must hold a checksum for each path"
    if not isinstance(claims, list) or not all(map(_is_claim, claims)):
        return "claims must each hold an id and records with files, count and sha256"
    patterns = [part["files"] for claim in claims for part in claim["records"]]
    for name in (*records, *patterns):
        if not _is_below(name):
            return f"{name!r} must be a path below the project"
    return ""


def _is_claim(claim: object) -> bool:
    """Tell whether a claim has what is compared.

    Args:
        claim: An entry of ``claims``.

    Returns:
        Whether it has an id, and records of files, count and checksum.
    """
    if not isinstance(claim, dict) or not isinstance(claim.get("records"), list):
        return False
    return _are_texts([claim.get("id")]) and all(
        isinstance(part, dict)
        and _are_texts([part.get("files"), part.get("sha256")])
        and isinstance(part.get("count"), int)
        for part in claim["records"]
    )


def _are_texts(values: Iterable[object]) -> bool:
    """Tell whether all values are texts.

    Args:
        values: The values.

    Returns:
        True if they are.
    """
    return all(isinstance(value, str) for value in values)


def _is_below(name: str) -> bool:
    """Tell whether a path cannot lead out of the folder that it starts from.

    Args:
        name: A path or a pattern of paths.

    Returns:
        False where it is empty or absolute, or goes up on its way.
    """
    path = Path(name)
    return bool(path.parts) and not path.anchor and ".." not in path.parts


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Compare, and say what was found.

    Args:
        arguments: The path of the file.
        root: The project.

    Returns:
        The exit status: 0 if all is as the file says, 1 if not, 2 if the file is not
        there or cannot be compared.
    """
    try:
        data = read(arguments)
        lines = differences(data, root)
    except (OSError, ValueError) as error:
        print(f"error: no claims to compare: {error}", file=sys.stderr)
        return 2
    for line in lines:
        print(line)
    print(f"{len(data['records'])} records, {len(lines)} differences")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
