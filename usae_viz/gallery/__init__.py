"""The static gallery: concepts side by side in all backbones, opened by double-click."""

from usae_viz.gallery.report import build_report, build_report_index
from usae_viz.gallery.single import build_single
from usae_viz.gallery.site import build_site

__all__ = ["build_report", "build_report_index", "build_single", "build_site"]
