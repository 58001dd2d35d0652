"""Certificates on disk: arrays and a few words, as safetensors, never pickle."""

import json
from dataclasses import fields, is_dataclass
from typing import Any, get_args

import numpy as np
import torch

from paper_lib.checks.arguments import check_type
from paper_lib.defense.certificates.certificate import Certificate, Evidence
from paper_lib.files import AnyPath, load_tensors, save_tensors

_FORMAT = ("paper-lib/certificate/1", "claims")
_CLAIMS = ("num_rows", "lower_count", "upper_count", "fingerprint")
_KINDS = {kind.__name__: kind for kind in get_args(Evidence)}
_Arrays = dict[str, np.ndarray]


def save_certificate(certificate: Certificate, path: AnyPath) -> None:
    """Write a certificate, whole or not at all.

    Args:
        certificate: The certificate.
        path: The file to write or replace; its folder must exist.

    Raises:
        TypeError: If ``certificate`` is none.

    Example:
        >>> import os
        >>> import tempfile
        >>> certificate = Certificate(
        ...     num_rows=3,
        ...     lower_count=1,
        ...     upper_count=2,
        ...     perturbation=torch.zeros(2),
        ...     evidence=None,
        ...     fingerprint="",
        ... )
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_certificate(certificate, f"{folder}/certificate.st")
        ...     os.listdir(folder)
        ['certificate.st']
    """
    check_type(certificate, "certificate", Certificate)
    v = certificate.perturbation.detach().cpu()
    arrays = _take_apart(v.numpy(), "perturbation")
    evidence = certificate.evidence
    if evidence is not None:
        arrays |= _take_apart(evidence, "evidence")
    claimed = {name: getattr(certificate, name) for name in _CLAIMS}
    claimed["evidence"] = None if evidence is None else type(evidence).__name__
    save_tensors(path, arrays, json.dumps(claimed), _FORMAT)


def load_certificate(path: AnyPath) -> Certificate:
    """Read a certificate written by :func:`save_certificate`; no code in it is run.

    Reading proves nothing: :meth:`Certificate.verify` does, given the rows.

    Args:
        path: The file.

    Returns:
        The certificate.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, altered, or no certificate.

    Example:
        >>> import tempfile
        >>> certificate = Certificate(
        ...     num_rows=3,
        ...     lower_count=1,
        ...     upper_count=2,
        ...     perturbation=torch.zeros(2),
        ...     evidence=None,
        ...     fingerprint="",
        ... )
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_certificate(certificate, f"{folder}/certificate.st")
        ...     load_certificate(f"{folder}/certificate.st").upper_count
        2
    """
    words, arrays = load_tensors(path, "a stored certificate", _FORMAT, "np")
    try:
        claims = json.loads(words)
        kind = claims.pop("evidence")
        evidence = None if kind is None else _build(_KINDS[kind], arrays, "evidence")
        return Certificate(
            **claims,
            perturbation=torch.from_numpy(arrays["perturbation"]),
            evidence=evidence,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no certificate: {error}") from error


def _take_apart(value: Any, name: str) -> _Arrays:
    """Name the arrays of a dataclass by the path of fields that leads to them."""
    if not is_dataclass(value):
        return {name: np.ascontiguousarray(value)}
    parts = [
        _take_apart(getattr(value, part.name), f"{name}.{part.name}")
        for part in fields(value)
    ]
    return {name: array for part in parts for name, array in part.items()}


def _build(kind: Any, arrays: _Arrays, name: str) -> Any:
    """Put the arrays of a dataclass back in their places."""
    if not is_dataclass(kind):
        return arrays[name]
    parts = {
        part.name: _build(part.type, arrays, f"{name}.{part.name}")
        for part in fields(kind)
    }
    return kind(**parts)  # pyright: ignore[reportCallIssue]
