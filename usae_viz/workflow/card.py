"""The model card of a run: what a reader of its page on the hub has to know."""

from __future__ import annotations

from typing import Any

from huggingface_hub import ModelCardData

from usae_viz.recipe import BackboneSpec
from usae_viz.run import BackboneRecord, Run, read_json

PAPER = "2502.03714"


def card(run: Run, repository: str, *, licence: str | None = None) -> str:
    """Return a model card in Markdown, with the hub's metadata before it.

    Every figure is read from the run's ``evaluation.json``, ``usae.json`` and ``run.json``.

    Args:
        run: as it is shared, without places on a disk.
        repository: ``hf://owner/name``, for the commands that load it.
        licence: of the weights, as the hub writes it; None: not stated.
    """
    models = [_hub_name(record.spec) for record in run.info.backbones]
    data = ModelCardData(
        license=licence,
        library_name="usae-viz",
        tags=["sparse-autoencoder", "interpretability", "vision", f"arxiv:{PAPER}"],
        base_model=[model for model in models if model] or None,
    )
    parts = [
        f"---\n{data.to_yaml(line_break=chr(10))}\n---",
        f"# {run.info.name}: a universal sparse autoencoder",
        _summary(run),
        "## Load it",
        _loading(run, repository),
        "## Backbones",
        _backbones(run),
        "## Data",
        _data(run),
        "## Training",
        _training(run),
        "## Figures",
        _figures(run),
        "## Licence",
        f"The weights of this run: {licence or 'not stated'}. Those of the backbones are not part "
        "of it; their licences stand in the table above, as timm gives them. " + _photographs(run),
        "## Method",
        "Thasarathan et al., *Universal Sparse Autoencoders: Interpretable Cross-Model Concept "
        f"Alignment*, arXiv [{PAPER}](https://arxiv.org/abs/{PAPER}). Made with "
        f"{run.info.created_by}; the training's mode is `{run.recipe().usae.mode}`"
        + (" and differs from the paper's." if run.recipe().usae.mode != "paper" else "."),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(run: Run) -> str:
    usae = run.recipe().usae
    return (
        f"One sparse code of {usae.concepts} concepts, {usae.k} a token, reads any of "
        f"{len(run.names)} vision backbones ({', '.join(run.names)}) and reconstructs all of them."
    )


def _loading(run: Run, repository: str) -> str:
    name = repository.removeprefix("hf://")
    return (
        f"```\npip install usae-viz\nusae-viz concepts --run {repository}\n"
        f"usae-viz pull {name} --out runs/{run.info.name}      # to keep it\n```\n\n"
        f'```python\nimport usae_viz as uv\n\nrun = uv.open_run("{repository}")\n'
        "usae = uv.load_usae(run)\nuv.maximize(run, [0])\n```"
    )


def _backbones(run: Run) -> str:
    rows = ["| name | network | layer | channels | tokens | input | licence | weights, sha256 |"]
    rows.append("|" + "---|" * 8)
    rows += [_backbone(record) for record in run.info.backbones]
    return "\n".join(rows)


def _backbone(record: BackboneRecord) -> str:
    spec = record.spec
    weights = f"`{record.weights_sha256[:12]}`" if record.weights_sha256 else "not recorded"
    cells = (
        spec.name,
        f"`{spec.model}`",
        f"`{spec.layer}`",
        str(record.dim),
        f"{record.grid} × {record.grid}",
        f"{record.input_size} px",
        _licence(spec),
        weights,
    )
    return f"| {' | '.join(cells)} |"


def _licence(spec: BackboneSpec) -> str:
    library, _, model = spec.model.partition(":")
    if library != "timm" or ":" in model:
        return "see its source"
    import timm

    found = timm.models.get_pretrained_cfg(model)
    if spec.weights is not None or found is None:
        return "own weights" if spec.weights else "not stated"
    return str(found.license or "not stated")


def _hub_name(spec: BackboneSpec) -> str | None:
    library, _, model = spec.model.partition(":")
    if model.startswith("hf-hub:"):
        return model.removeprefix("hf-hub:")
    # Only names with a tag are those of a repository under timm's account.
    return f"timm/{model}" if library == "timm" and "." in model and not spec.weights else None


def _data(run: Run) -> str:
    recipe, images = run.recipe(), run.info.images
    kind, _, where = recipe.images.source.partition(":")
    source = f"`{recipe.images.source}`" if where else f"a private `{kind}`"
    seen = (
        f", {images.count} images, sha256 over their ids `{images.sha256[:12]}`" if images else ""
    )
    lines = [
        f"- source: {source}{seen}; {recipe.images.validation:.0%} held out by content hash",
        f"- canvas: {recipe.images.canvas} × {recipe.images.canvas} pixels, `{recipe.images.crop}`"
        f", the same for every backbone; tokens on a common grid of {recipe.activations.grid} × "
        f"{recipe.activations.grid}, stored as {recipe.activations.dtype}",
    ]
    return "\n".join(lines)


def _training(run: Run) -> str:
    recipe = run.recipe()
    usae = read_json(run.usae_config_file)
    variant = "" if recipe.usae.variant == "topk" else f", variant `{recipe.usae.variant}`"
    seconds = usae.get("seconds")
    return (
        f"{usae.get('steps', recipe.training.steps)} steps of {recipe.training.batch_tokens} tokens"
        + (f" in {float(seconds):.0f} s" if seconds else "")
        + f", mode `{recipe.usae.mode}`{variant}, seed {recipe.seed}. `recipe.toml` has every "
        "setting, `training.jsonl` every logged step."
    )


def _figures(run: Run) -> str:
    stored = run.find_evaluation()
    if stored is None:
        return "Not measured: `usae-viz evaluate --run RUN` does, on images of yours."
    table: dict[str, Any] = read_json(stored)
    names = table["backbones"]
    rows = [
        f"On {table['images']} held-out images ({table['tokens']} tokens). R² per channel, rows "
        "encoded from, columns decoded to:",
        "\n".join(
            [
                f"| | {' | '.join(names)} |",
                "|" + "---|" * (len(names) + 1),
                *(
                    f"| {name} | {' | '.join(f'{value:.3f}' for value in row)} |"
                    for name, row in zip(names, table["r2"]["channel"], strict=True)
                ),
            ]
        ),
    ]
    living = table["concepts"] - table["dead"]
    share = table["cofire"]["proportion"]
    rows.append(
        f"- {table['dead']} of {table['concepts']} concepts are dead; of the {living} others "
        f"{table['entropy']['above_0.9']} have a firing entropy above 0.9\n"
        "- co-fire (share of a concept's tokens in which it fires in all backbones): "
        + ", ".join(f"{name} {value:.3f}" for name, value in share.items())
        + (
            "\n- correlation of codes: "
            + ", ".join(
                f"{pair.replace('|', '–')} {value:.3f}"
                for pair, value in table["correlation"].items()
            )
            if table.get("correlation")
            else ""
        )
    )
    return "\n\n".join(rows)


def _photographs(run: Run) -> str:
    if run.recipe().images.source.startswith("world:"):
        return "The images are drawn by a program and have none."
    return "The images that it was trained on are not part of it."
