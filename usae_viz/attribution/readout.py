"""What a class is: a classifier's logit, a linear probe's, or likeness to an embedding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional as F

from usae_viz.attribution.classifier import Classifier
from usae_viz.backbones import Backbone
from usae_viz.errors import UsageError
from usae_viz.run import write_bytes


@dataclass(frozen=True)
class Readout:
    """Scores of one backbone that are read off its token map.

    Attributes:
        kind: ``classifier``, ``probe``, ``embedding`` or ``reference``.
        classes: how many scores there are.
        names: a name for each, or empty.
        scores: image ``[1, 3, H, W]`` and native maps ``[n, dim, h, w]`` → ``[n, classes]``,
            differentiably in the maps.
    """

    kind: str
    classes: int
    names: tuple[str, ...]
    scores: Callable[[Tensor, Tensor], Tensor]

    def name(self, target: int) -> str:
        """Return a class in words."""
        return self.names[target] if self.names else f"class {target}"

    def find(self, target: str) -> int:
        """Return the index of a class given as a number or by its name.

        Raises:
            UsageError: there is no such class.
        """
        if target in self.names:
            return self.names.index(target)
        number = int(target) if target.lstrip("-").isdigit() else -1
        if not 0 <= number < self.classes:
            few = ", ".join(self.names[:5])
            raise UsageError(
                f"there is no class {target!r}",
                expected=f"0 to {self.classes - 1}" + (f", or a name: {few} …" if few else ""),
                got=target,
            )
        return number


def classifier_readout(backbone: Backbone, names: tuple[str, ...] = ()) -> Readout:
    """Return a backbone's own classifier.

    Raises:
        BackboneError: it has none, or its classes do not depend on the map; see `Classifier`.
    """
    classifier = Classifier(backbone)
    fitting = names if len(names) == classifier.classes else ()
    return Readout("classifier", classifier.classes, fitting, classifier)


@dataclass(frozen=True)
class Probe:
    """A linear probe on a backbone's mean token.

    Attributes:
        backbone: the name of the backbone it was fitted on.
        weights_sha256: that backbone's weights.
        weight: ``[classes, dim]``.
        bias: ``[classes]``.
        names: of the classes.
    """

    backbone: str
    weights_sha256: str
    weight: Tensor
    bias: Tensor
    names: tuple[str, ...]

    def save(self, file: str | Path) -> None:
        """Write the probe as safetensors."""
        metadata = {
            "backbone": self.backbone,
            "weights_sha256": self.weights_sha256,
            "names": "\n".join(self.names),
        }
        tensors = {"weight": self.weight.contiguous(), "bias": self.bias.contiguous()}
        write_bytes(Path(file), save(tensors, metadata))

    @classmethod
    def load(cls, file: str | Path) -> Probe:
        """Read a probe.

        Raises:
            UsageError: the file is missing or is no probe.
        """
        try:
            with safe_open(str(file), framework="pt") as tensors:
                table = tensors.metadata() or {}
                weight, bias = tensors.get_tensor("weight"), tensors.get_tensor("bias")
            names = tuple(table["names"].split("\n"))
            if weight.ndim != 2 or bias.shape != weight.shape[:1] or len(names) != len(bias):
                raise ValueError("weight, bias and names do not fit each other")
            return cls(table["backbone"], table["weights_sha256"], weight, bias, names)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise UsageError(
                f"{file} is no linear probe",
                expected="safetensors as `Probe.save` writes them: weight [classes, dim], bias "
                "[classes], and the backbone's name, weights and class names as metadata",
                got=f"{type(error).__name__}: {error}"[:200],
            ) from None

    def readout(self, backbone: Backbone) -> Readout:
        """Return the probe as scores of a backbone.

        Raises:
            UsageError: it was fitted on another backbone.
        """
        if self.weights_sha256 != backbone.weights_sha256 or self.weight.shape[1] != backbone.dim:
            raise UsageError(
                f"the probe was fitted on another backbone than {backbone.name}",
                expected=f"weights {backbone.weights_sha256[:16]}…, {backbone.dim} channels",
                got=f"{self.backbone}, weights {self.weights_sha256[:16]}…, "
                f"{self.weight.shape[1]} channels",
                hint="fit a probe on this backbone with `fit_probe`",
            )

        def scores(_: Tensor, maps: Tensor) -> Tensor:
            return F.linear(maps.mean((2, 3)), self.weight.to(maps), self.bias.to(maps))

        return Readout("probe", len(self.bias), self.names, scores)


@torch.no_grad()
def fit_probe(
    backbone: Backbone,
    images: Tensor,
    labels: Tensor,
    names: tuple[str, ...],
    *,
    ridge: float = 1e-2,
    batch_size: int = 32,
) -> Probe:
    """Fit a linear probe on the mean token by ridge regression on one-hot labels.

    Args:
        backbone: the network; its native map is averaged.
        images: ``[n, 3, H, W]`` in [0, 1].
        labels: ``[n]``, class indices.
        names: of the classes.
        ridge: penalty, in units of the features' mean variance.
        batch_size: images at once.

    Raises:
        UsageError: labels and names do not fit the images.
    """
    if len(labels) != len(images) or not len(images) or int(labels.max()) >= len(names):
        raise UsageError(
            "labels do not fit the images",
            expected=f"one index below {len(names)} for each of {len(images)} images, at least one",
            got=f"{len(labels)} labels",
        )
    means = [backbone.native_map(part).mean((2, 3)) for part in torch.split(images, batch_size)]
    features = torch.cat(means).cpu().double()
    centre, wanted = features.mean(0), F.one_hot(labels.cpu(), len(names)).double()
    x, y = features - centre, wanted - wanted.mean(0)
    gram = x.T @ x
    gram.diagonal().add_(ridge * gram.diagonal().mean())
    weight = torch.linalg.solve(gram, x.T @ y).T
    bias = wanted.mean(0) - weight @ centre
    return Probe(backbone.name, backbone.weights_sha256, weight.float(), bias.float(), names)


def embedding_readout(backbone: Backbone, vectors: Tensor, names: tuple[str, ...]) -> Readout:
    """Return the cosine of the network's pooled output, or mean token, with given vectors.

    Args:
        backbone: the network. With vectors of its output's width (an image–text model's text
            embeddings, say) the output is compared; with vectors of the layer's width the mean
            token.
        vectors: ``[classes, width]``, none of length 0.
        names: one each.

    Raises:
        UsageError: the vectors fit neither, or not the names.
        BackboneError: the output does not depend on the layer.
    """
    if vectors.ndim != 2 or len(names) != len(vectors) or not vectors.norm(dim=1).gt(0).all():
        raise UsageError(
            "embeddings cannot be used",
            expected="[classes, width], one name each, none of length 0",
            got=f"{list(vectors.shape)} and {len(names)} names",
        )
    directions = F.normalize(vectors.float(), dim=1)
    if vectors.shape[1] == backbone.dim:

        def scores(_: Tensor, maps: Tensor) -> Tensor:
            return F.normalize(maps.mean((2, 3)), dim=1) @ directions.to(maps).T

        return Readout("embedding", len(names), names, scores)
    output = Classifier(backbone, any_output=True)
    if vectors.shape[1] != output.classes:
        raise UsageError(
            f"embeddings do not fit {backbone.name}",
            expected=f"width {backbone.dim} (its tokens) or {output.classes} (its output)",
            got=f"width {vectors.shape[1]}",
        )

    def through(image: Tensor, maps: Tensor) -> Tensor:
        return F.normalize(output(image, maps), dim=1) @ directions.to(maps).T

    return Readout("embedding", len(names), names, through)


@torch.no_grad()
def reference_readout(backbone: Backbone, reference: Tensor, name: str) -> Readout:
    """Return likeness to a reference image ``[1, 3, H, W]``: the cosine of the mean tokens."""
    vector = backbone.native_map(reference).mean((2, 3))
    found = embedding_readout(backbone, vector, (name,))
    return Readout("reference", 1, (name,), found.scores)
