"""Runs that go to the Hugging Face Hub and come from there, over HTTP to a stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants
from typer.testing import CliRunner, Result

from tests.hub.standin import Hub
from usae_viz import workflow
from usae_viz.cli import app
from usae_viz.concepts import load_index
from usae_viz.errors import HubError, RunError
from usae_viz.portable import REQUIRED, places
from usae_viz.run import Run, open_run
from usae_viz.sae import load_usae

COMMANDS = CliRunner()

# `huggingface_hub` uploads through a call that its HTTP client would rather have written otherwise.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def call(*words: str | Path) -> Result:
    return COMMANDS.invoke(app, [str(word) for word in words])


@pytest.fixture
def pushed(trained: Run, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The trained run, as ``me/pair`` on the stand-in; its networks are in USAE_VIZ_WEIGHTS."""
    workflow.evaluate(trained, replicates=0)
    result = call("push", trained.path, "me/pair", "--licence", "mit", "--private", "--json")
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    assert table["url"].startswith(f"{hub.url}/me/pair/commit/")
    assert set(table["files"]) == set(hub.repositories["me/pair"]) - {".gitattributes"}
    monkeypatch.setenv("USAE_VIZ_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)
    return trained


def test_there_and_back(pushed: Run, hub: Hub, tmp_path: Path) -> None:
    assert hub.private == {"me/pair"}
    assert hub.uploads, "weights go through LFS"
    result = call("pull", "me/pair", "--out", tmp_path / "back", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["backbones"] == ["first", "second"]
    back = open_run(tmp_path / "back")
    for name in ("usae.safetensors", "usae.json", "training.jsonl", "concepts/index.safetensors"):
        assert (back.path / name).read_bytes() == (pushed.path / name).read_bytes(), name
    assert back.info.recipe_sha256 == back.recipe().digest() == pushed.info.recipe_sha256
    assert (back.evaluation_file).is_file()
    assert not list(back.path.rglob("README.md"))
    # It is a whole run: its networks are found by name, its concepts can be maximized.
    index = load_index(back)
    concept = int(np.argmax(index.rate.sum(0)))
    made = call("maximize", "--run", back.path, "--concept", concept, "--steps", 2, "--size", 40)
    assert made.exit_code == 0, made.output


def test_nothing_of_this_machine_or_of_photographs_goes(
    pushed: Run, hub: Hub, tmp_path: Path
) -> None:
    ids = json.loads(pushed.examples_file.read_text())["ids"]
    assert ids
    assert places(pushed.recipe())
    for name, data in hub.repositories["me/pair"].items():
        assert not name.endswith((".webp", ".png")), name
        assert not name.startswith("activations"), name
        assert str(tmp_path).encode() not in data, name
        assert not any(image_id.encode() in data for image_id in ids), name


def test_the_card_says_what_it_is(pushed: Run, hub: Hub) -> None:
    text = hub.repositories["me/pair"]["README.md"].decode()
    meta = text.split("---")[1]
    assert "license: mit" in meta
    assert "library_name: usae-viz" in meta
    evaluation = json.loads(pushed.evaluation_file.read_text())
    for row in evaluation["r2"]["channel"]:
        assert " | ".join(f"{value:.3f}" for value in row) in text
    for record in pushed.info.backbones:
        assert f"`{record.spec.model}`" in text
        assert record.weights_sha256[:12] in text
    assert 'uv.open_run("hf://me/pair")' in text
    assert "24 images" in text
    assert "a private `folder`" in text


def test_a_run_is_read_where_it_lies_and_found_again_without_a_network(
    pushed: Run, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run("hf://me/pair")
    assert run.outputs == Path.cwd() / "usae-viz-pair"
    np.testing.assert_array_equal(load_usae(run).rows("first"), load_usae(pushed).rows("first"))
    listed = call("concepts", "--run", "hf://me/pair", "--limit", 1, "--json")
    assert json.loads(listed.stdout)["concepts"]
    assert open_run(f"hf://me/pair@{hub.commit('me/pair')}").info == run.info
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert open_run("hf://me/pair").info == run.info
    with pytest.raises(HubError, match="does not answer"):
        open_run("hf://me/another")


def test_what_is_asked_for_goes_too_and_what_is_gone_is_removed(pushed: Run, hub: Hub) -> None:
    kinds = ("thumbnails", "activations")
    workflow.push(pushed, "me/pair", include=kinds, message="all")
    names = set(hub.repositories["me/pair"])
    ids = json.loads(pushed.examples_file.read_text())["ids"]
    assert {name for name in names if name.startswith("concepts/thumbs/")}
    assert ids == json.loads(hub.repositories["me/pair"]["concepts/examples.json"])["ids"]
    assert "activations/manifest.json" in names
    table = workflow.pull("me/pair", Path("all"), include=kinds)
    assert (Path(table["run"]) / "activations" / "manifest.json").is_file()
    workflow.push(pushed, "me/pair")
    assert not [name for name in hub.repositories["me/pair"] if "thumbs" in name or "act" in name]
    assert hub.messages[1] == "all"


def test_a_dry_run_sends_nothing(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    told = call("push", trained.path, "me/pair", "--dry-run")
    assert told.exit_code == 0, told.output
    assert "# tiny: a universal sparse autoencoder" in told.stdout
    assert "Not measured" in told.stdout


def test_errors_say_what_to_do(
    trained: Run, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hub.repositories["me/other"] = {"config.json": b"{}"}
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").touch()
    for words, said in (
        (("push", trained.path, "others/pair"), "refused others/pair"),
        (("push", trained.path, "pair"), "names no repository"),
        (("pull", "me/nothing"), "has no model me/nothing, or it is private"),
        (("pull", "me/other"), "is not a run of usae-viz"),
        (("pull", "me/other@v9"), "has no revision 'v9'"),
        (("pull", "me/other", "--out", tmp_path / "full"), "is there already"),
    ):
        result = call(*words)
        assert result.exit_code == 1, words
        assert said in result.stderr
        assert result.stdout == ""
    wrong = call("push", trained.path, "me/pair", "--include", "thumbs")
    assert wrong.exit_code == 2
    assert "did you mean 'thumbnails'" in wrong.stderr
    monkeypatch.delenv("HF_TOKEN")
    assert "nobody is logged in" in call("push", trained.path, "me/pair").stderr
    assert not (tmp_path / "runs").exists()
    trained.usae_config_file.unlink()
    with pytest.raises(RunError, match="is not trained"):
        workflow.push(trained, "me/pair")


@pytest.mark.usefixtures("pushed")
def test_a_run_that_would_read_this_machines_files_is_refused(hub: Hub, tmp_path: Path) -> None:
    files = hub.repositories["me/pair"]
    recipe = files["recipe.toml"].decode()
    files["recipe.toml"] = recipe.replace('source = "folder:"', 'source = "folder:/home"').encode()
    for attempt in (lambda: open_run("hf://me/pair"), lambda: workflow.pull("me/pair")):
        with pytest.raises(HubError, match=r"(?s)places on a disk.*folder:/home"):
            attempt()
    assert not (tmp_path / "runs").exists()
    files["recipe.toml"] = recipe.encode()
    files["../outside"] = b"x"
    with pytest.raises(HubError, match="leads elsewhere"):
        workflow.pull("me/pair")
    del files["../outside"]
    files["run.json"] = b"{}"
    with pytest.raises(RunError, match="does not describe a run"):
        workflow.pull("me/pair")
    assert set(REQUIRED) <= set(files)
    assert not list(Path(constants.HF_HUB_CACHE).rglob("outside"))
