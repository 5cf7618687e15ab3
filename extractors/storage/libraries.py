"""Which libraries a result was made with: those that were loaded, and no others."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

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
}


def library_versions(*elsewhere: str) -> dict[str, str]:
    """Gives the versions of Python and of the libraries that a result was made with.

    Args:
        elsewhere: names of libraries that another process loaded for the same result, as one imports them.

    Returns:
        Version by the name of installation; a library that is not installed is left out.
    """
    versions = {"python": platform.python_version()}
    for module, name in _LIBRARIES.items():
        if module in sys.modules or module in elsewhere:
            try:
                versions[name] = version(name)
            except PackageNotFoundError:
                # Present as a folder alone: nobody recorded its version.
                continue
    return versions
