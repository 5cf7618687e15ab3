"""The code that decides a training run, as one fingerprint: an edit trains anew, a reformatting does not."""

from __future__ import annotations

from extractors.provenance.fingerprint import find_modules, fingerprint
from img.models.registry import SystemKind

_LOOP = "img.runs.training"
_WITHIN = (
    "img.models",
    "img.tasks",
    *(f"img.runs.{name}" for name in ("training", "optimisation", "prediction", "device")),
    *(
        f"img.data.{name}"
        for name in ("samples", "ragged", "noise", "subsets", "spans", "durations", "windows")
    ),
)
# A further system in the registry, or the form of a checkpoint, changes no run.
_WITHOUT = ("img.models.registry", "img.models.checkpoint")


def list_code(system: SystemKind) -> list[str]:
    """Lists the modules that decide what a run of a system becomes."""
    home = system.build.partition(":")[0]
    return find_modules([home, _LOOP], [*_WITHIN, home], _WITHOUT)


def fingerprint_run(system: SystemKind) -> str:
    """Hashes the code that decides what a run of a system becomes."""
    return fingerprint(list_code(system))
