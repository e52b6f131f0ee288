"""Names of repositories, listings from elsewhere, and a hub that does not answer."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usae_viz.errors import HubError
from usae_viz.hub import Repository, fetch, is_repository, parse_repository, send, wanted_files
from usae_viz.portable import EXTRAS, REQUIRED, SHARED


@pytest.mark.parametrize(
    ("text", "repository"),
    [
        ("me/trio", Repository("me/trio")),
        ("hf://me/trio", Repository("me/trio")),
        ("hf:/me/trio", Repository("me/trio")),
        ("hf://me/trio@v1.0", Repository("me/trio", "v1.0")),
        ("hf://me/trio@refs/pr/1", Repository("me/trio", "refs/pr/1")),
    ],
)
def test_names(text: str, repository: Repository) -> None:
    assert parse_repository(text) == repository
    assert is_repository(text) == text.startswith("hf:")
    assert is_repository(str(Path(text))) == text.startswith("hf:")
    assert parse_repository(str(repository)) == repository


@pytest.mark.parametrize(
    "text", ["", "trio", "hf://", "hf://trio", "a/b/c", "../b", "a/..", "a /b", "a/b@", "a/b@c d"]
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(HubError, match="names no repository"):
        parse_repository(text)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "concepts/../../x", "a\\b", "C:x", "concepts/thumbs/a\n.webp"]
)
def test_a_listing_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(HubError, match="leads elsewhere"):
        wanted_files("hf://me/trio", [*REQUIRED, name], SHARED)


@given(st.lists(st.text(max_size=30), max_size=5))
def test_no_listing_yields_a_file_outside(names: list[str]) -> None:
    try:
        wanted = wanted_files("hf://me/trio", [*REQUIRED, *names], (*SHARED, *EXTRAS.values()))
    except HubError:
        return
    here = Path("/somewhere/run")
    assert set(REQUIRED) <= set(wanted)
    assert all((here / name).resolve().is_relative_to(here) for name in wanted)


def test_only_a_runs_files_are_wanted() -> None:
    names = [
        *REQUIRED,
        "README.md",
        "setup.py",
        "activations/manifest.json",
        "concepts/thumbs/a.webp",
    ]
    assert wanted_files("x", names, SHARED) == list(REQUIRED)
    with pytest.raises(HubError, match="is not a run"):
        wanted_files("x", ["config.json", "model.safetensors"], SHARED)


def test_a_hub_that_does_not_answer_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing listens on the port of this address.
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    started = time.monotonic()
    with pytest.raises(HubError, match="does not answer"):
        fetch(Repository("me/nothing-of-this-name"))
    with pytest.raises(HubError, match="does not answer"):
        send(Repository("me/trio"), {}, message="m")
    assert time.monotonic() - started < 30, "its client's retries take a minute each"
