"""Libraries that not everyone needs: imported where they are used, and named with how to install them."""

from __future__ import annotations

import importlib
import os
from types import ModuleType


def import_extra(module: str, extra: str) -> ModuleType:
    """Imports a library that an extra of pyproject.toml installs.

    Model hubs are switched off first: weights come from the files that settings name, and from nowhere else.

    Args:
        module: dotted name.
        extra: its name in `pip install '.[extra]'`.

    Raises:
        ModuleNotFoundError: the library is not installed; the message says how to install it.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        library = module.partition(".")[0]
        if error.name != library:
            raise
        raise ModuleNotFoundError(
            f"{library}: expected it to be installed, found it missing; run pip install '.[{extra}]'",
            name=library,
        ) from None
