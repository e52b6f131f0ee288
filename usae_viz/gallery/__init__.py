"""The static page: concepts side by side in all backbones, opened by double-click."""

from usae_viz.gallery.page import build_page
from usae_viz.gallery.report import build_report, build_report_index

__all__ = ["build_page", "build_report", "build_report_index"]
