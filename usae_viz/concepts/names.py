"""Names of concepts: what a user wrote, else what dissection found; nothing is invented."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import tomli_w

from usae_viz.errors import ConceptError, RunError, did_you_mean
from usae_viz.run import Run, read_json, write_text
from usae_viz.sae.config import read_config

HEAD = """# Your names of this run's concepts, shown wherever they are: one table a concept.
#
#   [7]
#   name = "striped ground"
#   note = "also fires on zebras"

"""
_KEYS = ("name", "note")


class ConceptName(NamedTuple):
    """What a concept is called.

    Attributes:
        name: empty if there is only a note.
        source: ``user``; ``dissection`` where it was found by masks; ``evaluation`` where a concept
            tells whether one of the built-in world's labels holds of an image.
        note: the user's own words; may be empty.
    """

    name: str
    source: Literal["user", "dissection", "evaluation"]
    note: str = ""


def concept_names(run: Run) -> dict[int, ConceptName]:
    """Return the names of a run's concepts: the user's, else what dissection or evaluation found.

    Raises:
        RunError: the names file cannot be read, or holds an unknown key.
        ConceptError: it names a concept that does not exist.
    """
    found = _evaluated(run)
    if run.dissection_file is not None:
        entries = read_json(run.dissection_file)["concepts"]
        found |= {
            int(concept): ConceptName(entry["name"], "dissection")
            for concept, entry in entries.items()
            if entry["name"]
        }
    for concept, (name, note) in _read(run).items():
        own = found.get(concept)
        if not name and own is not None:
            found[concept] = own._replace(note=note)
        else:
            found[concept] = ConceptName(name, "user", note)
    return found


def name_concept(run: Run, concept: int, name: str | None = None, note: str | None = None) -> Path:
    """Write a user's name or note of a concept into the run's names file; returns its path.

    An empty text removes; None leaves what is there. Comments of the file are not kept, so edit
    the file itself where there are any.

    Raises:
        ConceptError: the concept does not exist.
        RunError: the names file cannot be read.
    """
    _check(run, [concept], "the name given")
    table = _read(run)
    before = table.get(concept, ("", ""))
    table[concept] = (before[0] if name is None else name, before[1] if note is None else note)
    kept = {
        str(k): {key: text for key, text in zip(_KEYS, texts, strict=True) if text}
        for k, texts in sorted(table.items())
        if any(texts)
    }
    write_text(run.names_file, HEAD + tomli_w.dumps(kept))
    return run.names_file


def _evaluated(run: Run) -> dict[int, ConceptName]:
    stored = run.find_evaluation()
    names: dict[int, list[str]] = {}
    try:
        labels = read_json(stored).get("world", {}).get("labels", {}) if stored else {}
        for label, found in labels.items():
            if found["recovered"]:
                names.setdefault(int(found["concept"]), []).append(label)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{stored} is damaged", got=str(error), hint="evaluate again") from error
    return {k: ConceptName(", ".join(found), "evaluation") for k, found in names.items()}


def _read(run: Run) -> dict[int, tuple[str, str]]:
    path = run.find_names()
    if path is None:
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise RunError(
            f"{path} cannot be read", expected='TOML: [7], then name = "…"', got=str(error)
        ) from None
    strange = [key for key in table if not key.isdigit()]
    if strange:
        raise ConceptError(
            f"{path} names concepts that are no numbers",
            expected="tables like [7]",
            got=", ".join(strange[:5]),
        )
    _check(run, [int(key) for key in table], str(path))
    return {int(key): _entry(path, key, entry) for key, entry in table.items()}


def _entry(path: Path, key: str, entry: Any) -> tuple[str, str]:
    if not isinstance(entry, Mapping) or not all(isinstance(v, str) for v in entry.values()):
        raise RunError(f"{path} cannot be read at [{key}]", expected='name = "…", note = "…"')
    for unknown in entry.keys() - set(_KEYS):
        raise RunError(
            f"{path} holds an unknown key at [{key}]",
            expected=", ".join(_KEYS),
            got=unknown,
            hint=did_you_mean(unknown, _KEYS),
        )
    return str(entry.get("name", "")), str(entry.get("note", ""))


def _check(run: Run, concepts: list[int], where: str) -> None:
    count = read_config(run).concepts
    wrong = [k for k in concepts if not 0 <= k < count]
    if wrong:
        raise ConceptError(
            f"{where} is of concepts that the run does not have",
            expected=f"0 to {count - 1}",
            got=", ".join(map(str, wrong[:5])),
            hint="correct the number, or remove the entry",
        )
