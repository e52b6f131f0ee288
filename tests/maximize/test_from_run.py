from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from usae_viz.errors import ConceptError, RunError, UsageError
from usae_viz.maximize import MaximizeResult, ViewSpec, maximize, read_result
from usae_viz.maximize import result as result_module
from usae_viz.run import Run

QUICK: dict[str, Any] = {"steps": 4, "views": 1}


def test_files_and_keys(run: Run) -> None:
    results = maximize(run, [2, 5], seeds=2, **QUICK)
    assert [result.concept for result in results] == [2, 5]
    folder = run.maximized_dir(5)
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        [
            *(f"{name}{kind}" for name in ("low", "high") for kind in (".png", ".alpha.png")),
            *(f"{name}.seed-2.png" for name in ("low", "high")),
            "result.json",
        ]
    )
    table = json.loads((folder / "result.json").read_text())
    assert {"concept", "images", "alpha", "natural", "transfer", "verdict"} <= set(table)
    assert {
        "transfer_peak", "selectivity", "trajectory", "settings", "seconds", "spread"
    } <= set(table)  # fmt: skip
    assert table["backbones"] == table["rows"] == ["low", "high"]
    assert np.shape(table["transfer"]) == (2, 2)
    assert table["images"] == {"low": "low.png", "high": "high.png"}
    result = results[1]
    for name in ("low", "high"):
        picture = np.array(Image.open(folder / f"{name}.png"))
        rgba = np.array(Image.open(folder / f"{name}.alpha.png"))
        assert picture.shape == (56, 56, 3)
        assert np.array_equal(picture, result.images[name])
        assert np.array_equal(rgba[..., :3], picture)
        assert np.array_equal(rgba[..., 3], result.alpha[name])
    entry = result.to_json()
    assert Path(entry["images"]["low"]) == folder / "low.png"
    assert json.loads(json.dumps(entry, allow_nan=False))["concept"] == 5


def test_what_was_written_is_read_back(run: Run) -> None:
    (made,) = maximize(run, [3], **QUICK)
    assert made.folder is not None
    read = read_result(made.folder)
    assert read.images.keys() == made.images.keys()
    assert all(np.array_equal(read.alpha[name], made.alpha[name]) for name in made.alpha)
    np.testing.assert_allclose(read.transfer, made.transfer, atol=1e-5)
    assert read.verdict == made.verdict
    assert read.settings == made.settings


def test_a_second_run_fills_gaps_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    maximize(run, [3], **QUICK)
    before = (run.maximized_dir(3) / "result.json").stat().st_mtime_ns
    maximize(run, [3, 4], **QUICK)
    assert (run.maximized_dir(3) / "result.json").stat().st_mtime_ns == before
    (run.maximized_dir(4) / "result.json").unlink()
    written: list[int] = []
    original = MaximizeResult.write

    def write(self: MaximizeResult, folder: Path) -> MaximizeResult:
        written.append(self.concept)
        return original(self, folder)

    monkeypatch.setattr(MaximizeResult, "write", write)
    maximize(run, [3, 4], **QUICK)
    maximize(run, [3], **{**QUICK, "seed": 1})
    maximize(run, [4], again=True, **QUICK)
    maximize(run, [4], view_spec=ViewSpec(augmentations=(abs,)), **QUICK)
    maximize(run, [4], view_spec=ViewSpec(augmentations=(abs,)), **QUICK)
    assert written == [4, 3, 4, 4, 4]


def test_an_interrupted_write_leaves_no_result(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (made,) = maximize(run, [3], **QUICK)

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(result_module, "write_bytes", fail)
    with pytest.raises(OSError, match="no space"):
        maximize(run, [3], again=True, **QUICK)
    assert made.folder is not None
    with pytest.raises(RunError, match=r"result\.json is missing"):
        read_result(made.folder)


def test_a_selection_of_backbones_is_read_by_all(run: Run, tmp_path: Path) -> None:
    (alone,) = maximize(run, [3], backbones=["high"], out=tmp_path / "elsewhere", **QUICK)
    (full,) = maximize(run, [3], **QUICK)
    assert alone.folder == tmp_path / "elsewhere" / "maximized" / "000003"
    assert alone.optimised == ("high",)
    assert alone.backbones == ("low", "high")
    assert alone.transfer.shape == (1, 2)
    difference = alone.images["high"].astype(int) - full.images["high"].astype(int)
    assert np.abs(difference).max() <= 2
    np.testing.assert_allclose(alone.transfer[0], full.transfer[1], atol=0.05)


def test_concepts_go_through_in_chunks(run: Run) -> None:
    told: list[tuple[int, int]] = []
    results = maximize(
        run,
        [1, 2, 3, 2],
        chunk=2,
        progress=lambda _, done, total: told.append((done, total)),
        **QUICK,
    )
    assert told == [(4, 8), (8, 8)]
    assert [result.concept for result in results] == [1, 2, 3]


def test_results_of_one_concept_are_at_hand(run: Run) -> None:
    results = maximize(run, 3, size=None, **QUICK)
    assert results.images["low"].shape == (56, 56, 3)
    assert results.transfer.shape == (2, 2)
    assert results.verdict == results[0].verdict
    page = results._repr_html_()
    assert page.count("data:image/png;base64,") == 2
    assert "Concept 3" in page
    with pytest.raises(UsageError, match="2 concepts"):
        _ = maximize(run, [3, 4], **QUICK).images


def test_errors_say_what_to_do(run: Run) -> None:
    with pytest.raises(ConceptError, match="0 to 11"):
        maximize(run, [12], **QUICK)
    with pytest.raises(ConceptError, match="concept 11 is dead"):
        maximize(run, [2, 11], **QUICK)
    with pytest.raises(RunError, match="did you mean 'high'"):
        maximize(run, [2], backbones=["hihg"], **QUICK)
    with pytest.raises(UsageError, match="one of per-model"):
        maximize(run, [2], mode="together", **QUICK)
    with pytest.raises(UsageError, match="shared mode needs two"):
        maximize(run, [2], mode="shared", backbones=["low"], **QUICK)
    with pytest.raises(UsageError, match="starts from a photograph"):
        maximize(run, [2], mode="accentuate", **QUICK)
    with pytest.raises(UsageError, match="cannot be read"):
        maximize(run, [2], mode="accentuate", start=run.path / "run.json", **QUICK)
    with pytest.raises(UsageError, match="No such file"):
        maximize(run, [2], mode="accentuate", start=run.path / "no.png", **QUICK)
    with pytest.raises(UsageError, match="outside the grid"):
        maximize(run, [2], objective="position:4,0", **QUICK)
    with pytest.raises(UsageError, match="maximized already"):
        maximize(run, [2], also={2: 1.0}, **QUICK)
    with pytest.raises(ConceptError, match="concept 11 is dead"):
        maximize(run, [2], also={11: 1.0}, **QUICK)
    assert not run.maximized_dir(2).exists()


def test_a_canvas_below_a_patch_is_refused(run: Run) -> None:
    coarse = [r.model_copy(update={"grid": 2}) for r in run.info.backbones]
    other = Run(run.path, run.info.model_copy(update={"backbones": tuple(coarse)}))
    with pytest.raises(UsageError, match="16 pixels is smaller than a patch of high"):
        maximize(other, [2], size=16, **QUICK)


def test_modes_lie_side_by_side_and_keep_the_contract(
    run: Run, photos: Callable[..., Path]
) -> None:
    photo = photos(1) / "000.png"
    made = {
        "per-model": maximize(run, [3], **QUICK),
        "shared": maximize(run, [3], mode="shared", seeds=2, **QUICK),
        "contrast": maximize(run, [3], mode="contrast", **QUICK),
        "diverse": maximize(run, [3], mode="diverse", images=3, **QUICK),
        "accentuate": maximize(run, [3], mode="accentuate", start=photo, **QUICK),
    }
    assert len({results[0].folder for results in made.values()}) == 5
    kinds = run.maximized_kinds(3)
    assert kinds[0] == "per-model"
    assert [kind.split("_")[0] for kind in kinds[1:]] == [
        "accentuate", "contrast", "diverse", "shared"
    ]  # fmt: skip
    assert run.maximized_concepts() == [3]
    for mode, results in made.items():
        (result,) = results
        entry = json.loads(json.dumps(result.to_json(), allow_nan=False))
        assert entry["mode"] == mode
        assert set(entry["images"]) == set(entry["alpha"]) == {"low", "high"}
        assert all(Path(path).is_file() for path in entry["images"].values())
        assert np.shape(entry["transfer"]) == (len(entry["rows"]), 2)
        assert set(entry["natural"]) == {"low", "high"}
        assert entry["verdict"].endswith(".")
        assert result.folder is not None
        read = read_result(result.folder)
        assert read.rows == result.rows
        assert read.to_json() == result.to_json()
    shared = made["shared"][0].to_json()
    assert shared["images"]["low"] == shared["images"]["high"]
    assert shared["rows"] == ["shared"]
    assert np.shape(shared["seeds"]) == (2, 1, 2)
    assert [len(v) for v in made["diverse"][0].variants.values()] == [2, 2]
    assert made["accentuate"][0].to_json()["start"].keys() == {"low", "high"}
    assert made["contrast"][0].to_json()["trajectory"]["lowered"].keys() == {"low", "high"}


def test_processes_share_the_concepts(run: Run) -> None:
    first = maximize(run, [1, 2, 3], part=(0, 2), **QUICK)
    assert [result.concept for result in first] == [1, 3]
    second = maximize(run, [1, 2, 3], part=(1, 2), **QUICK)
    assert [result.concept for result in second] == [1, 2, 3]
    np.testing.assert_allclose(
        second[1].transfer, maximize(run, [2], again=True, **QUICK)[0].transfer, atol=1e-4
    )
