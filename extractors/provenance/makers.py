"""What arrays were made by, a kind's code and the libraries, held against today's.

Neither is part of an array's key: features cost days, and most edits of the code change none of them. The
kind's `code_version`, raised by hand, is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from extractors.kind import Kind
from extractors.provenance.fingerprint import find_modules, fingerprint
from extractors.storage.libraries import differing_libraries

# Turn what any reader and network give into an array or texts, and import the decoding processes.
_RESULTS = {"rows": "extractors.media.batching", "texts": "extractors.media.writing"}
_WITHIN = (
    "extractors.kinds",
    "extractors.media",
    "extractors.models.model_folders",
    "extractors.storage.texts",
    "extractors.models.network",
    "extractors.storage.pickles",
    "extractors.models.weights",
)
# How a process ends changes no array.
_WITHOUT = ("extractors.media.parent_death",)


def list_code(kind: Kind) -> list[str]:
    """Lists the modules that decide what an extractor's arrays become: reading, network and weights.

    Not that of its parameters, whose values are in every description.
    """
    homes = [name.partition(":")[0] for name in (kind.network, kind.reader)]
    parameters = kind.parameters.__module__
    return find_modules([*homes, _RESULTS[kind.gives]], [*_WITHIN, *homes], [*_WITHOUT, parameters])


def fingerprint_kind(kind: Kind) -> str:
    """Hashes the code that decides what an extractor's arrays become."""
    return fingerprint(list_code(kind))


def find_differences(made: Mapping[str, Any], code: str) -> list[str]:
    """Compares what an array was made by with what would make it today.

    Args:
        made: the array's description.
        code: today's fingerprint of its kind.

    Returns:
        A few words for each difference; none where there is none.
    """
    libraries = differing_libraries(made.get("libraries", {}))
    differing = [f"{name} {version}" for name, version in libraries.items()]
    if "code" not in made:
        return ["code that was not recorded", *differing]
    return differing if made["code"] == code else ["other code", *differing]
