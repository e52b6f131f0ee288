"""Runs: directories of one trained USAE each, and the files in them."""

from __future__ import annotations

from usae_viz.run.directory import LOCK, Run
from usae_viz.run.files import (
    file_sha256,
    read_json,
    replacing,
    write_bytes,
    write_json,
    write_text,
)
from usae_viz.run.opening import bundled_runs, demo_run, open_run
from usae_viz.run.records import FORMAT, BackboneRecord, ImagesRecord, RunInfo

__all__ = [
    "FORMAT",
    "LOCK",
    "BackboneRecord",
    "ImagesRecord",
    "Run",
    "RunInfo",
    "bundled_runs",
    "demo_run",
    "file_sha256",
    "open_run",
    "read_json",
    "replacing",
    "write_bytes",
    "write_json",
    "write_text",
]
