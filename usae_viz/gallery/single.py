"""Some concepts in one file, for mail and for archives: pictures, scripts and styles are inside."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from usae_viz.concepts import ConceptName, load_index
from usae_viz.errors import UsageError
from usae_viz.gallery.concept import concept_script, concept_view
from usae_viz.gallery.environment import assets, page_environment
from usae_viz.run import Run, write_bytes

SCRIPTS = ("heat.js", "toolbar.js", "concept.js", "colours.js")
STYLES = ("base.css", "tables.css", "page.css", "concept.css", "natural.css")
_SOURCE = re.compile(r'src="([a-z][^":]*)"')


def build_single(
    run: Run,
    out: Path,
    concepts: Sequence[int],
    names: Mapping[int, ConceptName] | None = None,
    *,
    max_megabytes: float = 25,
) -> Path:
    """Write one HTML file with everything that the pages of some concepts show.

    The pages must have been built (`build_site`); their pictures are taken from there. The file's
    policy admits its own script and style by their hashes, and nothing from outside.

    Args:
        run: an indexed run.
        out: the folder that holds ``gallery/``.
        concepts: which, in order.
        names: of concepts, where they have one.
        max_megabytes: a larger file is refused.

    Returns:
        ``out/gallery/concepts-K-….html``.

    Raises:
        UsageError: the file would be too large.
        ConceptError, RunError: as for `build_site`.
    """
    index = load_index(run)
    folder = out / run.gallery_dir.name
    views = [concept_view(run, index, k, out, (names or {}).get(k)) for k in concepts]
    found = assets()
    style = "\n".join(found[name].decode() for name in STYLES)
    parts = [found[name].decode() for name in SCRIPTS] + [
        concept_script(index, view) for view in views
    ]
    # Inside a page, the end of a script must not come out of its data.
    script = "\n".join(parts).replace("</", "<\\/")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    template = page_environment().get_template("single.html.jinja")
    text = template.render(
        run=run,
        index=index,
        views=views,
        policy=policy,
        root="",
        modes=[],
        sheet=False,
        style=Markup(style),
        script=Markup(script),
    )
    text = _SOURCE.sub(lambda match: f'src="{_inline(folder, match[1], found)}"', text)
    data = text.encode()
    if len(data) > 1e6 * max_megabytes:
        raise UsageError(
            "the file would be too large",
            expected=f"at most {max_megabytes:g} MB",
            got=f"{len(data) / 1e6:.1f} MB for {len(views)} concepts",
            hint="choose fewer concepts, or raise the limit",
        )
    few = "-".join(map(str, concepts[:6])) + ("-more" if len(concepts) > 6 else "")
    target = folder / f"concepts-{few}.html"
    write_bytes(target, data)
    return target


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _inline(folder: Path, name: str, found: Mapping[str, bytes]) -> str:
    kind = mimetypes.guess_type(name)[0] or "image/webp"
    data = found.get(name.removeprefix("assets/")) or (folder / name).read_bytes()
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
