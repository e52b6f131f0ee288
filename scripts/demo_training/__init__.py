"""Training of what the package bundles: the world's networks (see ``scripts/train_demo.py``)."""
