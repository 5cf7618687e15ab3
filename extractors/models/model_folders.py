"""Models kept as a folder, as transformers saves them: read from disk alone, and complete or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from extractors.models.extras import import_extra
from extractors.storage.files import sha256_of_path

CONFIG = "config.json"
"""What every such folder holds."""

_LISTED = 5


def load_model(class_name: str, folder: Path, extra: str, sha256: str | None = None, **options: Any) -> Any:
    """Loads a model of transformers from a folder, in float32 and for evaluation.

    Args:
        class_name: of the model's class in transformers.
        folder: holds `config.json` and the weights. No code in it is run.
        extra: of pyproject.toml, which installs transformers.
        sha256: what the folder must hash to, see `sha256_of_path`.
        options: of the class's `from_pretrained`.

    Raises:
        FileNotFoundError: there is no such folder, or no model in it.
        ModuleNotFoundError: transformers is not installed.
        ValueError: its hash differs, its weights cannot be read, do not fit, or are not finite.
    """
    import torch

    check_folder(folder, sha256)
    model_class = getattr(import_extra("transformers", extra), class_name)
    try:
        model, loading = model_class.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, dtype=torch.float32, **options
        )
    except Exception as error:
        # A damaged file may fail in any way while it is read.
        raise ValueError(f"{folder}: expected a {class_name}, found what does not load: {error}") from error
    faults = [f"missing {name}" for name in sorted(loading["missing_keys"])]
    faults += [f"misshapen {name}" for name in sorted(map(str, loading["mismatched_keys"]))]
    faults += [f"not finite {name}" for name, tensor in model.state_dict().items() if not _is_finite(tensor)]
    if faults:
        shown = "; ".join(faults[:_LISTED])
        raise ValueError(
            f"{folder}: expected the weights of a {class_name}, found {len(faults)} faults: {shown}"
        )
    return model.eval().requires_grad_(False)


def load_processor(class_name: str, folder: Path, extra: str, **options: Any) -> Any:
    """Loads what prepares a model's inputs, a tokeniser or a front end, from the model's folder.

    Raises:
        FileNotFoundError: there is no such folder, or no model in it.
        ModuleNotFoundError: transformers is not installed.
        ValueError: the folder lacks its files, or they cannot be read.
    """
    check_folder(folder)
    processor_class = getattr(import_extra("transformers", extra), class_name)
    try:
        return processor_class.from_pretrained(folder, local_files_only=True, **options)
    except Exception as error:
        raise ValueError(
            f"{folder}: expected the files of a {class_name}, found none that load: {error}"
        ) from error


def check_folder(folder: Path, sha256: str | None = None) -> None:
    """Makes sure that there is a folder with a model.

    Raises:
        FileNotFoundError: there is none.
        ValueError: its hash is another than expected.
    """
    if not (folder / CONFIG).is_file():
        raise FileNotFoundError(
            f"{folder}: expected a folder with a model as transformers saves it ({CONFIG} and weights), "
            "found none; set `weights` to its path"
        )
    if sha256 is not None and (found := sha256_of_path(folder)) != sha256:
        raise ValueError(f"{folder}: expected SHA-256 {sha256}, found {found}; fetch the folder again")


def _is_finite(tensor: Any) -> bool:
    return not tensor.is_floating_point() or bool(tensor.isfinite().all())
