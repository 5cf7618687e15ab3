"""Which libraries a result was made with: those that were loaded, and no others."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

_PYTHON = "python"
# What features and results depend on: the name it is imported by, and the name it is installed by.
_LIBRARIES = {
    "torch": "torch",
    "torchaudio": "torchaudio",
    "torchvision": "torchvision",
    "numpy": "numpy",
    "av": "av",
    "decord": "decord",
    "pytorchvideo": "pytorchvideo",
    "panns_inference": "panns-inference",
    "torchvggish": "torchvggish",
    "soxr": "soxr",
    "gensim": "gensim",
    "nltk": "nltk",
    "transformers": "transformers",
    "tokenizers": "tokenizers",
}


def library_versions(*elsewhere: str) -> dict[str, str]:
    """Gives the versions of Python and of the libraries that a result was made with.

    Args:
        elsewhere: names of libraries that another process loaded for the same result, as one imports them.

    Returns:
        Version by the name of installation; a library that is not installed is left out.
    """
    used = [name for module, name in _LIBRARIES.items() if module in sys.modules or module in elsewhere]
    found = {name: _installed(name) for name in (_PYTHON, *used)}
    # None where a library is present as a folder alone: nobody recorded its version.
    return {name: known for name, known in found.items() if known is not None}


def differing_libraries(recorded: Mapping[str, str]) -> dict[str, str]:
    """Picks the libraries of which another version, or none, is installed today.

    Args:
        recorded: what `library_versions` gave when a result was made.

    Returns:
        The recorded version by the name of installation, in alphabetical order.
    """
    return {name: recorded[name] for name in sorted(recorded) if _installed(name) != recorded[name]}


@cache
def _installed(name: str) -> str | None:
    if name == _PYTHON:
        return platform.python_version()
    try:
        return version(name)
    except PackageNotFoundError:
        return None
