"""The tasks: what a system can be trained for.

Nothing here imports torch, so a configuration is validated and a workflow planned in a moment. A new task is
one module with a `Task` and its `Samples`, and one line in `TASKS`; the systems that can do it name it in
`img.models.registry`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from img.tasks.task import Task

TASKS: dict[str, str] = {
    "moment": "img.tasks.moment:MomentRetrieval",
}
"""By name, "module:class" of each."""


def find_task(name: str) -> Task:
    """Imports a task.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in TASKS:
        raise ValueError(f"task: expected one of {sorted(TASKS)}, found {name!r}")
    module, task = TASKS[name].split(":")
    found: Task = getattr(importlib.import_module(module), task)()
    return found


def module_of(name: str) -> str:
    """Names the module of a task."""
    return TASKS[name].partition(":")[0]
