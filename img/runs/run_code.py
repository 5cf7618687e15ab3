"""The code that decides a training run, as one fingerprint: an edit trains anew, a reformatting does not."""

from __future__ import annotations

from collections.abc import Iterable

from extractors.provenance.fingerprint import find_modules, fingerprint
from img.models.registry import SystemKind
from img.tasks.registry import module_of

_LOOP = "img.runs.training"
_WITHIN = (
    "img.models",
    "img.tasks",
    *(f"img.runs.{name}" for name in ("training", "optimisation", "prediction", "device")),
    *(
        f"img.data.{name}"
        for name in ("collation", "samples", "ragged", "noise", "subsets", "spans", "durations", "windows")
    ),
)
# A further system or task in a registry, or the form of a checkpoint, changes no run.
_WITHOUT = ("img.models.registry", "img.models.checkpoint", "img.tasks.registry")


def list_code(system: SystemKind, tasks: Iterable[str]) -> list[str]:
    """Lists the modules that decide what a run of a system becomes that is trained for some tasks."""
    homes = [system.build.partition(":")[0], *map(module_of, tasks)]
    return find_modules([*homes, _LOOP], [*_WITHIN, *homes], _WITHOUT)


def fingerprint_run(system: SystemKind, tasks: Iterable[str]) -> str:
    """Hashes the code that decides what a run of a system becomes that is trained for some tasks."""
    return fingerprint(list_code(system, tasks))
