"""From images to tokens on disk: extraction, the store, statistics, shuffled token batches."""

from usae_viz.activations.extract import extract
from usae_viz.activations.store import ActivationStore

__all__ = ["ActivationStore", "extract"]
