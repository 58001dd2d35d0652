"""Many classifiers of one architecture as one: for devices where launches dominate.

The weights of k models are stacked and the network is mapped over them by
``torch.vmap``. Each model computes what it would compute alone, up to rounding.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.rnn import pad_sequence

from experiments.tables.points import moved
from paper_lib.checks.arguments import available_device
from paper_lib.data import LabeledImages
from paper_lib.geometry.sums import full_precision
from paper_lib.models import PairCNN, TrainConfig, training


class StackedClassifier(nn.Module):
    r"""Several classifiers as one module, so that what takes a module takes them all.

    Rows are interleaved: row r belongs to model r modulo k. A batch size has to be a
    multiple of k; :meth:`interleave` makes such rows and :meth:`parts` takes apart what
    was computed of them.

    Args:
        models: The classifiers, of equal settings and on one device.
        scales: Model i computes :math:`f_i(s_i z)`. With budgets as scales, inputs
            divided by their budgets share one call with budget 1. None: all ones.

    Raises:
        ValueError: If there is no model, their settings differ, or there is not one
            scale for each.

    Example:
        >>> stacked = StackedClassifier([PairCNN(), PairCNN()])
        >>> stacked(torch.zeros(6, 1, 28, 28)).shape
        torch.Size([6])
    """

    _scales: Tensor

    def __init__(
        self, models: Sequence[PairCNN], *, scales: Sequence[float] | None = None
    ) -> None:
        """Copy and stack the weights.

        Raises:
            ValueError: See the class.
        """
        super().__init__()
        settings = [model.settings for model in models]
        if not models or any(other != settings[0] for other in settings):
            raise ValueError(
                f"models must be at least one, of equal settings, got {settings}."
            )
        if scales is not None and len(scales) != len(models):
            raise ValueError(
                f"scales must be one for each of {len(models)} models, got "
                f"{len(scales)}."
            )
        self.num_models = len(models)
        # In a tuple, so that its weights are not this module's.
        self._template = (models[0],)
        weights = _stack([dict(model.named_parameters()) for model in models])
        self._names = tuple(weights)
        self._weights = nn.ParameterList(
            nn.Parameter(weight.detach()) for weight in weights.values()
        )
        factors = [1.0] * self.num_models if scales is None else list(scales)
        self.register_buffer("_scales", self._weights[0].new_tensor(factors))

    def forward(self, inputs: Float[Tensor, "rows 1 28 28"]) -> Float[Tensor, " rows"]:
        """Compute the logits of interleaved rows.

        Args:
            inputs: The rows.

        Returns:
            One logit a row.

        Raises:
            ValueError: If the rows are not as many for each model.
        """
        if len(inputs) % self.num_models:
            raise ValueError(
                f"inputs must be as many for each of {self.num_models} models, got "
                f"{len(inputs)} rows."
            )
        groups = inputs.unflatten(0, (-1, self.num_models))
        scaled = groups * self._scales.view(-1, 1, 1, 1)
        weights = dict(zip(self._names, self._weights, strict=True))
        logits = torch.vmap(self._forward_one, in_dims=(0, 1), out_dims=1)
        return logits(weights, scaled).flatten()

    def _forward_one(self, weights: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        return functional_call(self._template[0], dict(weights), (inputs,))

    def interleave(
        self, inputs: Sequence[Float[Tensor, "_ ..."]]
    ) -> Float[Tensor, "rows ..."]:
        """Bring the inputs of all models into rows, divided by the models' scales.

        Args:
            inputs: The inputs of each model. Where one has fewer, zeros fill up: points
                like any other, which :meth:`parts` leaves out.

        Returns:
            The rows, on the models' device.

        Raises:
            ValueError: If there are not inputs for each model.
        """
        if len(inputs) != self.num_models or not all(map(len, inputs)):
            raise ValueError(
                f"inputs must be at least one for each of {self.num_models} models, "
                f"got {[len(one) for one in inputs]}."
            )
        groups = pad_sequence(list(inputs)).to(self._scales.device)
        return (groups / self._scales.view(-1, 1, 1, 1)).flatten(0, 1)

    def parts(
        self, inputs: Sequence[Float[Tensor, "_ ..."]], *results: Tensor
    ) -> list[tuple[Tensor, ...]]:
        """Take apart what was computed of interleaved rows.

        Args:
            inputs: The inputs of each model, as :meth:`interleave` took them.
            *results: Each has one entry a row.

        Returns:
            For each model its part of every result.
        """
        columns = [one.unflatten(0, (-1, self.num_models)).unbind(1) for one in results]
        return [
            tuple(part[: len(own)].contiguous() for part in parts)
            for own, *parts in zip(inputs, *columns, strict=True)
        ]


@full_precision()
def train_stacked(
    datas: Sequence[LabeledImages],
    seeds: Sequence[int],
    *,
    config: TrainConfig | None = None,
    device: str | torch.device = "cpu",
) -> list[training.TrainResult]:
    """Train classifiers of one architecture together, each on its own images.

    Every model has the initial weights, the order of images and the steps that
    :func:`~paper_lib.models.train_classifier` gives it with the same seed; one with
    fewer batches rests while the others finish their epoch. The results differ by
    rounding, which training amplifies.

    Args:
        datas: Images and labels of each model.
        seeds: The seed of each.
        config: Settings of all of them; None: the defaults.
        device: Where to train; orders and initial weights are drawn on the CPU.

    Returns:
        The trained classifiers, in order.

    Raises:
        ValueError: If there are no images, not one seed for each, an image is not
            ``(1, 28, 28)`` float32, or the device is not there.
        TrainingDivergedError: At the end of an epoch in which a loss became NaN or
            infinite, or at the end if a weight is.
    """
    config = config or TrainConfig()
    if not datas or len(datas) != len(seeds):
        raise ValueError(
            "datas and seeds must hold one entry for each model, at least one, got "
            f"{len(datas)} and {len(seeds)}."
        )
    for data in datas:
        training.check_images(data)
    place = available_device(device)
    models = [training.initial_model(config, seed).to(place) for seed in seeds]
    optimizer = training.make_optimizer(
        [w for m in models for w in m.parameters()], config
    )
    orders = [torch.Generator().manual_seed(seed) for seed in seeds]
    on_device = [moved(data, place) for data in datas]
    epochs: list[list[float]] = []
    for _ in range(config.epochs):
        batches = [
            torch.randperm(len(data.labels), generator=order).split(config.batch_size)
            for data, order in zip(datas, orders, strict=True)
        ]
        epochs.append(_train_epoch(models, optimizer, on_device, batches))
        _check_finite(epochs[-1], seeds, "loss", config)
    optimizer.zero_grad()
    sums = [sum(float(w.detach().sum()) for w in m.parameters()) for m in models]
    _check_finite(sums, seeds, "weights", config)
    histories = zip(*epochs, strict=True)
    return [
        training.TrainResult(
            model=model.eval(), history=history, config=config, seed=seed
        )
        for model, history, seed in zip(models, histories, seeds, strict=True)
    ]


def _train_epoch(
    models: Sequence[PairCNN],
    optimizer: torch.optim.Optimizer,
    datas: Sequence[LabeledImages],
    batches: Sequence[Sequence[Tensor]],
) -> list[float]:
    """Take one step a batch of those that have one; return the mean losses."""
    totals = datas[0].labels.new_zeros(len(models), dtype=torch.float64)
    for step in range(max(map(len, batches))):
        active = [i for i, own in enumerate(batches) if step < len(own)]
        rows = [batches[i][step] for i in active]
        losses = _train_step(
            [models[i] for i in active], optimizer, [datas[i] for i in active], rows
        )
        # Nothing is read back within an epoch: a device need not wait for this loop.
        totals[active] += losses
    lengths = totals.new_tensor([len(data.labels) for data in datas])
    return (totals / lengths).tolist()


def _train_step(
    models: Sequence[PairCNN],
    optimizer: torch.optim.Optimizer,
    datas: Sequence[LabeledImages],
    rows: Sequence[Tensor],
) -> Float[Tensor, " k"]:
    """Take one step on each model's batch; return the summed losses."""
    place = datas[0].images.device
    # Batches that end an epoch differ in length: padded, with the weight zero.
    places = pad_sequence(list(rows), batch_first=True).to(place)
    weights = pad_sequence([torch.ones(len(own)) for own in rows], batch_first=True)
    weights = weights.to(place)
    images = torch.stack([d.images[p] for d, p in zip(datas, places, strict=True)])
    labels = torch.stack([d.labels[p] for d, p in zip(datas, places, strict=True)])

    def loss(weights_of_one: Mapping[str, Tensor], images: Tensor, labels: Tensor):
        logits = functional_call(models[0], dict(weights_of_one), (images,))
        return nn.functional.softplus(-labels * logits)

    # The optimizer owns each model's weights; a model that rests has no gradient, so
    # its steps are counted as if it were trained alone.
    stacked = _stack([dict(model.named_parameters()) for model in models])
    losses = (torch.vmap(loss)(stacked, images, labels) * weights).sum(1)
    optimizer.zero_grad()
    (losses / weights.sum(1)).sum().backward()
    optimizer.step()
    return losses.detach().double()


def _stack(weights: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Stack the weights of several models, name by name."""
    return {name: torch.stack([one[name] for one in weights]) for name in weights[0]}


def _check_finite(
    values: Sequence[float], seeds: Sequence[int], what: str, config: TrainConfig
) -> None:
    """Stop where a model's training went wrong, and say whose."""
    bad = [i for i, value in enumerate(values) if not math.isfinite(value)]
    if bad:
        raise training.TrainingDivergedError(
            f"the {what} of models {bad} (seeds {[seeds[i] for i in bad]}) became NaN "
            f"or infinite at learning_rate {config.learning_rate}; a smaller one may "
            "help."
        )
