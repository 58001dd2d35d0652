"""The defense as a module, to deploy it or to hand it to another library's attack."""

from jaxtyping import Float
from torch import Tensor, nn

from paper_lib.checks.arguments import check_type
from paper_lib.checks.operands import check_finite, check_same_kind
from paper_lib.defense.rows import fingerprint
from paper_lib.files import AnyPath, load_tensors, save_tensors
from paper_lib.robust_sets import RobustSets

_FORMAT = ("paper-lib/defense/1", "fingerprint")


class DefendedClassifier(nn.Module):
    """A classifier that adds one perturbation to each input before it looks.

    The model stays the caller's: it is neither copied nor changed nor stored, and may
    give one logit or several. The perturbation is a buffer, so that it moves with the
    module, and takes the precision of the inputs.

    Attributes:
        model: The classifier.
        perturbation: v, of shape ``(d,)``.
        fingerprint: Names the rows v was computed for; empty: it is not known.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(4, 1, bias=False), nn.Flatten(0))
        >>> _ = nn.init.ones_(model[0].weight)
        >>> defended = DefendedClassifier(model, torch.tensor([0.0, 0.0, 0.0, 2.0]))
        >>> defended(torch.ones(3, 4)).tolist()
        [6.0, 6.0, 6.0]
    """

    perturbation: Tensor

    def __init__(
        self,
        model: nn.Module,
        perturbation: Float[Tensor, " d"],
        sets: RobustSets | None = None,
    ) -> None:
        """Join a classifier and a perturbation, in the mode the classifier is in.

        Args:
            model: The classifier.
            perturbation: v, inputs flattened to ``d``; no gradient flows into it.
            sets: The robust sets it was computed for; None: neither its length is
                checked, nor are the rows remembered.

        Raises:
            TypeError: If ``model`` is no module, ``perturbation`` no tensor, or
                ``sets`` are no robust sets.
            ValueError: If the perturbation is not finite and of shape ``(d,)``, or does
                not fit the robust sets, or lies outside V.
        """
        super().__init__()
        check_type(model, "model", nn.Module)
        check_same_kind(perturbation=perturbation)
        if perturbation.ndim != 1:
            raise ValueError(
                f"perturbation must have shape (d,), got {tuple(perturbation.shape)}."
            )
        check_finite(perturbation=perturbation)
        self.fingerprint = "" if sets is None else fingerprint(sets)
        if sets is not None:
            sets.check_in_ball(perturbation, "perturbation")
        self.model, self.training = model, model.training
        self.register_buffer("perturbation", perturbation.detach().clone())

    def forward(self, inputs: Float[Tensor, "n ..."]) -> Tensor:
        """Evaluate the classifier at the moved inputs.

        Args:
            inputs: One input of d numbers a row.

        Returns:
            What the model returns.

        Raises:
            ValueError: If an input does not hold d numbers, or is not of floats.
        """
        dim = len(self.perturbation)
        if inputs.shape[1:].numel() != dim or not inputs.is_floating_point():
            raise ValueError(
                f"inputs must be (n, ...), {dim} floats each, got {inputs.dtype} of "
                f"shape {tuple(inputs.shape)}."
            )
        return self.model(inputs + self.perturbation.to(inputs).view(inputs.shape[1:]))

    def save(self, path: AnyPath) -> None:
        """Write perturbation and fingerprint as safetensors, whole or not at all.

        Args:
            path: The file to write or replace; its folder must exist.
        """
        arrays = {"perturbation": self.perturbation.cpu()}
        save_tensors(path, arrays, self.fingerprint, _FORMAT)

    @classmethod
    def load(
        cls, path: AnyPath, model: nn.Module, sets: RobustSets | None = None
    ) -> "DefendedClassifier":
        """Read a defense written by :meth:`save`; no code in it is run.

        Args:
            path: The file.
            model: The classifier to defend.
            sets: The robust sets it has to be a defense of; None: any.

        Returns:
            The classifier and the perturbation, which is on the device of the sets.

        Raises:
            FileNotFoundError: If there is no such file.
            TypeError: If ``model`` is no module, or ``sets`` are no robust sets.
            ValueError: If the file is not one that :meth:`save` writes, or holds a
                defense of other points, another order or budget, or of gradients
                computed on another processor, which differ in their last bits.
        """
        name, tensors = load_tensors(path, "a stored defense", _FORMAT, "pt")
        if sets is not None and name != (wanted := fingerprint(sets)):
            raise ValueError(
                f"{path} must hold a defense of sets, fingerprint {wanted[:12]}, got "
                f"one of {name[:12] or 'unknown rows'}: other points, another order or "
                "budget, or gradients of another processor (their last bits)."
            )
        if tensors.keys() != {"perturbation"}:
            raise ValueError(f"{path} holds no defense, but {', '.join(tensors)}.")
        place = "cpu" if sets is None else sets.normals.device
        defended = cls(model, tensors["perturbation"].to(place), sets)
        defended.fingerprint = name
        return defended
