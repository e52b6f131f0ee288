from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from usae_viz.errors import RunError, UsaeVizError, WriteError
from usae_viz.recipe import BackboneSpec, Recipe
from usae_viz.run import (
    FORMAT,
    BackboneRecord,
    ImagesRecord,
    Run,
    RunInfo,
    file_sha256,
    open_run,
    read_json,
    write_bytes,
    write_json,
)


def describe(recipe: Recipe, **fields: Any) -> RunInfo:
    record = BackboneRecord(
        spec=recipe.backbones[0],
        weights_sha256="ab" * 32,
        dim=16,
        grid=4,
        input_size=32,
        sees_colour=True,
    )
    table = {
        "format": FORMAT,
        "name": recipe.name,
        "recipe_sha256": recipe.digest(),
        "backbones": (record,),
        "created_by": "usae-viz 0.1.0",
    }
    return RunInfo(**{**table, **fields})


@pytest.fixture
def recipe(tiny_recipe: Callable[..., Recipe]) -> Recipe:
    return tiny_recipe()


@pytest.fixture
def run(recipe: Recipe, tmp_path: Path) -> Run:
    return Run.create(tmp_path / "deep" / "run", recipe, describe(recipe))


def test_a_created_run_opens_as_it_was_made(run: Run, recipe: Recipe) -> None:
    opened = open_run(str(run.path))
    assert opened.info == run.info
    assert date.fromisoformat(opened.info.created or "") <= date.today()
    assert opened.info.identity() == describe(recipe).identity()
    assert opened.recipe() == recipe
    assert opened.names == ("a",)
    assert opened.record("a").dim == 16


def test_creating_the_same_run_again_goes_on_with_it(run: Run, recipe: Recipe) -> None:
    (run.path / "usae.json").write_text("{}")
    newer = describe(recipe, created_by="usae-viz 9.9", created="2999-01-01")
    again = Run.create(run.path, recipe, newer)
    assert again.info.created_by == "usae-viz 0.1.0"
    assert again.info.created == run.info.created
    assert (run.path / "usae.json").read_text() == "{}"


def test_another_recipe_is_refused(
    run: Run, recipe: Recipe, tiny_recipe: Callable[..., Recipe]
) -> None:
    other = tiny_recipe(seed=5)
    before = run.recipe_file.read_bytes()
    with pytest.raises(RunError, match="already holds another run") as caught:
        Run.create(run.path, other, describe(other))
    assert other.digest()[:12] in str(caught.value.expected)
    assert recipe.digest()[:12] in str(caught.value.got)
    assert run.recipe_file.read_bytes() == before


def test_other_weights_under_the_same_recipe_are_refused_and_named(
    run: Run, recipe: Recipe
) -> None:
    record = describe(recipe).backbones[0].model_copy(update={"weights_sha256": "cd" * 32})
    with pytest.raises(RunError, match="other backbones or weights"):
        Run.create(run.path, recipe, describe(recipe, backbones=(record,)))


def test_moved_images_and_weights_are_the_same_run_and_their_new_place_is_kept(
    tiny_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    def made(place: str) -> tuple[Recipe, RunInfo]:
        recipe = tiny_recipe(
            images={"source": f"folder:/{place}/photos"},
            backbones=[
                {"name": "a", "model": "timm:vit_tiny_patch16_224", "weights": f"/{place}/a"}
            ],
            weights_dir=f"/{place}",
        )
        record = describe(recipe).backbones[0].model_copy(update={"spec": recipe.backbones[0]})
        images = ImagesRecord(count=3, sha256="ab" * 32)
        return recipe, describe(recipe, backbones=(record,), images=images)

    Run.create(tmp_path / "run", *made("here"))
    there, info = made("there")
    run = Run.create(tmp_path / "run", there, info)
    assert run.recipe() == there
    opened = open_run(tmp_path / "run")
    assert opened.info == run.info
    assert opened.record("a").spec.weights == "/there/a"
    other = info.model_copy(update={"images": ImagesRecord(count=4, sha256="cd" * 32)})
    with pytest.raises(RunError, match="already holds another run") as caught:
        Run.create(tmp_path / "run", there, other)
    assert caught.value.expected == f"its 3 images, sha256 {'ab' * 6}"
    assert caught.value.got == f"4 images, sha256 {'cd' * 6}"


def test_a_run_from_before_images_were_recorded_takes_them_on(run: Run, recipe: Recipe) -> None:
    images = ImagesRecord(count=3, sha256="ab" * 32)
    Run.create(run.path, recipe, describe(recipe, images=images))
    assert open_run(run.path).info.images == images
    Run.create(run.path, recipe, describe(recipe))
    assert open_run(run.path).info.images == images


def test_a_folder_that_is_no_run_is_left_alone(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="not a run and is not empty"):
        Run.create(tmp_path, recipe, describe(recipe))
    with pytest.raises(RunError, match="not a run and is not empty"):
        Run.create(tmp_path / "letter.txt", recipe, describe(recipe))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter.txt"]


def test_opening_nothing_or_something_else_says_which(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such folder"):
        open_run(tmp_path / "none")
    with pytest.raises(RunError, match=r"no run\.json in it"):
        open_run(tmp_path)


def test_a_newer_format_asks_for_an_upgrade(run: Run) -> None:
    table = read_json(run.info_file) | {"format": FORMAT + 1, "unheard_of": []}
    write_json(run.info_file, table)
    with pytest.raises(RunError, match="written by a newer usae-viz") as caught:
        open_run(run.path)
    assert caught.value.hint == "upgrade usae-viz"


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"format": "one"}', '{"format": null}', "ÿ"])
def test_a_damaged_description_is_a_run_error(run: Run, text: str) -> None:
    run.info_file.write_bytes(text.encode("latin-1"))
    with pytest.raises(RunError, match=r"run\.json"):
        open_run(run.path)


def test_an_unknown_backbone_gets_a_suggestion(
    tiny_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = tiny_recipe(backbones=[{"name": "convnext", "model": "timm:convnext_atto"}])
    run = Run.create(tmp_path / "run", recipe, describe(recipe))
    with pytest.raises(RunError, match="did you mean 'convnext'"):
        run.record("convnxt")


def test_a_second_writer_is_told_who_the_first_is(run: Run) -> None:
    with run.lock():
        with pytest.raises(RunError, match=f"process {os.getpid()}"), run.lock():
            pytest.fail("the lock was given twice")
        with pytest.raises(RunError), open_run(run.path).lock():
            pytest.fail("the lock was given to another object of the same run")
    with run.lock():
        pass


def test_the_lock_goes_with_an_exception_and_is_not_its_file(run: Run) -> None:
    with pytest.raises(ZeroDivisionError), run.lock():
        raise ZeroDivisionError
    # What a killed writer leaves; its number may be that of another process by now.
    (run.path / ".lock").write_text(str(os.getppid()))
    with run.lock():
        assert (run.path / ".lock").read_text() == str(os.getpid())
    assert not (run.path / ".lock").exists()


def test_a_run_whose_making_was_cut_short_is_made_again(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (".lock", "recipe.toml", ".run.json.0123456789ab"):
        (folder / name).touch()
    assert Run.create(folder, recipe, describe(recipe)).recipe() == recipe


def test_a_write_that_breaks_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def full(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(WriteError, match="No space left"):
        write_bytes(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_table_that_json_cannot_hold_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"value": 1.5})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"value": float("nan")})
    assert json.loads(path.read_text()) == {"value": 1.5}


def test_the_new_file_appears_only_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    seen = []
    rename = Path.replace

    def watch(self: Path, target: Path) -> Path:
        seen.append((self.parent == target.parent, self.read_bytes(), target.exists()))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", watch)
    write_bytes(path, b"whole")
    assert seen == [(True, b"whole", False)]


def test_a_file_that_another_process_clears_away_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rename, cleared = tmp_path / "a.bin", Path.replace, []

    def clear_first(self: Path, target: Path) -> Path:
        if not cleared:
            cleared.append(self.name)
            self.unlink()
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", clear_first)
    write_bytes(path, b"whole")
    assert (path.read_bytes(), len(cleared)) == (b"whole", 1)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o002, 0o664)])
def test_files_are_as_open_as_the_umask_allows(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_bytes(tmp_path / "a.bin", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == mode


def test_missing_and_damaged_json_say_so(tmp_path: Path) -> None:
    with pytest.raises(UsaeVizError, match="is missing"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UsaeVizError, match="is damaged"):
        read_json(tmp_path / "a.json")


def test_names_of_images_cannot_leave_the_reports_folder(run: Run) -> None:
    reports = (run.path / "reports").resolve()
    for name in ("..", "../../etc", "/etc/passwd", "", ".", "a b/c.jpg"):
        assert run.report_dir(name).resolve().parent == reports


def test_what_is_derived_from_a_read_only_run_goes_elsewhere(run: Run, tmp_path: Path) -> None:
    borrowed = Run(run.path, run.info, outputs=tmp_path / "out")
    assert borrowed.usae_file.parent == run.path
    for path in (borrowed.maximized_dir(7), borrowed.gallery_dir, borrowed.report_dir("x")):
        assert path.is_relative_to(tmp_path / "out")
    assert borrowed.maximized_dir(7).name == "000007"


def test_file_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    # The example of FIPS 180-2, appendix B.1.
    assert file_sha256(tmp_path / "a") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_records_refuse_unknown_fields() -> None:
    spec = BackboneSpec(name="a", model="timm:vit_tiny_patch16_224")
    with pytest.raises(ValueError, match="extra"):
        BackboneRecord(
            spec=spec, weights_sha256="", dim=1, grid=1, input_size=1, sees_colour=True, extra=1
        )
