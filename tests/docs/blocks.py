"""The code blocks of the documents, and how a command in one is checked without running it."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from typer.main import get_command

from usae_viz.cli import app
from usae_viz.cli.sweeps import sweep_points
from usae_viz.recipe import load_recipe, parse_recipe

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<kind>[a-z]*)\n(?P<text>.*?)^```$", re.S | re.M
)
ELSEWHERE = {".", "cd", "git", "hf", "sbatch", "tensorboard"}
"""Programs that are not ours."""
MARK = re.compile(r"(not run|not a recipe): (?P<reason>.{8,})")
FILE = re.compile(r"file: (?P<name>[a-z.]+)")
COMMAND = re.compile(r"(\./scripts/|usae-viz|torchrun|python |pip |docker |sbatch |srun |hf )")
BASE = """
name = "base"
[images]
source = "world:images=40"
[[backbones]]
name = "a"
model = "timm:vit_tiny_patch16_224"
[activations]
grid = 4
[usae]
concepts = 16
k = 2
[training]
steps = 10
"""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        document: where it stands.
        line: of its first line of code.
        kind: ``python``, ``toml``, ``bash`` (a script), ``commands`` or ``text``.
        text: the code.
        reason: why it is not run; None: it is.
        file: what the reader is told to save it as.
    """

    document: Path
    line: int
    kind: str
    text: str
    reason: str | None
    file: str | None = None

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command, without what is set before it in the environment."""
        joined = self.text.replace("\\\n", " ")
        lines = [shlex.split(line, comments=True) for line in joined.splitlines()]
        return [_without_environment(words) for words in lines if words]


def blocks(document: Path) -> list[Block]:
    """Return the blocks of a document, in order."""
    text = document.read_text("utf-8")
    return [_block(document, text, found) for found in FENCE.finditer(text)]


def _block(document: Path, text: str, found: re.Match[str]) -> Block:
    kind, code = found["kind"], found["text"]
    if not kind:
        kind = "commands" if COMMAND.match(code) or "usae-viz " in code else "text"
    mark, file = (form.fullmatch(found["mark"] or "") for form in (MARK, FILE))
    line = text[: found.start("text")].count("\n") + 1
    reason = mark["reason"] if mark else None
    return Block(document, line, kind, code, reason, file["name"] if file else None)


def _without_environment(words: list[str]) -> list[str]:
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return words


def check(block: Block, folder: Path) -> None:
    """Check what can be without running it: names, options, keys, syntax.

    Args:
        block: what.
        folder: where the files lie that its commands name.
    """
    if block.kind == "python":
        compile(block.text, str(block), "exec")
    elif block.kind == "toml":
        table = tomllib.loads(block.text)
        if block.reason is None:
            parse_recipe({**tomllib.loads(BASE), **table}, origin=str(block))
    elif block.kind == "bash":
        subprocess.run(["bash", "-n", "-c", block.text], check=True)
        for words in block.commands:
            if "usae-viz" in words or "usae_viz" in words:
                check_command(words, folder)
    elif block.kind == "commands":
        for words in block.commands:
            check_command(words, folder)
    else:
        assert block.kind in ("text", "html"), f"{block}: blocks are python, toml, bash or commands"


def check_command(words: list[str], folder: Path) -> None:
    """Check one command: that its program, script, verb and options exist."""
    if words[0] in ELSEWHERE:
        return
    if "usae_viz" in words:
        words = ["usae-viz", *words[words.index("usae_viz") + 1 :]]
    elif "usae-viz" in words:
        words = words[words.index("usae-viz") :]
    program = words[0]
    if program == "usae-viz":
        parse_verb(words[1:])
        check_recipe(words[1:], folder)
    elif program == "python":
        check_script(words[1:])
    elif program.startswith("./"):
        assert (ROOT / program).is_file(), program
    elif program == "pip":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        for extra in re.findall(r"usae-viz\[(.*?)\]", " ".join(words)):
            assert set(extra.split(",")) <= set(extras["optional-dependencies"]), extra
    else:
        raise AssertionError(f"what is {program}?")


def parse_verb(words: list[str]) -> None:
    """Let the command line parse its arguments, and go no further."""
    if words in (["--version"], ["--help"]):
        return
    command: Any = get_command(app)
    context = command.make_context("usae-viz", list(words))
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(
            context, [*getattr(context, "_protected_args", []), *context.args]
        )
        context = command.make_context(name, rest, parent=context)


def check_recipe(words: list[str], folder: Path) -> None:
    """Validate the recipe of ``train`` and ``extract`` with what ``--set`` makes of it."""
    if words[:1] not in (["train"], ["extract"]) or not (folder / words[1]).is_file():
        return
    sets = [value for flag, value in pairwise(words) if flag == "--set"]
    for overrides in sweep_points(sets).values():
        load_recipe(folder / words[1], overrides)


def check_script(words: list[str]) -> None:
    """Check that a script is there and has every option that it is given."""
    path = ROOT / words[0]
    path = path / "__main__.py" if path.is_dir() else path
    assert path.is_file(), f"there is no {words[0]}"
    text = path.read_text("utf-8")
    for word in words[1:]:
        if word.startswith("--") and word != "--json":
            assert f'"{word.partition("=")[0]}"' in text, f"{words[0]} has no {word}"


def all_blocks() -> Iterator[Block]:
    """Yield the blocks of all documents."""
    for document in DOCUMENTS:
        yield from blocks(document)
