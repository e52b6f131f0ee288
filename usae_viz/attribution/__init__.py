"""Heatmaps (where a concept is) and pixel attribution (which pixels it rests on)."""

from usae_viz.attribution.heatmaps import Heatmaps, heatmap
from usae_viz.attribution.maps import ConceptMaps, concept_maps
from usae_viz.attribution.pixels import PixelAttribution, attribute_pixels

__all__ = [
    "ConceptMaps",
    "Heatmaps",
    "PixelAttribution",
    "attribute_pixels",
    "concept_maps",
    "heatmap",
]
