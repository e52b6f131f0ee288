"""What `scripts/ablate.py` trains and measures."""
