"""The verb attribute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    OutOption,
    RunOption,
    ThreadsOption,
    chosen_run,
    notes,
    print_json,
    progress_bar,
    use_threads,
    verb,
)


@verb
def attribute(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    run: RunOption = None,
    target: Annotated[
        str | None,
        typer.Option(help="The class, by number or name; default: what each network names."),
    ] = None,
    concept: Annotated[
        str | None, typer.Option("--concept", "--concepts", help="7 or 7,12; default: strongest.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", help="Pixel method; may be repeated, the first one leads."),
    ] = None,
    tokens: Annotated[str | None, typer.Option(help="active, mean or peak.")] = None,
    baseline: Annotated[str | None, typer.Option(help="black, blur or mean.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Concepts in the report.")] = None,
    attributed: Annotated[
        int | None, typer.Option(min=0, help="Of these, with pixel attributions.")
    ] = None,
    checked: Annotated[
        int | None, typer.Option(min=0, help="Of these, with faithfulness measured.")
    ] = None,
    backbone: Annotated[
        list[str] | None, typer.Option("--backbone", help="Only these; may be repeated.")
    ] = None,
    probe: Annotated[
        list[Path] | None, typer.Option("--probe", help="Linear probe (safetensors) as classes.")
    ] = None,
    embeddings: Annotated[
        Path | None, typer.Option(help="Vectors by class name (safetensors) as classes.")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="An image: the class is likeness to it.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Nodes of integrated gradients; default: 50.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is random.")] = None,
    out: OutOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Report on images: which concepts, from which pixels, for which class, and what to doubt."""
    opened = chosen_run(run)
    use_threads(threads)
    from usae_viz import workflow
    from usae_viz.concepts import parse_concepts

    with progress_bar() as progress:
        table = workflow.write_reports(
            opened,
            images,
            target=target,
            concepts=parse_concepts(concept) if concept else (),
            methods=method or (),
            backbones=backbone,
            probes=probe,
            embeddings=embeddings,
            reference=reference,
            out=out,
            device=device,
            progress=progress,
            tokens=tokens,
            baseline=baseline,
            count=count,
            attributed=attributed,
            checked=checked,
            steps=steps,
            seed=seed,
        )
    if as_json:
        print_json(table)
        return
    for entry in table["images"]:
        found = ", ".join(str(one["id"]) for one in entry["concepts"])
        print(f"{entry['image']}: concepts {found or 'none'}")
        for name, made in entry["classes"].items():
            if made["target"] is None:
                notes.print(f"  {name}: no class: {made['refused']}", markup=False)
            else:
                print(f"  {name}: {made['name']} (score {made['score']:.2f})")
        for warning in entry["warnings"]:
            notes.print(f"  doubt: {warning}", markup=False)
    print(f"page: {table['page']}")
