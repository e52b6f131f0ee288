from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sae.test_training import new_run, recipe
from usae_viz.concepts import concept_names, name_concept
from usae_viz.errors import ConceptError, RunError
from usae_viz.run import Run, write_json


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = new_run(tmp_path / "run", recipe())
    config = {
        "format": 1, "dims": {"one": 4}, "concepts": 12, "k": 2, "tau": 0.1, "mode": "ours",
        "steps": 1, "seconds": 1.0,
    }  # fmt: skip
    write_json(made.usae_config_file, config)
    return made


def dissected(run: Run, names: dict[int, str | None]) -> None:
    table = {"concepts": {str(k): {"name": name} for k, name in names.items()}}
    write_json(run.path / run.DISSECTION, table)


def test_nothing_is_invented(run: Run) -> None:
    assert concept_names(run) == {}


def test_a_users_name_comes_before_what_dissection_found(run: Run) -> None:
    dissected(run, {3: "dots", 4: None, 5: "red"})
    assert {k: n.name for k, n in concept_names(run).items()} == {3: "dots", 5: "red"}
    name_concept(run, 3, name="polka dots", note="shirts too")
    name_concept(run, 5, note="a warm one")
    found = concept_names(run)
    assert found[3] == ("polka dots", "user", "shirts too")
    assert found[5] == ("red", "dissection", "a warm one")
    name_concept(run, 3, name="", note="")
    assert concept_names(run)[3].name == "dots"


def test_the_file_is_plain_and_may_be_written_by_hand(run: Run) -> None:
    run.names_file.write_text('# mine\n[11]\nname = "last"\n')
    assert concept_names(run)[11].name == "last"
    name_concept(run, 0, name='a "quoted" one')
    assert concept_names(run)[0].name == 'a "quoted" one'
    assert concept_names(run)[11].name == "last"


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ('[12]\nname = "x"', ConceptError, r"does not have(.|\n)*0 to 11(.|\n)*12"),
        ('[seven]\nname = "x"', ConceptError, r"no numbers(.|\n)*seven"),
        ('[7]\nnmae = "x"', RunError, r"unknown key(.|\n)*did you mean 'name'"),
        ("[7]\nname = 3", RunError, r"cannot be read at \[7\]"),
        ("[7\n", RunError, "cannot be read"),
    ],
)
def test_a_names_file_with_errors(run: Run, text: str, error: type[Exception], said: str) -> None:
    run.names_file.write_text(text)
    with pytest.raises(error, match=said):
        concept_names(run)


def test_naming_a_concept_that_does_not_exist(run: Run) -> None:
    with pytest.raises(ConceptError, match="0 to 11"):
        name_concept(run, 12, name="x")
    assert not run.names_file.exists()


def test_names_of_a_labelled_worlds_evaluation(run: Run) -> None:
    labels = {"dots": {"recovered": True, "concept": 2}, "red": {"recovered": False, "concept": 3}}
    run.evaluation_file.write_text(json.dumps({"world": {"labels": labels}}))
    assert concept_names(run) == {2: ("dots", "evaluation", "")}
