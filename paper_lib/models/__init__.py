"""The classifier of Sec. 4, its training and its storage; three for pictures.

The paper says no more than "4-layer convolutional neural network with ReLU activation
functions"; everything else here is a setting.
"""

from paper_lib.geometry import full_precision
from paper_lib.models.cnn import PairCNN
from paper_lib.models.planar import (
    DiscClassifier,
    PlanarReLU,
    PolygonClassifier,
    example_network,
)
from paper_lib.models.stacked import StackedClassifier, train_stacked
from paper_lib.models.storage import load_classifier, save_classifier
from paper_lib.models.training import (
    TrainConfig,
    TrainingDivergedError,
    TrainResult,
    train_classifier,
)

__all__ = [
    "DiscClassifier",
    "PairCNN",
    "PlanarReLU",
    "PolygonClassifier",
    "StackedClassifier",
    "TrainConfig",
    "TrainResult",
    "TrainingDivergedError",
    "example_network",
    "full_precision",
    "load_classifier",
    "save_classifier",
    "train_classifier",
    "train_stacked",
]
