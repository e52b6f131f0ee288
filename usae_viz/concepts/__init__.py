"""What each concept does over a dataset: statistics, natural examples, labels.

Each name is loaded on first use: what a verb does not need, it does not wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from usae_viz.lazy import loader

if TYPE_CHECKING:
    from usae_viz.concepts.index import ConceptIndex as ConceptIndex
    from usae_viz.concepts.index import load_index as load_index
    from usae_viz.concepts.indexing import forget_examples as forget_examples
    from usae_viz.concepts.indexing import gather as gather
    from usae_viz.concepts.indexing import index_run as index_run
    from usae_viz.concepts.indexing import write_index as write_index
    from usae_viz.concepts.labels import LabelScorer as LabelScorer
    from usae_viz.concepts.labels import LabelScores as LabelScores
    from usae_viz.concepts.names import ConceptName as ConceptName
    from usae_viz.concepts.names import concept_names as concept_names
    from usae_viz.concepts.names import name_concept as name_concept
    from usae_viz.concepts.records import Example as Example
    from usae_viz.concepts.selection import concept_numbers as concept_numbers
    from usae_viz.concepts.selection import parse_concepts as parse_concepts
    from usae_viz.concepts.streaming import ConceptPass as ConceptPass
    from usae_viz.concepts.table import concept_rows as concept_rows
    from usae_viz.concepts.table import concept_table as concept_table
    from usae_viz.concepts.thumbnails import write_thumbnails as write_thumbnails

_HOMES = {
    "ConceptIndex": "index",
    "ConceptName": "names",
    "ConceptPass": "streaming",
    "Example": "records",
    "LabelScorer": "labels",
    "LabelScores": "labels",
    "concept_names": "names",
    "concept_numbers": "selection",
    "concept_rows": "table",
    "concept_table": "table",
    "forget_examples": "indexing",
    "gather": "indexing",
    "index_run": "indexing",
    "load_index": "index",
    "name_concept": "names",
    "parse_concepts": "selection",
    "write_index": "indexing",
    "write_thumbnails": "thumbnails",
}

__all__ = sorted(_HOMES)
__getattr__ = loader(__name__, _HOMES)
