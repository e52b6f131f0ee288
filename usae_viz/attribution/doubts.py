"""When a report warns of itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from usae_viz.attribution.classes import ClassAttribution
from usae_viz.attribution.report import Finding

WEAK_COMPLETENESS = 2e-2
"""Pixel attributions that miss their sum by more than this share are warned of."""
LARGE_ERROR = 0.5
"""From this share of all magnitude on, the SAE error row is warned of."""


def doubts(
    findings: Sequence[Finding],
    classes: Mapping[str, ClassAttribution | str],
    methods: Sequence[str],
) -> list[str]:
    """Return what should not be believed of a report, in words.

    Args:
        findings: the concepts.
        classes: per backbone the class attribution, or why there is none.
        methods: the pixel methods; other maps that were measured know nothing of the network.
    """
    found = [told for method in methods if (told := _incomplete(findings, method))]
    for finding in findings:
        for name, measured in finding.faithfulness.items():
            ignorant = {k: f.margin for k, f in measured.items() if k not in methods}
            best = max(ignorant, key=lambda k: ignorant[k])
            for method in methods:
                if measured[method].margin <= ignorant[best]:
                    found.append(
                        f"Concept {finding.concept} in {name}: the map of {method} tells no more "
                        f"about the network than {best}, which has not seen it."
                    )
    for name, one_class in classes.items():
        if isinstance(one_class, str):
            continue
        rows = {row.kind: row.value for row in one_class.rows if row.kind != "concept"}
        total = sum(abs(row.value) for row in one_class.rows if row.kind != "bias")
        if total > 0 and abs(rows["error"]) > LARGE_ERROR * total:
            found.append(
                f"{name}: more than half of {one_class.name} lies in what the USAE does not "
                "explain; the concepts' bars are the smaller part of it."
            )
        if math.isfinite(one_class.completeness) and one_class.completeness > 1e-2:
            found.append(
                f"{name}: the bars of {one_class.name} miss their sum by "
                f"{one_class.completeness:.1%}."
            )
    return found


def _incomplete(findings: Sequence[Finding], method: str) -> str | None:
    """Return one sentence for all maps of a method that miss their sum; None if none does."""
    missed = [
        f"concept {finding.concept} in {name} {one.completeness:.1%}"
        for finding in findings
        for name, maps in finding.pixels.items()
        if (one := maps.get(method)) is not None
        and one.completeness is not None
        and one.completeness > WEAK_COMPLETENESS
    ]
    if not missed:
        return None
    return (
        f"{method} misses its sum by more than {WEAK_COMPLETENESS:.0%} of the difference to the "
        f"baseline ({', '.join(missed)}): more steps bring it closer."
    )
