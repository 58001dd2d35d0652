"""Tables as Markdown, and results on disk when they are asked for."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

from experiments.store.record_files import save_record

_FOLDER = Path(__file__).resolve().parent / "results"
SCHEMA = "paper-lib/benchmark/1"
_PACKAGES = ("torch", "numpy", "paper-lib")


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What one benchmark found.

    Attributes:
        title: Its name; in lower case the name of its files.
        text: Tables and verdicts as Markdown.
        data: Every figure behind them, ready for JSON.
    """

    title: str
    text: str
    data: dict[str, object]

    @property
    def markdown(self) -> str:
        """The text under its title, with what it was measured on."""
        where = ", ".join(f"{key} {value}" for key, value in provenance().items())
        return f"## {self.title}\n\n{self.text}\n\nMeasured with {where}.\n"

    def write(self) -> list[Path]:
        """Write the figures as JSON and the text as Markdown.

        Returns:
            The files, in ``benchmarks/results``.
        """
        _FOLDER.mkdir(exist_ok=True)
        name = self.title.lower().replace(", ", "-").replace(" ", "-")
        text, record = (_FOLDER / f"{name}.{suffix}" for suffix in ("md", "json"))
        text.write_text(self.markdown)
        contents = {"schema": SCHEMA, "provenance": provenance(), **self.data}
        save_record(contents, record)
        return [text, record]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A section of a report.

    Attributes:
        heading: Its name, also the key of its figures.
        text: Tables and verdicts as Markdown.
        data: The figures behind them, ready for JSON.
    """

    heading: str
    text: str
    data: dict[str, object]


def join_parts(title: str, parts: Sequence[Part]) -> Report:
    """Put sections one after another."""
    return Report(
        title=title,
        text="\n\n".join(f"### {part.heading}\n\n{part.text}" for part in parts),
        data={part.heading: part.data for part in parts},
    )


def verdict(what: str, aim: str, met: bool) -> str:
    """Say whether an aim is met, as an item of a list."""
    return f"- {what}; aim {aim}: {'met' if met else 'MISSED'}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table in Markdown whose columns also line up as plain text."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        for line in lines
    ]
    padded.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def provenance() -> dict[str, str]:
    """Name the versions and the kind of processor."""
    versions = {name: metadata.version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        **versions,
        "architecture": platform.machine(),
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "cores": str(os.cpu_count()),
    }
