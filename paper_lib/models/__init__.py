"""The classifier of Sec. 4, its training and its storage.

The paper says no more than "4-layer convolutional neural network with ReLU activation
functions"; everything else here is a setting. ``guard`` runs a classifier of any kind.
"""

from paper_lib.models.cnn import PairCNN
from paper_lib.models.training import (
    TrainConfig,
    TrainingDivergedError,
    TrainResult,
    train_classifier,
)
from paper_lib.models.weights import load_classifier, save_classifier
