"""From images to tokens: extraction, the store, streams without one, statistics, batches."""

from usae_viz.activations.extract import extract
from usae_viz.activations.store import ActivationStore
from usae_viz.activations.stream import ActivationStream

__all__ = ["ActivationStore", "ActivationStream", "extract"]
