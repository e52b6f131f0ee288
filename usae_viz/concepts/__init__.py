"""What each concept does over a dataset: statistics, natural examples, labels."""

from usae_viz.concepts.index import ConceptIndex, Example, load_index
from usae_viz.concepts.indexing import index_run, write_thumbnails
from usae_viz.concepts.labels import LabelScorer, LabelScores
from usae_viz.concepts.selection import parse_concepts
from usae_viz.concepts.table import concept_rows

__all__ = [
    "ConceptIndex",
    "Example",
    "LabelScorer",
    "LabelScores",
    "concept_rows",
    "index_run",
    "load_index",
    "parse_concepts",
    "write_thumbnails",
]
