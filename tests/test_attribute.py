"""The verb `attribute` over the bundled run, from a file to the page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import usae_viz as uv
from tests.attribution.networks import Convolutional, backbone_of, seeded
from usae_viz import workflow
from usae_viz.attribution import AttributionReport, Probe
from usae_viz.demo.world import World
from usae_viz.errors import ConceptError, ImageSourceError, UsageError

FEW = {"count": 3, "attributed": 1, "checked": 1, "rows": 4}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    batch = World(size=96).render([31, 77], masks=False)
    for number, image in enumerate(batch.images):
        pixels = (image.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"world {number}.png")
    return sorted(folder.glob("*.png"))


@pytest.fixture(scope="module")
def made(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    run = uv.demo_run()
    return workflow.write_reports(
        run, photos, methods=["input_x_gradient"], backbones=["resnet", "grey"], out=out, **FEW
    )


def test_the_json_contract(made):
    assert json.loads(json.dumps(made)) == made
    assert set(made) == {"run", "images", "page"}
    for entry in made["images"]:
        assert len(entry["concepts"]) == 3
        for concept in entry["concepts"]:
            assert set(concept["activation"]) == {"resnet", "grey"}
            for maps in concept["maps"].values():
                assert all(Path(file).is_file() for file in maps.values())
        first = entry["concepts"][0]
        assert set(first["maps"]["grey"]) == {"heatmap", "input_x_gradient"}
        assert {"input_x_gradient", "edges"} <= set(first["faithfulness"]["grey"])
        for found in entry["classes"].values():
            total = sum(row["value"] for row in found["rows"])
            whole = found["score"] - found["baseline"]
            assert total == pytest.approx(whole, rel=2e-3, abs=2e-3)
            assert found["completeness"] < 1e-2


def test_the_pages(made):
    index = Path(made["page"])
    assert index.parent.name == "reports"
    text = index.read_text()
    for entry in made["images"]:
        page = Path(entry["report"])
        assert f"{page.parent.name.replace(' ', '%20')}/index.html" in text
        html = page.read_text()
        assert "style=" not in html
        assert "<script" not in html
        for concept in entry["concepts"]:
            assert f'id="c{concept["id"]}"' in html
        stored = json.loads((page.parent / "report.json").read_text())
        assert stored["concepts"][0]["maps"]["grey"]["heatmap"].startswith("maps/")


def test_shared_concepts_come_first(made):
    for entry in made["images"]:
        total = [
            sum(min(share or 0, 1) for share in concept["natural"].values())
            for concept in entry["concepts"]
        ]
        assert total == sorted(total, reverse=True)


def test_python_gives_an_object_that_shows_itself(photos):
    report = uv.attribute(
        uv.demo_run(),
        photos[0],
        target="obj-shape:square",
        backbones=["grey"],
        methods=["input_x_gradient"],
        count=1,
        attributed=1,
        checked=0,
    )
    assert isinstance(report, AttributionReport)
    assert report._repr_png_().startswith(b"\x89PNG")
    assert report.classes["grey"].name == "obj-shape:square"
    assert report.findings[0].faithfulness == {}


def test_names_of_files_are_shown_as_text_and_stay_in_the_folder(photos, tmp_path):
    evil = tmp_path / "<img src=x onerror=alert(1)>&\u202e.png"
    evil.write_bytes(photos[0].read_bytes())
    table = workflow.write_reports(
        uv.demo_run(), [evil], backbones=["grey"], out=tmp_path / "out", count=1, attributed=0
    )
    page = Path(table["page"])
    assert page.is_relative_to(tmp_path / "out" / "reports")
    assert "<img src=x" not in page.read_text()


def test_files_of_one_name_have_a_folder_each(photos, tmp_path):
    other = tmp_path / photos[0].name
    other.write_bytes(photos[1].read_bytes())
    table = workflow.write_reports(
        uv.demo_run(),
        [photos[0], other, photos[0]],
        backbones=["grey"],
        out=tmp_path / "out",
        count=1,
        attributed=0,
    )
    first, second, third = (entry["report"] for entry in table["images"])
    assert first == third != second


def test_other_kinds_of_classes(photos, tmp_path):
    run = uv.demo_run()
    loaded = uv.demo_run().record("grey")
    probe = Probe("grey", loaded.weights_sha256, torch.randn(2, loaded.dim), torch.zeros(2),
                  ("this", "that"))  # fmt: skip
    probe.save(tmp_path / "probe.safetensors")
    few = {"backbones": ["grey", "resnet"], "count": 1, "attributed": 0}
    report = uv.attribute(run, photos[0], probes=[tmp_path / "probe.safetensors"], **few)
    assert report.classes["grey"].readout == "probe"
    assert report.classes["resnet"] == "no probe was given for it"
    report = uv.attribute(run, photos[0], reference=photos[1], **few)
    assert {found.readout for found in report.classes.values()} == {"reference"}
    with pytest.raises(UsageError, match="in one way only"):
        uv.attribute(run, photos[0], probes=[tmp_path / "p"], reference=photos[1], **few)
    stranger = backbone_of(seeded(Convolutional()), "stranger")
    Probe("stranger", stranger.weights_sha256, torch.zeros(2, 6), torch.zeros(2), ("a", "b")).save(
        tmp_path / "other.safetensors"
    )
    with pytest.raises(UsageError, match="fitted on 'stranger'"):
        uv.attribute(run, photos[0], probes=[tmp_path / "other.safetensors"], **few)


def test_bad_input_is_told_before_any_work(photos, tmp_path):
    run = uv.demo_run()
    with pytest.raises(UsageError, match="no image is given"):
        workflow.write_reports(run, [])
    with pytest.raises(ImageSourceError, match=r"gone\.png cannot be read"):
        workflow.write_reports(run, [photos[0], tmp_path / "gone.png"], out=tmp_path)
    assert not (tmp_path / "reports").exists()
    with pytest.raises(ConceptError, match="there is no concept 9999"):
        uv.attribute(run, photos[0], concepts=[9999], backbones=["grey"])
    with pytest.raises(UsageError, match="there is no class 'cow'"):
        uv.attribute(run, photos[0], target="cow", backbones=["grey"])
    with pytest.raises(UsageError, match="no setting stepps"):
        uv.attribute(run, photos[0], stepps=3)
    for wrong in ({"methods": ["magic"]}, {"tokens": "all"}, {"baseline": "white"}, {"count": 0}):
        with pytest.raises(UsageError):
            uv.attribute(run, photos[0], **wrong)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGBA", "P", "CMYK", "I;16"])
def test_images_of_every_mode(mode, photos, tmp_path):
    file = tmp_path / ("image.tif" if mode in ("CMYK", "I;16") else "image.png")
    if mode == "I;16":
        Image.fromarray(np.full((1, 1), 40000, np.uint16)).save(file)
    else:
        Image.open(photos[0]).convert("RGB").convert(mode).save(file)
    report = uv.attribute(uv.demo_run(), file, backbones=["grey"], count=1, attributed=0, checked=0)
    assert report.canvas.shape == (96, 96, 3)


def test_the_command_line(photos, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "usae_viz", "attribute", str(photos[0]), "--backbone", "grey",
         "--count", "1", "--attributed", "0", "--out", str(tmp_path), "--json", "--threads", "1"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    table = json.loads(done.stdout)
    assert Path(table["images"][0]["report"]).is_file()
