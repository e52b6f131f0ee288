"""The Typer application; the module of a verb is imported when the verb is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from usae_viz import __version__
from usae_viz.cli import HELP, VERBS, main_help

SETTINGS: dict[str, Any] = {
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class Verbs(TyperGroup):
    """The verbs of `VERBS`, each loaded by its name.

    Contexts are `click`'s, of which Typer has a copy of its own since 0.20: hence no types.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help, as an error, where no verb is given."""
        if not args and not ctx.resilient_parsing:
            print(main_help())
            raise typer.Exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the verb; of a misspelt one the error says what is close."""
        self.commands.update(dict.fromkeys(VERBS))  # type: ignore[arg-type]
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all verbs."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load a verb; None if there is none of this name."""
        del ctx
        if cmd_name not in VERBS:
            return None
        name = cmd_name.replace("-", "_")
        module = import_module(f"usae_viz.cli.{name}")
        made = getattr(module, "app", None)
        if made is None:
            made = typer.Typer(add_completion=False, **SETTINGS)
            made.command(cmd_name)(getattr(module, name))
        command = get_command(made)
        command.name = cmd_name
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help that `main` prints without loading anything."""
        del ctx
        formatter.write(main_help())


app = typer.Typer(name="usae-viz", help=HELP, cls=Verbs, **SETTINGS)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"usae-viz {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version
