"""Files of weights that are damaged, foreign or not there."""

import json
import re

import pytest
import torch
from safetensors.torch import save_file

from paper_lib.models import PairCNN, load_classifier, save_classifier

pytestmark = pytest.mark.bad_input

ONE = {"weight": torch.ones(1)}


def write_weights(path, weights, settings, layout="paper-lib/pair-cnn/1", **changes):
    metadata = {"format": layout, "settings": settings} | changes
    save_file(weights, path, metadata={k: v for k, v in metadata.items() if v})


class TestWeightFiles:
    """Files that save_classifier did not write, or not like that."""

    @pytest.fixture
    def path(self, tmp_path):
        """A good file."""
        save_classifier(PairCNN(channels=(2, 3), hidden=4), tmp_path / "m.safetensors")
        return tmp_path / "m.safetensors"

    @pytest.mark.parametrize("name", ["none", ""], ids=["nothing", "folder"])
    def test_absent(self, tmp_path, name):
        """No file, and a folder in its place."""
        with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / name))):
            load_classifier(tmp_path / name)

    @pytest.mark.parametrize("kept", [0, 5, 100, -1])
    def test_truncated(self, path, kept):
        """Cut anywhere."""
        path.write_bytes(path.read_bytes()[:kept])
        match = rf"^{re.escape(str(path))} is not a readable safetensors file"
        with pytest.raises(ValueError, match=match):
            load_classifier(path)

    @pytest.mark.parametrize(
        ("write", "match"),
        [
            (lambda path: torch.save(ONE, path), "is not a readable safetensors file"),
            (
                lambda path: path.write_text("weights"),
                "is not a readable safetensors file",
            ),
            (lambda path: save_file(ONE, path), r"must hold format .* got None"),
        ],
        ids=["pickle", "text", "safetensors"],
    )
    def test_foreign(self, path, write, match):
        """A pickle, a text, and safetensors of another program."""
        write(path)
        with pytest.raises(ValueError, match=match):
            load_classifier(path)

    @pytest.mark.parametrize("position", [-1, -200, -700])
    def test_altered_weights(self, path, position):
        """One bit, where nothing but a checksum can notice."""
        content = bytearray(path.read_bytes())
        content[position] ^= 1
        path.write_bytes(content)
        with pytest.raises(ValueError, match=re.escape(str(path))):
            load_classifier(path)

    @pytest.mark.parametrize(
        "change",
        [
            lambda s: {k: v for k, v in s.items() if k != "channels"},
            lambda s: s | {"evil": 1},
            lambda s: s | {"hidden": "four"},
            lambda s: s | {"hidden": 5},
            lambda s: s | {"hidden": 0},
            lambda s: s | {"input_mean": 0.5},
            lambda s: [],
        ],
    )
    def test_altered_settings(self, path, change):
        """Settings that are not this network's."""
        settings = {
            "channels": [2, 3],
            "hidden": 4,
            "kernel_size": 5,
            "input_mean": 0.0,
            "input_std": 1.0,
        }
        before, after = json.dumps(settings), json.dumps(change(settings))
        quoted = [json.dumps(text)[1:-1].encode() for text in (before, after)]
        content = path.read_bytes()
        assert quoted[0] in content
        size = int.from_bytes(content[:8], "little")
        header = content[8 : 8 + size].replace(*quoted).rstrip()
        header += b" " * (-len(header) % 8)
        path.write_bytes(
            len(header).to_bytes(8, "little") + header + content[8 + size :]
        )
        with pytest.raises(ValueError, match=re.escape(str(path))):
            load_classifier(path)

    @pytest.mark.parametrize(
        "settings",
        [
            {"channels": [2, 3], "hidden": 4, "dropout": 0.5},
            {"hidden": 4},
            {"channels": 2, "hidden": 4},
            {"channels": [2, 3], "hidden": "four"},
            {"channels": [2, 3], "hidden": 0},
            {"channels": [2, 3], "hidden": 5},
            [2, 3],
        ],
    )
    def test_settings_of_another_version(self, path, settings):
        """Written whole, by a program whose network this one is not."""
        model = PairCNN(channels=(2, 3), hidden=4)
        model.settings = settings
        save_classifier(model, path)
        with pytest.raises(ValueError, match=rf"^{re.escape(str(path))} .* settings"):
            load_classifier(path)

    @pytest.mark.parametrize("settings", ["", "{", "{}"])
    def test_settings_that_are_missing(self, path, settings):
        """The format's name alone does not make the file."""
        weights = PairCNN(channels=(2, 3), hidden=4).state_dict()
        write_weights(path, weights, settings)
        with pytest.raises(ValueError, match=re.escape(str(path))):
            load_classifier(path)

    def test_no_folder_to_write_to(self, tmp_path):
        """Nothing is created on the way."""
        with pytest.raises(FileNotFoundError):
            save_classifier(PairCNN(), tmp_path / "absent" / "m.safetensors")
        assert list(tmp_path.iterdir()) == []
