"""The keyed store: what settings decide is computed once, and found by the settings."""

import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from experiments.store import record_files
from experiments.store.pair_settings import HERE, Site
from experiments.store.provenance import one_thread, surroundings
from paper_lib.checks.arguments import check_type
from paper_lib.data.pairs import Source

Result = TypeVar("Result")
Settings = TypeVar("Settings")
Record = dict[str, Any]
# Where a record was computed: alone, or in a batch of that name.
SINGLE = "single"


@dataclass(frozen=True, kw_only=True, slots=True)
class Computed(Generic[Settings]):
    """What a run computed; a kind of record adds what it holds.

    Attributes:
        config: The settings of the run.
        provenance: What it was computed with.
    """

    config: Settings
    provenance: Mapping[str, Any]


class Key(ABC, Generic[Result]):
    """Everything that decides one record, apart from the data: a frozen dataclass.

    Attributes:
        schema: The kind of record it makes.
        result_type: What a record is read as: a dataclass with a field for each of its
            names but ``"schema"``.
    """

    __slots__ = ()
    schema: ClassVar[str]
    result_type: ClassVar[Any]

    @property
    @abstractmethod
    def stem(self) -> str:
        """What a reader calls it: the name of its record begins so."""

    @property
    def settings(self) -> dict[str, Any]:
        """All settings, as plain values."""
        return record_files.plain(asdict(self))  # type: ignore[call-overload]

    def record_name(self, path: str = SINGLE) -> str:
        """Name its record: what a reader looks for, and a digest of the rest.

        Args:
            path: Where it was computed: ``"single"``, or the batch.

        Returns:
            A file name; two runs that differ anywhere have different names.
        """
        batch = "" if path == SINGLE else f"-{path}"
        return f"{self.stem}-{record_files.settings_digest(self.settings)}{batch}.json"

    @classmethod
    def result(cls, record: Record) -> Result:
        """Read a record, new or stored.

        Args:
            record: What its run returned.

        Returns:
            What it says.

        Raises:
            TypeError: If the record lacks a name, or has another.
        """
        values = {name: part for name, part in record.items() if name != "schema"}
        config = record_files.from_plain(cls, values.get("config"))
        return record_files.from_plain(cls.result_type, values | {"config": config})


class Run(Key[Result]):
    """A key that says how its record is computed, without any other record."""

    __slots__ = ()

    @property
    def label(self) -> str:
        """What a sweep calls it."""
        return self.stem

    def run(self, site: Site = HERE) -> Record:
        """Compute the record, with one thread.

        Args:
            site: Where to find the images, and where to compute, if it asks for either.

        Returns:
            The record.

        Raises:
            TypeError: If ``site`` is no :class:`Site`.
        """
        check_type(site, "site", Site)
        with one_thread():
            said = {"schema": self.schema, "config": self.settings}
            # Of the CPU: what computes elsewhere says so itself.
            return {**said, "provenance": surroundings(), **self.measure(site)}

    @abstractmethod
    def measure(self, site: Site) -> Record:
        """Compute what the record holds beyond its settings.

        Args:
            site: As for :meth:`run`.

        Returns:
            Plain values under names; ``"provenance"`` among them if it is of images.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordFolder:
    """A folder with one file a record.

    Attributes:
        folder: The folder.
        source: Source of the data that records have to be of, as far as embedded data
            must not stand in for complete data, nor these for them.
        compute: Whether the caller computes what is of no use, as the warning says.
    """

    folder: Path
    source: Source = "auto"
    compute: bool = True

    def file(self, run: Key, path: str = SINGLE) -> Path:
        """Name the file of a record."""
        return self.folder / run.record_name(path)

    def load(self, run: Key[Result], path: str = SINGLE) -> Result | None:
        """Read a record if it is there, whole, and answers what is asked.

        Args:
            run: Its settings.
            path: Where it has to have been computed: ``"single"``, or the batch.

        Returns:
            What it says; None if it is not there or of no use.

        Warns:
            UserWarning: If it is there and of no use; it is named.
        """
        if not self.file(run, path).exists():
            return None
        return usable(partial(self._checked, run, path), compute=self.compute)

    def _checked(self, run: Key[Result], path: str) -> Result:
        """Reject a record of other settings, or of data that cannot stand in."""
        file = self.file(run, path)
        record = record_files.load_record(file, schema=run.schema)
        if record.get("config") != run.settings:
            raise ValueError(f"{file} holds the result of other settings.")
        # Most records do not say where they were computed.
        if (made := record.get("path", SINGLE)) != path:
            raise ValueError(f"{file} was computed on the path {made!r}, not {path!r}.")
        data, wanted = record.get("provenance", {}).get("data", {}), self.source
        found = record.get("source", data.get("source"))
        # A record without a source is of no images.
        if found is not None and (found == "embedded") != (wanted == "embedded"):
            raise ValueError(
                f"{file} was computed on {found!r} data, not on source={wanted!r}."
            )
        return _read(run, record, file)

    def save(self, record: Record, run: Key) -> None:
        """Write a record, whole or not at all.

        Args:
            record: The record; most do not say that they were computed alone.
            run: Its settings.
        """
        record_files.save_record(record, self.file(run, record.get("path", SINGLE)))


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordsFile:
    """One file that holds the records of many small runs, of one schema.

    Attributes:
        file: The file. It is written anew with each record, and keeps the others.
    """

    file: Path

    @property
    def folder(self) -> Path:
        """The folder it lies in."""
        return self.file.parent

    def load(self, run: Key[Result]) -> Result | None:
        """Read a record if it is there.

        Args:
            run: Its settings.

        Returns:
            What it says; None if it is not there.

        Raises:
            ValueError: If the file is damaged, which would lose the other records, or
                of another schema, or the record does not say what it has to.
        """
        wanted, found = run.settings, self._records(run)
        records = (one for one in found if one["config"] == wanted)
        return next((_read(run, one, self.file) for one in records), None)

    def save(self, record: Record, run: Key) -> None:
        """Write the file anew with one more record.

        Args:
            record: The record.
            run: Its settings.

        Raises:
            ValueError: If the file is damaged or of another schema.
        """
        entry = {name: part for name, part in record.items() if name != "schema"}
        entries = [*self._records(run), entry]
        record_files.save_record({"schema": run.schema, "entries": entries}, self.file)

    def _records(self, run: Key) -> list[Record]:
        if not self.file.exists():
            return []
        return record_files.load_record(self.file, schema=run.schema)["entries"]


Store = RecordFolder | RecordsFile


def open_store(
    place: str | os.PathLike[str], *, source: Source = "auto", compute: bool = True
) -> Store:
    """Open a store.

    Args:
        place: A folder with one file a record, or a ``.json`` file that holds all.
        source: Source of the data that records have to be of.
        compute: Whether the caller computes what is of no use, as the warning says.

    Returns:
        The store.
    """
    if Path(place).suffix == ".json":
        return RecordsFile(file=Path(place))
    return RecordFolder(folder=Path(place), source=source, compute=compute)


def _read(run: Key[Result], record: Record, file: Path) -> Result:
    """Read a record; where it does not say what it has to, name its file."""
    try:
        return run.result(record)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} cannot be read: {error}.") from error


_Found = TypeVar("_Found")


def usable(load: Callable[[], _Found], *, compute: bool = True) -> _Found | None:
    """Load something; where it is of no use, say so and go on without it.

    Args:
        load: What loads it.
        compute: Whether the caller computes it again, as the warning says.

    Returns:
        What was loaded; None if ``load`` raised ValueError.

    Warns:
        UserWarning: If it is of no use, with what ``load`` said.
    """
    try:
        return load()
    except ValueError as error:
        then = "is computed again" if compute else "counts as missing"
        warnings.warn(f"{error} It {then}.", UserWarning, stacklevel=4)
        return None
