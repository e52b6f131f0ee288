"""``python -m usae_viz``."""

from usae_viz.cli import main

main()
