"""Proofs of local linearity against searches that try to refute them.

Pairs of a test point and a radius. A proof of one sign is refuted by a point of the
ball where f and its tangent differ in sign; an upper bound on their distance by one
where they are further apart. The searches are this library's ascent and foolbox's l2
attacks, PGD at every radius and DDN once, cut to it. They run in the peers'
environment, in a process of their own.
"""

import json
import subprocess
import sys
import time
from importlib.util import find_spec

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from benchmarks.environment import ROOT, peers_python
from benchmarks.report import Report, markdown_table, verdict
from paper_lib.data import load_pair
from paper_lib.geometry.sums import row_dots
from paper_lib.linearize import linearize
from paper_lib.local_linearity import certify_agreement, linearization_error
from paper_lib.models import PairCNN, TrainConfig, train_classifier

PAIRS = ((0, 1), (3, 8))
RADII = (0.05, 0.1, 0.2, 0.3, 0.5)
# Rounding of what a search finds: f has a few units.
_TOLERANCE = 1e-10


def run(*, pairs: int = 10_000, with_peers: bool = True) -> Report:
    """Prove and search.

    Args:
        pairs: Pairs of point and radius, over both classifiers.
        with_peers: Whether to search with foolbox too.

    Returns:
        A table and verdicts.
    """
    python = peers_python() if with_peers else sys.executable
    command = [str(python), "-m", "benchmarks.ball_proofs", str(pairs)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT
    )
    found = json.loads(done.stdout.splitlines()[-1])
    header = (
        "classes",
        "radius",
        "points",
        "proven",
        "a boundary",
        "refuted",
        "s each",
    )
    rows = [[str(line[name]) for name in header] for line in found["lines"]]
    refuted = sum(line["refuted"] for line in found["lines"])
    slowest = max(line["s each"] for line in found["lines"])
    text = [
        f"{found['source']} test images; searched by {found['searches']}.",
        markdown_table(header, rows),
        verdict(f"{refuted} proofs and bounds refuted", "0", refuted == 0),
        verdict(f"{slowest} processor seconds a point", "1", slowest <= 1),
    ]
    return Report(title="Ball proofs", text="\n\n".join(text), data=found)


def _measure(pairs: int) -> dict:
    """Measure both classifiers at every radius."""
    lines, source = [], ""
    count = max(1, pairs // (len(PAIRS) * len(RADII)))
    for classes in tqdm(PAIRS, desc="classifiers"):
        pair = load_pair("mnist", classes)
        model = train_classifier(pair.train, config=TrainConfig(), seed=0).model
        draw = torch.Generator().manual_seed(0)
        chosen = torch.randperm(len(pair.test.labels), generator=draw)[:count]
        images, source = pair.test.images[chosen], pair.source
        lines += [
            {"classes": f"{classes[0]}-{classes[1]}", **_at(model, images, radius)}
            for radius in tqdm(RADII, desc="radii")
        ]
    peers = ", foolbox's PGD and DDN" if find_spec("foolbox") else ""
    return {"source": source, "searches": f"our ascent{peers}", "lines": lines}


def _at(model: PairCNN, images: Tensor, radius: float) -> dict:
    """Prove at one radius and search what is proven."""
    began = time.process_time()
    agrees = certify_agreement(model, images, radius)
    seconds = (time.process_time() - began) / len(images)
    errors = linearization_error(model, images, radius)
    points, exact = images.double(), PairCNN(**model.settings).double().eval()
    exact.load_state_dict(model.state_dict())
    lin = linearize(exact, points)
    refuted = errors.lower > errors.upper
    for offsets in _attacks(exact, points, radius):
        with torch.no_grad():
            f = exact(points + offsets.view_as(points))
        tangent = lin.logits + row_dots(lin.gradients, offsets)
        refuted |= agrees & (f * tangent < -_TOLERANCE)
        refuted |= (f - tangent).abs() > errors.upper + _TOLERANCE
    return {
        "radius": radius,
        "points": len(images),
        "proven": int(agrees.sum()),
        "a boundary": int((lin.margins <= radius).sum()),
        "refuted": int(refuted.sum()),
        "s each": round(seconds, 3),
    }


def _attacks(model: nn.Module, points: Tensor, radius: float) -> list[Tensor]:
    """Run foolbox's attacks, whose points are cut to the ball."""
    if not find_spec("foolbox"):
        return []
    from foolbox import PyTorchModel, attacks

    from benchmarks.peers import TwoLogits

    wrapped = PyTorchModel(TwoLogits(model).eval(), bounds=(-100, 100), device="cpu")
    with torch.no_grad():
        labels = (model(points) > 0).long()
    step = {"abs_stepsize": radius / 4, "steps": 20, "random_start": True}
    _, strong, _ = attacks.L2PGD(**step)(wrapped, points, labels, epsilons=radius)
    _, near, _ = attacks.DDNAttack(steps=100)(wrapped, points, labels, epsilons=None)
    found = []
    for attacked in (strong, near):
        offsets = (attacked.double() - points).flatten(1)
        lengths = offsets.norm(dim=1, keepdim=True).clamp(min=1e-300)
        found.append(offsets * (radius * (1 - 1e-12) / lengths).clamp(max=1.0))
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(_measure(int(sys.argv[1]))))
