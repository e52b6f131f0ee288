"""The bundled training module: sparse code, universal SAE, training, evaluation, checkpoints.

Each name is loaded on first use: what a verb does not need, it does not wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from usae_viz.lazy import loader

if TYPE_CHECKING:
    from usae_viz.sae.checkpoint import load_usae as load_usae
    from usae_viz.sae.checkpoint import save_usae as save_usae
    from usae_viz.sae.code import SparseCode as SparseCode
    from usae_viz.sae.config import UsaeConfig as UsaeConfig
    from usae_viz.sae.evaluation import evaluate_usae as evaluate_usae
    from usae_viz.sae.statistics import CodeStatistics as CodeStatistics
    from usae_viz.sae.universal import UniversalSAE as UniversalSAE

_HOMES = {
    "CodeStatistics": "statistics",
    "SparseCode": "code",
    "UniversalSAE": "universal",
    "UsaeConfig": "config",
    "evaluate_usae": "evaluation",
    "load_usae": "checkpoint",
    "save_usae": "checkpoint",
}

__all__ = sorted(_HOMES)
__getattr__ = loader(__name__, _HOMES)
