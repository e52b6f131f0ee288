"""The bundled training module: sparse code, universal SAE, training, evaluation, checkpoints."""

from usae_viz.sae.checkpoint import UsaeConfig, load_usae, save_usae
from usae_viz.sae.code import SparseCode
from usae_viz.sae.evaluation import evaluate_usae
from usae_viz.sae.statistics import CodeStatistics
from usae_viz.sae.universal import UniversalSAE

__all__ = [
    "CodeStatistics",
    "SparseCode",
    "UniversalSAE",
    "UsaeConfig",
    "evaluate_usae",
    "load_usae",
    "save_usae",
]
