"""A class pair of MNIST or Fashion-MNIST as tensors, its source and fingerprint.

The paper trains one binary classifier for each pair of the ten classes.
:func:`load_pair` gives such a pair and says where the images came from;
:class:`LabeledImages` is all that training needs, and may be built by hand.
"""

from paper_lib.data.images import LabeledImages
from paper_lib.data.pairs import ClassPair, load_pair
