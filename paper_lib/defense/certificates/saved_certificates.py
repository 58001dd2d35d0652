"""Certificates on disk: arrays and a few words, as safetensors, never pickle."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from paper_lib.defense.certificates.certificate import Certificate, Evidence
from paper_lib.defense.certificates.quadratics import QuadraticEvidence
from paper_lib.defense.certificates.subsystems import Lists, SubsystemEvidence
from paper_lib.defense.exact.boxes import BoxEvidence
from paper_lib.files import replacing

_FORMAT = "paper-lib/certificate/1"
_KINDS: dict[str, type[Evidence]] = {
    kind.__name__: kind for kind in (BoxEvidence, QuadraticEvidence, SubsystemEvidence)
}
_Arrays = dict[str, np.ndarray]
_Kind = TypeVar("_Kind")


def save_certificate(certificate: Certificate, path: str | os.PathLike[str]) -> None:
    """Write a certificate, whole or not at all.

    Args:
        certificate: The certificate.
        path: The file to write or replace; its folder must exist.

    Raises:
        TypeError: If ``certificate`` is none.
    """
    if not isinstance(certificate, Certificate):
        raise TypeError(
            f"certificate must be a Certificate, got {type(certificate).__name__}."
        )
    arrays = {"perturbation": certificate.perturbation.detach().cpu().numpy()}
    evidence = certificate.evidence
    if evidence is not None:
        arrays |= _arrays_of(evidence, "evidence")
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    claims = json.dumps(
        {
            "num_rows": certificate.num_rows,
            "lower_count": certificate.lower_count,
            "upper_count": certificate.upper_count,
            "fingerprint": certificate.fingerprint,
            "evidence": None if evidence is None else type(evidence).__name__,
        }
    )
    metadata = {
        "format": _FORMAT,
        "claims": claims,
        "sha256": _checksum(arrays, claims),
    }
    with replacing(path) as part:
        save_file(arrays, part, metadata=metadata)


def load_certificate(path: str | os.PathLike[str]) -> Certificate:
    """Read a certificate written by :func:`save_certificate`; no code in it is run.

    Reading proves nothing: :meth:`Certificate.verify` does, given the rows.

    Args:
        path: The file.

    Returns:
        The certificate.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, altered, or no certificate.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"path must name a stored certificate, got {path}.")
    metadata, arrays = _read(path)
    claims_text = metadata.get("claims", "")
    expected, found = metadata.get("sha256"), _checksum(arrays, claims_text)
    if found != expected:
        raise ValueError(
            f"{path} is altered: its content must have sha256 {expected}, got {found}."
        )
    try:
        claims = json.loads(claims_text)
        kind = claims.pop("evidence")
        evidence = None if kind is None else _build(_KINDS[kind], arrays, "evidence")
        return Certificate(
            **claims,
            perturbation=torch.from_numpy(arrays["perturbation"]),
            evidence=evidence,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no certificate: {error}") from error


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, str], _Arrays]:
    """Read words and arrays.

    Args:
        path: The file.

    Returns:
        Both.

    Raises:
        ValueError: If the file is no safetensors file of this format.
    """
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except Exception as error:
        raise ValueError(
            f"{path} is not a readable safetensors file: {error}"
        ) from error
    if metadata.get("format") != _FORMAT:
        raise ValueError(
            f"{path} must hold format {_FORMAT!r}, got {metadata.get('format')!r}."
        )
    return metadata, arrays


def _arrays_of(value: Evidence | Lists, name: str) -> _Arrays:
    """Name the arrays of a dataclass by the path of fields that leads to them."""
    arrays: _Arrays = {}
    for part in fields(value):  # pyright: ignore[reportArgumentType]
        inner, where = getattr(value, part.name), f"{name}.{part.name}"
        arrays |= (
            _arrays_of(inner, where) if isinstance(inner, Lists) else {where: inner}
        )
    return arrays


def _build(kind: type[_Kind], arrays: Mapping[str, np.ndarray], name: str) -> _Kind:
    """Put the arrays of a dataclass back in their places."""
    values = {}
    for part in fields(kind):  # pyright: ignore[reportArgumentType]
        where = f"{name}.{part.name}"
        is_list = part.type is Lists
        values[part.name] = _lists(arrays, where) if is_list else arrays[where]
    return kind(**values)


def _lists(arrays: Mapping[str, np.ndarray], name: str) -> Lists:
    """Put the two arrays of lists back together."""
    return Lists(starts=arrays[f"{name}.starts"], items=arrays[f"{name}.items"])


def _checksum(arrays: Mapping[str, np.ndarray], claims: str) -> str:
    """Hash names, kinds, shapes and values of all arrays, and the claims."""
    digest = hashlib.sha256(claims.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
