from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.attribution.conftest import make_backbone, make_usae
from usae_viz.attribution import concept_maps, heatmap, heatmaps
from usae_viz.concepts import ConceptName
from usae_viz.errors import ConceptError, ImageSourceError, RunError, UsageError
from usae_viz.images import read_canvas

NAMES = ("one", "two")
CANVAS = 24


class FakeRun:
    """What `heatmap` asks of a run, without files."""

    names = NAMES

    def recipe(self):
        return SimpleNamespace(images=SimpleNamespace(canvas=CANVAS, crop="center", crop_pct=1.0))

    def record(self, name):
        if name not in NAMES:
            raise RunError(f"the run has no backbone {name!r}")


@pytest.fixture
def run(monkeypatch):
    maximum = np.full((2, 12), 2.0, np.float32)
    maximum[1] = [8.0] * 11 + [0.0]

    def require(concept):
        if concept > 11:
            raise ConceptError(f"there is no concept {concept}")

    index = SimpleNamespace(names=NAMES, maximum=maximum, require=require)
    monkeypatch.setattr(heatmaps, "load_index", lambda _: index)
    names = {2: ConceptName("dots", "user")}
    monkeypatch.setattr(heatmaps, "concept_names", lambda _: names)
    monkeypatch.setattr(heatmaps, "load_usae", lambda _: make_usae(NAMES))
    monkeypatch.setattr(
        heatmaps,
        "load_run_backbones",
        lambda _, names: {n: make_backbone(n) for n in NAMES if not names or n in names},
    )
    return FakeRun()


@pytest.fixture
def files(tmp_path):
    paths = []
    for number, size in enumerate([(40, 30), (24, 24), (20, 50)]):
        pixels = np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)
        paths.append(tmp_path / f"photo {number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def test_every_backbone_reads_the_canvas_of_training(run, files):
    found = heatmap(run, files, 4)
    assert found.names == NAMES
    assert found.files == ("photo 0.png", "photo 1.png", "photo 2.png")
    assert found.canvases.shape == (3, CANVAS, CANVAS, 3)
    canvases = torch.stack([read_canvas(path.read_bytes(), CANVAS) for path in files])
    assert np.array_equal(found.canvases, canvases.permute(0, 2, 3, 1).numpy())
    for name in NAMES:
        maps = concept_maps(make_usae(NAMES), make_backbone(name), canvases.float() / 255, [4])
        np.testing.assert_allclose(found.gated[name], maps.gated[:, 0], rtol=1e-5)
        np.testing.assert_allclose(found.pre_gate[name], maps.pre_gate[:, 0], rtol=1e-5)


def test_the_scale_is_the_index_and_never_the_image(run, files):
    together = heatmap(run, files, 4)
    alone = heatmap(run, files[1:2], 4)
    assert together.scale == alone.scale == {"one": 2.0, "two": 8.0}
    a, b = (np.asarray(x.sheet(side=CANVAS), np.int64) for x in (together, alone))
    # The same row of pictures, one row lower.
    step = (a.shape[0] - b.shape[0]) // 2
    top = 16 + 13 + 7 + 6 + 13 + 7
    assert np.array_equal(a[top + step : top + step + CANVAS], b[top : top + CANVAS])


def test_one_backbone_may_be_chosen(run, files):
    found = heatmap(run, files, 4, backbones=["two"])
    assert found.names == ("two",)
    assert set(found.scale) == {"two"}


def test_it_shows_and_saves_itself(run, files, tmp_path):
    found = heatmap(run, files, 11)
    picture = Image.open(io.BytesIO(found._repr_png_()))
    assert picture.width > 3 * 224
    saved = found.save(tmp_path / "new")
    assert json.loads(json.dumps(saved)) == saved
    with Image.open(saved["sheet"]) as sheet:
        assert sheet.size == picture.size
    assert [entry["image"] for entry in saved["images"]] == list(found.files)
    assert saved["images"][2]["peak"]["two"] == found.gated["two"][2].max()
    with np.load(saved["arrays"]) as arrays:
        assert list(arrays["files"]) == list(found.files)
        assert np.array_equal(arrays["gated/two"], found.gated["two"])
        assert np.array_equal(arrays["pre_gate/one"], found.pre_gate["one"])
        assert dict(zip(arrays["backbones"], arrays["scale"], strict=True)) == found.scale
    again = found.save(tmp_path / "again")
    with Image.open(saved["images"][1]["panel"]["one"]) as panel:
        assert panel.size == (CANVAS, CANVAS)
    row, column = saved["images"][0]["position"]["two"]
    assert found.gated["two"][0][row, column] == found.gated["two"][0].max()
    for key in ("sheet", "arrays"):
        assert Path(again[key]).read_bytes() == Path(saved[key]).read_bytes()


def test_a_map_is_drawn_as_heat_as_a_line_or_by_fading(run, files):
    found = heatmap(run, files, 2)
    assert found.name == "dots"
    canvas = found.canvases[0].astype(int)
    drawn = {s: np.asarray(found.panel(0, "one", s)).astype(int) for s in ("overlay", "contour")}
    faded = np.asarray(found.panel(0, "one", "transparent")).astype(int)
    never = np.asarray(Image.fromarray(found.gated["one"][0]).resize((CANVAS,) * 2, 2)) == 0
    assert (drawn["overlay"][never] == canvas[never]).all()
    assert (faded[never] == 128).all()
    # A contour changes few pixels, and those to black or white.
    changed = (drawn["contour"] != canvas).any(-1)
    assert set(np.unique(drawn["contour"][changed])) <= {0, 255}
    with pytest.raises(UsageError, match=r"drawn as 'contuor'(.|\n)*did you mean 'contour'"):
        found.panel(0, "one", "contuor")


def test_errors_come_before_any_network_is_loaded(run, files, tmp_path, monkeypatch):
    monkeypatch.delattr(heatmaps, "load_usae")
    with pytest.raises(UsageError, match="no image is given"):
        heatmap(run, [], 4)
    with pytest.raises(ConceptError, match="there is no concept 12"):
        heatmap(run, files, 12)
    with pytest.raises(RunError, match="no backbone 'three'"):
        heatmap(run, files, 4, backbones=["three"])
    with pytest.raises(ImageSourceError, match=r"gone\.png cannot be read"):
        heatmap(run, [tmp_path / "gone.png"], 4)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(ImageSourceError, match=r"broken\.png: the file is no readable image"):
        heatmap(run, [broken], 4)
