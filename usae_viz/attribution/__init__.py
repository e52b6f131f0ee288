"""Which pixels make a concept, which concepts make a class, and how far to trust it."""

from usae_viz.attribution.classes import ClassAttribution, attribute_classes
from usae_viz.attribution.examine import Examination, Examiner
from usae_viz.attribution.faithfulness import Faithfulness, ignorant_maps, measure_faithfulness
from usae_viz.attribution.heatmaps import Heatmaps, heatmap
from usae_viz.attribution.interventions import Intervention, scale_concepts, swap_code
from usae_viz.attribution.maps import ConceptMaps, concept_maps
from usae_viz.attribution.pixels import PixelAttribution, attribute_pixels
from usae_viz.attribution.readout import (
    Probe,
    Readout,
    classifier_readout,
    embedding_readout,
    fit_probe,
    reference_readout,
)
from usae_viz.attribution.report import AttributionReport

__all__ = [
    "AttributionReport",
    "ClassAttribution",
    "ConceptMaps",
    "Examination",
    "Examiner",
    "Faithfulness",
    "Heatmaps",
    "Intervention",
    "PixelAttribution",
    "Probe",
    "Readout",
    "attribute_classes",
    "attribute_pixels",
    "classifier_readout",
    "concept_maps",
    "embedding_readout",
    "fit_probe",
    "heatmap",
    "ignorant_maps",
    "measure_faithfulness",
    "reference_readout",
    "scale_concepts",
    "swap_code",
]
