"""Benchmarks of attributions for any model of crystals, which need no data and none of xcrystal's networks.

``task_scores`` asks a model that was trained on a task with a known answer; ``attribution_checks`` asks any model. Both
take functions of pymatgen Structures, and give reports as JSON and Markdown.
"""

from xcrystal.benchmarks.attribution_checks import AttributionChecks, check_attributions
from xcrystal.benchmarks.task_scores import AttributionScores, score_attributions, targets
from xcrystal.benchmarks.task_table import TaskTable, score_tasks
from xcrystal.benchmarks.toy_crystals import VERSION, Example, examples

__all__ = [
    "VERSION",
    "AttributionChecks",
    "AttributionScores",
    "Example",
    "TaskTable",
    "check_attributions",
    "examples",
    "score_attributions",
    "score_tasks",
    "targets",
]
