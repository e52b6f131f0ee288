"""The tables of a recipe, strictly typed."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

# Strict: the text "256" is no number, and true is not 1.
Positive = Annotated[int, Field(gt=0, strict=True)]
Share = Annotated[float, Field(ge=0.0, lt=1.0, strict=True)]

# What decides nothing about a run: where data lies, how often to log and save, what becomes of a
# broken batch.
INCIDENTAL: Any = {
    "images": {"source", "masks", "labels"},
    "weights_dir": True,
    "backbones": {"__all__": {"weights"}},
    "training": {"checkpoint_every", "log_every", "tensorboard", "non_finite"},
}


class Section(BaseModel):
    """A table of the recipe: unknown keys are refused, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ImagesSpec(Section):
    """Which images, and the one canvas that every backbone sees of each."""

    source: str
    """``KIND:WHERE``, for example ``folder:../photos`` or ``world:images=6000``."""
    canvas: Positive = 256
    """Side of the square canvas in pixels."""
    crop: Literal["center", "squash", "pad"] = "center"
    """``center``: shorter side to `canvas`, then the middle; ``squash``: both sides to `canvas`;
    ``pad``: longer side to `canvas`, the borders mid-grey."""
    crop_pct: Annotated[float, Field(gt=0.0, le=1.0, strict=True)] = 1.0
    """Share of the shorter side that ``center`` keeps: 0.875 is the usual test crop of ImageNet."""
    labels: Literal["none", "folders"] = "none"
    """Folders only. ``folders``: an image's label is the folder below the source that it is in."""
    masks: str | None = None
    """Folders only: a folder of binary masks named ``IMAGE__LABEL.png``, as large as the image."""
    validation: Share = 0.1
    """Share of images held out, fixed by each image's content hash."""
    limit: Positive | None = None
    """Use at most this many images (in the order of their hashes)."""

    @model_validator(mode="after")
    def _keys_go_together(self) -> ImagesSpec:
        if self.crop_pct != 1.0 and self.crop != "center":
            raise ValueError(f"crop_pct goes with crop = 'center', not with {self.crop!r}")
        if not self.source.startswith("folder:"):
            for key in ("labels", "masks"):
                if getattr(self, key) not in (None, "none"):
                    raise ValueError(f"{key} goes with folder:PATH, not with {self.source!r}")
        return self


class BackboneSpec(Section):
    """A pretrained network read at one layer."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    """Short name used in files, tables and on the command line."""
    model: str
    """``timm:NAME`` (``NAME.TAG``, ``hf-hub:…``, ``local-dir:…``), ``torchvision:NAME``
    (``NAME.WEIGHTS``), or ``python:NAME`` for a module that a Python program registers."""
    layer: int | str = -1
    """Index among the layers that ``usae-viz doctor MODEL`` lists, or a name: of one of them, of
    any module, or of a node of torchvision's feature extraction."""
    final_norm: Annotated[bool, Field(strict=True)] = True
    """Apply the network's final norm when timm's last layer is read, if it has one to apply."""
    weights: str | None = None
    """Local safetensors instead of the hub: a path (relative to the recipe or run), a file name
    inside `weights_dir`, or ``package:PACKAGE/FILE``."""
    weights_layout: str | None = None
    """If the file names its tensors as another architecture does (``timm:mobilenetv2_100``):
    tensors are matched in that architecture's order of definition and checked by shape."""
    kwargs: dict[str, bool | int | float | str | list[int]] = Field(default_factory=dict)
    """Passed to ``timm.create_model`` or torchvision's constructor."""
    input_size: Positive | None = None
    """Side in pixels that the network is fed with; default: the network's own."""
    mean: tuple[float, ...] | None = None
    """Channel means of the network's preprocessing; default: the network's own."""
    std: tuple[float, ...] | None = None
    """Channel standard deviations of the network's preprocessing; default: the network's own."""

    @field_validator("model")
    @classmethod
    def _known_library(cls, value: str) -> str:
        if value.split(":", 1)[0] not in ("timm", "torchvision", "python") or ":" not in value:
            raise ValueError("expected 'timm:NAME', 'torchvision:NAME' or 'python:NAME'")
        return value


class ActivationsSpec(Section):
    """How token maps are taken and stored."""

    grid: Positive
    """Side of the common token grid; every token map is resampled to it (antialiased bilinear)."""
    dtype: Literal["float16", "bfloat16", "float32"] = "float16"
    batch_images: Positive = 32
    shard_images: Positive = 512
    store: Annotated[bool, Field(strict=True)] = True
    """False: nothing is kept; training reads the networks as it goes (``docs/extraction.md``)."""
    statistics_images: Positive = 1024
    """Images that mean and scale are measured on where there is no store."""


class UsaeSpec(Section):
    """The dictionary and the ingredients of its training; see ``docs/training.md``."""

    concepts: Positive
    """Width N of the code: the number of concepts."""
    k: Positive
    """Concepts kept per token by TopK."""
    mode: Literal["ours", "paper", "crosscoder", "sparc", "independent"] = "ours"
    """``paper``: as published (arXiv 2502.03714); ``ours``: what measurement shows to be best. To
    compare with: ``crosscoder`` (one code of all backbones), ``sparc`` (support chosen by all
    together, arXiv 2507.06265), ``independent`` (an SAE a backbone)."""
    agreement: Annotated[float, Field(ge=0.0, strict=True)] | None = None
    """Override the weight of the agreement loss between the backbones' codes."""
    init: Literal["spread", "paired", "independent"] | None = None
    """Override how rows start: from the activations of the same tokens, chosen far apart
    (``spread``) or at random (``paired``), or independently."""
    update: Literal["all", "drawn"] | None = None
    """Override which decoders step: all, or the drawn backbone's only."""

    variant: Literal["topk", "batchtopk", "jumprelu", "matryoshka", "archetypal"] = "topk"
    """How the code is sparse. ``batchtopk``: k per token on average over a batch; ``jumprelu``:
    learnt thresholds; ``matryoshka``: nested prefixes of the concepts each reconstruct;
    ``archetypal``: rows are convex combinations of tokens."""
    prefixes: tuple[Positive, ...] | None = None
    """``matryoshka``: sizes of the prefixes, rising, the last all concepts; default: a sixteenth,
    an eighth, a quarter, half and all."""
    archetypes: Positive | None = None
    """``archetypal``: how many tokens' cluster centres are combined; default 1,024."""
    relaxation: Annotated[float, Field(ge=0.0, strict=True)] | None = None
    """``archetypal``: how far a row may leave the convex hull, as a share of the archetypes' mean
    norm (RA-SAE); default 0."""

    @model_validator(mode="after")
    def _k_fits(self) -> UsaeSpec:
        if self.k > self.concepts:
            raise ValueError(f"k = {self.k} is larger than concepts = {self.concepts}")
        return self

    @model_validator(mode="after")
    def _variant_fits(self) -> UsaeSpec:
        if self.variant != "topk" and self.mode != "ours":
            raise ValueError(f'variant "{self.variant}" needs mode "ours", not "{self.mode}"')
        for key, of in _VARIANT_KEYS.items():
            if getattr(self, key) is not None and self.variant != of:
                raise ValueError(f'{key} is only for variant "{of}", not "{self.variant}"')
        sizes = self.prefixes
        if sizes is not None and (
            list(sizes) != sorted(set(sizes)) or sizes[-1:] != (self.concepts,)
        ):
            raise ValueError(
                f"prefixes must rise and end with concepts = {self.concepts}, not {list(sizes)}"
            )
        if self.variant == "archetypal" and self.update == "drawn":
            raise ValueError('variant "archetypal" shares its rows: update "drawn" cannot be')
        if self.variant == "archetypal" and self.init is not None:
            raise ValueError(f'variant "archetypal" mixes tokens: init "{self.init}" says nothing')
        return self


_VARIANT_KEYS = {"prefixes": "matryoshka", "archetypes": "archetypal", "relaxation": "archetypal"}


class TrainingSpec(Section):
    """Budget and optimiser."""

    steps: Positive
    batch_tokens: Positive = 2048
    """Tokens per backbone and step; each backbone gets the same positions of the same images."""
    lr: Annotated[float, Field(gt=0.0, strict=True)] | None = None
    """Peak learning rate; default: the mode's own."""
    precision: Literal["auto", "float32"] = "auto"
    """``auto``: where the processor multiplies bfloat16 faster, candidates for a token's concepts
    are found in it; they are chosen, and all but the published auxiliary loss is
    computed, in float32."""
    max_minutes: Annotated[float, Field(gt=0.0, strict=True)] | None = None
    """Wall-clock budget of the loop; the schedule ends when either budget does."""
    average: Share = 0.0
    """Keep an exponential average of the weights with this decay; 0: keep the last weights."""
    validate_every: Annotated[int, Field(ge=0, strict=True)] = 500
    """Look at held-out images every this many steps; 0: never."""
    validation_images: Positive = 64
    """Held-out images that are looked at; a fixed choice."""
    patience: Positive | None = None
    """Stop after this many looks without a better mean R² and keep the best; default: never."""
    non_finite: Literal["stop", "skip"] = "stop"
    """What to do with a batch that holds NaN or infinity: stop (resumable), or leave it out."""
    checkpoint_every: Positive = 500
    log_every: Positive = 1
    """A line of ``training.jsonl`` every this many steps."""
    tensorboard: Annotated[bool, Field(strict=True)] = False
    """Write the same as TensorBoard event files into ``tensorboard/``."""
    parallel: Literal["data", "concepts"] = "data"
    """What processes started by torchrun share: each batch, or the concepts (for dictionaries too
    large for one device)."""
    buffer_images: Positive = 1024
    """Images whose tokens are shuffled together (see ``activations``)."""

    @model_validator(mode="after")
    def _patience_looks(self) -> TrainingSpec:
        if self.patience is not None and not self.validate_every:
            raise ValueError("patience counts looks at held-out images: validate_every is 0")
        return self


class ConceptsSpec(Section):
    """What the concept index keeps."""

    tau: Annotated[float, Field(ge=0.0, strict=True)] = 0.1
    """A concept fires where its code value exceeds this (standardised units; paper: 0.1)."""
    examples: Positive = 9
    """Natural examples kept per concept and backbone; the natural reference is their mean."""


class Recipe(Section):
    """Everything that decides a run."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    seed: Annotated[int, Field(strict=True)] = 0
    weights_dir: str | None = None
    """Folder of local weights, for machines without a hub; or set ``USAE_VIZ_WEIGHTS``."""
    images: ImagesSpec
    backbones: Annotated[tuple[BackboneSpec, ...], Field(min_length=1)]
    activations: ActivationsSpec
    usae: UsaeSpec
    training: TrainingSpec
    concepts: ConceptsSpec = ConceptsSpec()

    @model_validator(mode="after")
    def _names_differ(self) -> Recipe:
        names = [spec.name for spec in self.backbones]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two backbones are called {', '.join(twice)}")
        return self

    def toml(self) -> str:
        """Return the resolved recipe as TOML text."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))

    def digest(self) -> str:
        """Return the sha256 of what the recipe decides, whatever its file's layout was.

        Where images and weights lie is left out, so that a moved data set is no other recipe; a
        run records hashes of their content. So are labels, which training does not see, how often
        to log or save, and what to do with a broken batch: a training that stopped may go on with
        others.
        """
        table = self.model_dump(mode="json", exclude_none=True, exclude=INCIDENTAL)
        return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
