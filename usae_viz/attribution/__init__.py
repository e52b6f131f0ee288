"""Which pixels make a concept, which concepts make a class, and how far to trust it.

Each name is loaded on first use: what a verb does not need, it does not wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from usae_viz.lazy import loader

if TYPE_CHECKING:
    from usae_viz.attribution.classes import ClassAttribution as ClassAttribution
    from usae_viz.attribution.classes import attribute_classes as attribute_classes
    from usae_viz.attribution.examination import Examination as Examination
    from usae_viz.attribution.examine import Examiner as Examiner
    from usae_viz.attribution.faithfulness import Faithfulness as Faithfulness
    from usae_viz.attribution.faithfulness import ignorant_maps as ignorant_maps
    from usae_viz.attribution.faithfulness import measure_faithfulness as measure_faithfulness
    from usae_viz.attribution.heatmaps import Heatmaps as Heatmaps
    from usae_viz.attribution.heatmaps import heatmap as heatmap
    from usae_viz.attribution.interventions import Intervention as Intervention
    from usae_viz.attribution.interventions import scale_concepts as scale_concepts
    from usae_viz.attribution.interventions import swap_code as swap_code
    from usae_viz.attribution.maps import ConceptMaps as ConceptMaps
    from usae_viz.attribution.maps import concept_maps as concept_maps
    from usae_viz.attribution.pixels import PixelAttribution as PixelAttribution
    from usae_viz.attribution.pixels import attribute_pixels as attribute_pixels
    from usae_viz.attribution.readout import Probe as Probe
    from usae_viz.attribution.readout import Readout as Readout
    from usae_viz.attribution.readout import classifier_readout as classifier_readout
    from usae_viz.attribution.readout import embedding_readout as embedding_readout
    from usae_viz.attribution.readout import fit_probe as fit_probe
    from usae_viz.attribution.readout import reference_readout as reference_readout
    from usae_viz.attribution.report import AttributionReport as AttributionReport

_HOMES = {
    "AttributionReport": "report",
    "ClassAttribution": "classes",
    "ConceptMaps": "maps",
    "Examination": "examination",
    "Examiner": "examine",
    "Faithfulness": "faithfulness",
    "Heatmaps": "heatmaps",
    "Intervention": "interventions",
    "PixelAttribution": "pixels",
    "Probe": "readout",
    "Readout": "readout",
    "attribute_classes": "classes",
    "attribute_pixels": "pixels",
    "classifier_readout": "readout",
    "concept_maps": "maps",
    "embedding_readout": "readout",
    "fit_probe": "readout",
    "heatmap": "heatmaps",
    "ignorant_maps": "faithfulness",
    "measure_faithfulness": "faithfulness",
    "reference_readout": "readout",
    "scale_concepts": "interventions",
    "swap_code": "interventions",
}

__all__ = sorted(_HOMES)
__getattr__ = loader(__name__, _HOMES)
