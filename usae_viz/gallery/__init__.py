"""The static page: concepts side by side in all backbones, opened by double-click."""

from usae_viz.gallery.page import build_page

__all__ = ["build_page"]
