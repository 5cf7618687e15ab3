"""Queries: where their words' vectors and their features come from, and where these are assembled."""

from __future__ import annotations

import functools
import os
import shlex
from pathlib import Path

from extractors.importing.arrays import SUFFIXES
from extractors.storage.files import list_content
from img.config.base import to_json
from img.config.dataset import TRAIN
from img.config.query_encoder import QueryEncoder
from planning.paths import name_indexed_features, name_query_features
from planning.project import Project
from planning.resources import PUBLISHED, require


def write_options(project: Project, dataset: str) -> str:
    """Writes how a dataset's sentences become words, as JSON."""
    return to_json(project.datasets[dataset].queries)


def list_vocabulary_splits(project: Project, dataset: str) -> list[str]:
    """Lists the splits whose words make the vocabulary: those that a run reads while it is trained."""
    return [TRAIN, *project.datasets[dataset].selection_splits]


def count_words(project: Project, dataset: str) -> int:
    """Gives how many words of a query are kept."""
    return project.datasets[dataset].queries.max_words


def find_array_folder(project: Project, dataset: str) -> Path | None:
    """Finds the folder or pickle of a dataset's given query features, where it names one."""
    return project.datasets[dataset].queries.features


def list_arrays(project: Project, dataset: str) -> list[str]:
    """Lists the files of a dataset's given query features, or the pickle that holds them.

    Raises:
        ValueError: where the dataset names none.
        Refusal: where nothing is there.
    """
    source = f"config/datasets/{dataset}.yaml: queries.features"
    path = find_array_folder(project, dataset)
    if path is None:
        raise ValueError(f"{source}: expected a folder, found nothing")
    require(project, path, source, PUBLISHED)
    return [str(path)] if path.is_file() else _list_files(path)


@functools.cache
def _list_files(folder: Path) -> list[str]:
    paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    return [str(path) for path in paths if os.access(path, os.R_OK)]


def find_features(project: Project, dataset: str) -> dict[str, str]:
    """Finds the assembled query features, where a dataset's queries are given as such."""
    if not project.datasets[dataset].queries.are_features:
        return {}
    files = name_indexed_features(name_query_features(dataset))
    return {"query_features": files["features"], "query_index": files["index"]}


def write_features_option(project: Project, dataset: str) -> str:
    """Writes the option that names the folder of assembled query features, where there is one."""
    if not project.datasets[dataset].queries.are_features:
        return ""
    return f"--query-features {shlex.quote(name_query_features(dataset))}"


def list_encoded_datasets(project: Project) -> list[str]:
    """Lists the datasets whose query features a text encoder makes."""
    return [name for name, dataset in project.datasets.items() if dataset.queries.encoder is not None]


def list_encoder_files(project: Project, dataset: str) -> list[Path]:
    """Lists the files of the text encoder of a dataset's queries.

    Raises:
        Refusal: where its folder is missing.
    """
    encoder = _find_encoder(project, dataset)
    source = f"config/datasets/{dataset}.yaml: queries.encoder.weights"
    return list_content(require(project, encoder.weights, source))


def write_encoder(project: Project, dataset: str) -> str:
    """Writes the text encoder of a dataset's queries, as JSON."""
    return to_json(_find_encoder(project, dataset))


def _find_encoder(project: Project, dataset: str) -> QueryEncoder:
    encoder = project.datasets[dataset].queries.encoder
    if encoder is None:
        raise ValueError(f"config/datasets/{dataset}.yaml: queries.encoder: expected one, found none")
    return encoder


def list_embedding_files(project: Project, dataset: str) -> list[Path]:
    """Lists the file of a dataset's word vectors, where they are neither packaged nor drawn at random.

    Raises:
        Refusal: where it is missing.
    """
    embedding = project.datasets[dataset].queries.embedding
    if not isinstance(embedding, Path):
        return []
    return [require(project, embedding, f"config/datasets/{dataset}.yaml: queries.embedding")]
