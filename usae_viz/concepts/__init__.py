"""What each concept does over a dataset: statistics, natural examples, labels."""

from usae_viz.concepts.examples import Example
from usae_viz.concepts.index import ConceptIndex, load_index
from usae_viz.concepts.indexing import forget_examples, gather, index_run, write_index
from usae_viz.concepts.labels import LabelScorer, LabelScores
from usae_viz.concepts.names import ConceptName, concept_names, name_concept
from usae_viz.concepts.selection import parse_concepts
from usae_viz.concepts.streaming import ConceptPass
from usae_viz.concepts.table import concept_rows, concept_table
from usae_viz.concepts.thumbnails import write_thumbnails

__all__ = [
    "ConceptIndex",
    "ConceptName",
    "ConceptPass",
    "Example",
    "LabelScorer",
    "LabelScores",
    "concept_names",
    "concept_rows",
    "concept_table",
    "forget_examples",
    "gather",
    "index_run",
    "load_index",
    "name_concept",
    "parse_concepts",
    "write_index",
    "write_thumbnails",
]
