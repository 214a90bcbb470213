"""Reading ``y`` into tasks: names, kinds, classes, masks and weights. Numpy and pandas, no torch."""

from ._columns import LabelColumn, LabelTable, check_known_tasks, match_columns, read_labels
from ._infer import infer_kind
from ._labels import check_comparable, class_labels, codes_of, real_numbers
from ._options import options_by_task
from ._read import CLASS_KINDS, NUMBER_KINDS, read_tasks
from ._smoothing import smoothing_of_each
from ._tags import UNLABELLED, TagColumn, Tags, TagTask, read_tag_cells, split_tags
from ._task_set import Kind, Targets, Task, TaskSet
from ._transform import NAMED_TRANSFORMS, LabelTransform, fit_transform
from ._weights import named_weights, row_weights, sample_weight_table, task_weights

__all__ = [
    "CLASS_KINDS",
    "NAMED_TRANSFORMS",
    "NUMBER_KINDS",
    "UNLABELLED",
    "Kind",
    "LabelColumn",
    "LabelTable",
    "LabelTransform",
    "TagColumn",
    "TagTask",
    "Tags",
    "Targets",
    "Task",
    "TaskSet",
    "check_comparable",
    "check_known_tasks",
    "class_labels",
    "codes_of",
    "fit_transform",
    "infer_kind",
    "match_columns",
    "named_weights",
    "options_by_task",
    "read_labels",
    "read_tag_cells",
    "read_tasks",
    "real_numbers",
    "row_weights",
    "sample_weight_table",
    "smoothing_of_each",
    "split_tags",
    "task_weights",
]
