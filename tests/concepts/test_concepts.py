from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file
from sklearn.metrics import roc_auc_score

from tests.sae.test_training import new_run, recipe
from usae_viz.concepts import (
    ConceptIndex,
    ConceptName,
    LabelScorer,
    concept_numbers,
    concept_rows,
    concept_table,
    index_run,
    load_index,
    name_concept,
    parse_concepts,
)
from usae_viz.errors import ConceptError, RunError, StoreError, UsageError
from usae_viz.images import ImageBatch, ImageProblem
from usae_viz.run import Run, write_json
from usae_viz.sae import UniversalSAE

DIM, GRID, IMAGES = 5, 3, 30


def direct() -> UniversalSAE:
    """Backbones whose channel c is concept c, as it is: code = tokens; concept 4 never fires."""
    usae = UniversalSAE({"one": DIM, "two": DIM}, concepts=DIM, k=DIM)
    with torch.no_grad():
        for i in range(2):
            usae.weight[i].copy_(torch.eye(DIM))
            usae.dictionary[i].copy_(torch.eye(DIM))
            usae.bias[i][4] = -1e6
    return usae.requires_grad_(False)


def tokens() -> dict[str, torch.Tensor]:
    """Concept 0 alike in both, 1 in `one` only, 2 in both but never together, 3 alike but rarer."""
    generator = torch.Generator().manual_seed(0)
    one = torch.zeros(IMAGES, GRID**2, DIM)
    two = torch.zeros(IMAGES, GRID**2, DIM)
    strength = torch.rand(IMAGES, generator=generator)
    one[:, :4, 0] = strength[:, None] + 0.2
    two[:, :4, 0] = 2 * strength[:, None] + 0.2
    # No two images fire a concept equally: which of them is an example would be arbitrary.
    steady = 1 + strength / 10
    one[::3, 5, 1] = steady[::3]
    one[::2, 6, 2] = steady[::2]
    two[1::2, 6, 2] = steady[1::2]
    one[7, 8, 3] = two[7, 8, 3] = 5.0
    return {"one": one, "two": two}


def ids() -> list[str]:
    return [f"{i:064x}" for i in range(IMAGES)]


def batches(size: int) -> list[tuple[list[str], dict[str, torch.Tensor]]]:
    rows, names = tokens(), ids()
    return [
        (names[a : a + size], {n: r[a : a + size] for n, r in rows.items()})
        for a in range(0, IMAGES, size)
    ]


class Pictures:
    """An image source of flat grey pictures."""

    ids = tuple(ids())
    label_names: tuple[str, ...] = ()
    problems: list[ImageProblem] = []  # noqa: RUF012

    def read(self, ids: list[str]) -> ImageBatch:
        images = torch.full((len(ids), 3, 200, 200), 90, dtype=torch.uint8)
        return ImageBatch(list(ids), images, None)

    def where(self, image_id: str) -> str:
        return image_id


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = recipe()
    return new_run(tmp_path / "run", made)


@pytest.fixture
def index(run: Run) -> ConceptIndex:
    return index_run(run, direct(), batches(7), examples=9)


def test_batches_of_any_size_give_the_same_index(run: Run, tmp_path: Path) -> None:
    index_run(run, direct(), batches(7), examples=9)
    other = new_run(tmp_path / "other", recipe())
    index_run(other, direct(), batches(30), examples=9)
    first, second = (load_file(made.index_file) for made in (run, other))
    assert first.keys() == second.keys()
    for key in first:
        np.testing.assert_allclose(first[key], second[key], rtol=1e-5, err_msg=key)
    assert run.examples_file.read_text() == other.examples_file.read_text()


def test_natural_reference_is_the_mean_of_the_best_nine(index: ConceptIndex) -> None:
    rows = tokens()["two"][:, :, 0]
    best = rows.mean(1).sort(descending=True).values[:9].mean()
    assert index.natural_score[1, 0] == pytest.approx(float(best), rel=1e-5)
    peaks = rows.amax(1).sort(descending=True).values[:9].mean()
    assert index.natural_peak[1, 0] == pytest.approx(float(peaks), rel=1e-5)


def test_examples_are_the_best_images_with_their_maps(index: ConceptIndex) -> None:
    rows = tokens()["one"][:, :, 0].mean(1)
    expected = [ids()[int(i)] for i in rows.argsort(descending=True)[:9]]
    found = index.examples("one", 0)
    assert [example.image_id for example in found] == expected
    first = found[0]
    assert first.grid.shape == (GRID, GRID)
    assert first.grid.ravel()[:4].tolist() == [255] * 4
    assert first.grid.ravel()[4:].max() == 0
    (only,) = index.examples("two", 3)
    assert only.position == (2, 2)
    assert only.peak == pytest.approx(5.0)
    assert index.examples("two", 1) == []


def test_classes_follow_coincidence_not_rates(index: ConceptIndex) -> None:
    # Concept 2 fires equally often in both, yet never on the same token.
    assert index.entropy[2] == pytest.approx(1.0)
    assert [index.kind(k) for k in range(5)] == [
        "universal",
        "unique",
        "unique",
        "universal",
        "dead",
    ]
    assert index.sharing(1) == ["one"]
    assert index.most_universal(2) == [3, 0] or index.most_universal(2) == [0, 3]


def test_unknown_and_dead_concepts(index: ConceptIndex) -> None:
    index.require(0)
    with pytest.raises(ConceptError, match=r"no concept 5(.|\n)*0 to 4"):
        index.require(5)
    with pytest.raises(ConceptError, match=r"no concept -1"):
        index.require(-1)
    with pytest.raises(ConceptError, match=r"concept 4 is dead(.|\n)*for example"):
        index.require(4)


def test_thumbnails_are_stored_once_and_small(run: Run) -> None:
    made = index_run(run, direct(), batches(30), Pictures(), examples=9)
    files = sorted(path.stem for path in (run.path / "concepts" / "thumbs").iterdir())
    assert files == sorted(made.example_ids())
    with Image.open(run.thumb_file(files[0])) as thumb:
        assert thumb.size == (160, 160)


def test_missing_and_damaged_index(run: Run) -> None:
    with pytest.raises(RunError, match="has no concept index"):
        load_index(run)
    index_run(run, direct(), batches(30))
    run.index_file.write_bytes(run.index_file.read_bytes()[:100])
    with pytest.raises(RunError, match="damaged"):
        load_index(run)


def test_nothing_to_index(run: Run) -> None:
    with pytest.raises(StoreError, match="no image to index"):
        index_run(run, direct(), [])


def test_label_auc_equals_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(4)
    rows = {n: torch.randn(60, GRID**2, DIM, generator=generator) for n in ("one", "two")}
    present = torch.rand(60, 2, generator=generator) < 0.3
    rows["one"][present[:, 0], :, 1] += 1.0
    scorer = LabelScorer(direct(), ["red", "dots"])
    scorer.add({n: r[:25] for n, r in rows.items()}, present[:25])
    scorer.add({n: r[25:] for n, r in rows.items()}, present[25:])
    scores = scorer.scores()
    values = rows["one"][:, :, :4].relu()
    for label in range(2):
        for k in range(4):
            truth = present[:, label].numpy()
            options = [
                roc_auc_score(truth, values[:, :, k].mean(1)),
                roc_auc_score(truth, values[:, :, k].amax(1)),
            ]
            assert min(abs(scores.auc[0, label, k] - o) for o in options) < 1e-9
    assert scores.best(0, 1)[0] == 1
    assert scores.detected_in(0, 1, 0.9) == ["one"]
    assert scores.best(0, 2)[1] < 0.9


def test_a_label_of_all_or_no_image_scores_chance() -> None:
    rows = {
        n: torch.rand(6, 4, DIM, generator=torch.Generator().manual_seed(1)) for n in ("one", "two")
    }
    present = torch.tensor([[True, False]]).expand(6, 2)
    scorer = LabelScorer(direct(), ["all", "none"])
    scorer.add(rows, present)
    scores = scorer.scores()
    np.testing.assert_array_equal(scores.auc, np.full((2, 2, DIM), 0.5))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7", [7]), ("7,12,30-33", [7, 12, 30, 31, 32, 33]), (" 3 , 1-2,3", [3, 1, 2])],
)
def test_concepts_as_people_write_them(text: str, expected: list[int]) -> None:
    assert parse_concepts(text) == expected


@pytest.mark.parametrize("text", ["", "seven", "1,,2", "5-3", "-1", "1.5"])
def test_unreadable_concepts(text: str) -> None:
    with pytest.raises(ConceptError):
        parse_concepts(text)


@pytest.mark.parametrize(
    "concepts",
    [
        7,
        [7],
        (7, 7),
        np.int64(7),
        np.array(7),
        np.array([7]),
        torch.tensor(7),
        torch.tensor([7]),
        "7",
    ],
)
def test_concepts_may_be_of_any_kind_of_number(concepts: Any) -> None:
    assert concept_numbers(concepts) == [7]
    assert concept_numbers("12,3") == [12, 3]


@pytest.mark.parametrize("concepts", [7.9, [7.9], None, np.array([1.0]), "seven", [[1]]])
def test_what_is_no_number_names_no_concept(concepts: Any) -> None:
    with pytest.raises(ConceptError, match="name"):
        concept_numbers(concepts)


def test_rows_sort_and_filter(index: ConceptIndex) -> None:
    assert [row["id"] for row in concept_rows(index, sort="id")] == [0, 1, 2, 3]
    rates = [max(row["rate"].values()) for row in concept_rows(index, sort="rate")]
    assert rates == sorted(rates, reverse=True)
    assert [r["id"] for r in concept_rows(index, sort="id", where="class = unique")] == [1, 2]
    assert [
        r["id"] for r in concept_rows(index, sort="id", where="entropy > 0.9 and rate.two >= 0.1")
    ] == [0]


def test_conditions_that_cannot_be_read(index: ConceptIndex) -> None:
    with pytest.raises(UsageError, match=r"no column 'entropi'(.|\n)*did you mean 'entropy'"):
        concept_rows(index, where="entropi > 1")
    with pytest.raises(UsageError, match="cannot be read"):
        concept_rows(index, where="entropy larger")
    with pytest.raises(UsageError, match="is a number"):
        concept_rows(index, where="entropy > much")
    with pytest.raises(UsageError, match=r"sorted by 'enrgy'(.|\n)*did you mean 'energy'"):
        concept_rows(index, sort="enrgy")


def test_any_column_sorts_and_conditions_join(index: ConceptIndex) -> None:
    names = {2: ConceptName("Striped ground", "user", "zebras"), 0: ConceptName("", "user", "odd")}
    rows = concept_rows(index, sort="rate.two", names=names)
    assert [row["rate"]["two"] for row in rows] == sorted(
        (row["rate"]["two"] for row in rows), reverse=True
    )
    (striped,) = concept_rows(index, where="name ~ stripe", names=names)
    assert (striped["id"], striped["named_by"], striped["note"]) == (2, "user", "zebras")
    chosen = concept_rows(index, sort="id", where="id = 3 or note = odd", names=names)
    assert [row["id"] for row in chosen] == [0, 3]
    assert [row["id"] for row in concept_rows(index, sort="id", dead=True)] == [0, 1, 2, 3, 4]
    with pytest.raises(UsageError, match=r"rate differs by backbone(.|\n)*rate.one"):
        concept_rows(index, where="rate > 0.1")
    with pytest.raises(UsageError, match=r"no column 'rate.tow'(.|\n)*did you mean 'rate.two'"):
        concept_rows(index, where="rate.tow > 0.1")


def test_intervals_stand_beside_their_shares(index: ConceptIndex) -> None:
    for row in concept_rows(index):
        assert row["cofire_low"] <= row["cofire"] + 1e-6
        assert row["cofire"] <= row["cofire_high"] + 1e-6
        for name, rate in row["rate"].items():
            assert row["rate_low"][name] <= rate + 1e-6
            assert rate <= row["rate_high"][name] + 1e-6


def test_an_index_of_another_checkpoint_is_refused(run: Run) -> None:
    run.usae_file.write_bytes(b"one checkpoint")
    index_run(run, direct(), batches(30))
    load_index(run)
    run.usae_file.write_bytes(b"another")
    with pytest.raises(RunError, match=r"another checkpoint(.|\n)*usae-viz index --run"):
        load_index(run)


def test_an_index_of_an_older_format_is_refused(run: Run) -> None:
    index_run(run, direct(), batches(30))
    table = json.loads(run.examples_file.read_text())
    run.examples_file.write_text(json.dumps({**table, "format": 1}))
    with pytest.raises(RunError, match=r"another format(.|\n)*index again"):
        load_index(run)


def test_the_table_is_flat(run: Run) -> None:
    index_run(run, direct(), batches(30))
    write_json(run.usae_config_file, {
        "format": 1, "dims": {"one": DIM, "two": DIM}, "concepts": DIM, "k": DIM, "tau": 0.1,
        "mode": "ours", "steps": 1, "seconds": 1.0,
    })  # fmt: skip
    name_concept(run, 1, name="only one")
    table = concept_table(run, dead=True)
    assert [row["id"] for row in table] == [0, 1, 2, 3, 4]
    assert {"rate.one", "rate_high.two", "shared_by", "x"} <= table[0].keys()
    assert all(not isinstance(value, dict | list) for row in table for value in row.values())
    assert table[1]["name"] == "only one"
