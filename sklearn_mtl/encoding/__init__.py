"""Reading ``X`` into arrays: numbers, category codes, and what is fitted on them.

The pieces, in the order in which ``fit`` uses them: :class:`ColumnReader` turns any table into
:class:`Columns`, :func:`merge_rows` makes equal rows one, :func:`active_columns` says which columns
vary, :class:`NumberScaling` and :func:`quantile_bins` prepare numbers for the network, :class:`BagTerms`
bags, :class:`StepScaling` sequences, :class:`VectorUnits` vectors of texts, :class:`FrequentTerms` bags for
the forest, and :class:`LinearDesign` prepares all columns for the linear view, :class:`DesignRows` without a
copy of all rows.
"""

from ._bags import BagTerms
from ._columns import MISSING, ColumnInfo, Columns, Sequences, Words, active_columns, entries_of
from ._continuation import Continuation, find_continuation
from ._frequent import FrequentTerms
from ._linear import DesignRows, LinearDesign
from ._reader import ColumnReader
from ._rows import MergedRows, merge_rows
from ._scaling import NumberScaling, quantile_bins
from ._steps import SequenceColumns, SequenceReader, StepScaling
from ._table import check_table
from ._text import MISSING_TEXT, TextColumns, TextTerms, to_texts
from ._vectors import NO_TEXT, TextEncoder, TextVectors, VectorUnits
from ._words import WordFeatures, string_columns

__all__ = [
    "MISSING",
    "MISSING_TEXT",
    "NO_TEXT",
    "BagTerms",
    "ColumnInfo",
    "ColumnReader",
    "Columns",
    "Continuation",
    "DesignRows",
    "FrequentTerms",
    "LinearDesign",
    "MergedRows",
    "NumberScaling",
    "SequenceColumns",
    "SequenceReader",
    "Sequences",
    "StepScaling",
    "TextColumns",
    "TextEncoder",
    "TextTerms",
    "TextVectors",
    "VectorUnits",
    "WordFeatures",
    "Words",
    "active_columns",
    "check_table",
    "entries_of",
    "find_continuation",
    "merge_rows",
    "quantile_bins",
    "string_columns",
    "to_texts",
]
