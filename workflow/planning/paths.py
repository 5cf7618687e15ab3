"""Where results lie, and what they are called."""

from __future__ import annotations


def name_dataset_folder(dataset: str) -> str:
    """Names the folder of all that is made of a dataset."""
    return f"results/{dataset}"


def name_video_table(dataset: str) -> str:
    """Names the table of a dataset's videos."""
    return f"results/{dataset}/videos.tsv"


def name_queries(dataset: str) -> str:
    """Names the table of a dataset's queries."""
    return f"results/{dataset}/queries/queries.parquet"


def name_query_features(dataset: str) -> str:
    """Names the folder of a dataset's assembled query features."""
    return f"results/{dataset}/query_features"


def name_feature_folder(dataset: str, extractor: str) -> str:
    """Names the folder of the arrays that an extractor gives of a dataset's videos."""
    return f"results/{dataset}/features/{extractor}"


def name_manifest(dataset: str, extractor: str, shard: str) -> str:
    """Names the list of a shard's arrays."""
    return f"{name_feature_folder(dataset, extractor)}/shards/{shard}.tsv"


def name_loss_record(dataset: str, extractor: str, shard: str) -> str:
    """Names the note that arrays of a shard were lost."""
    return f"{name_feature_folder(dataset, extractor)}/shards/{shard}.lost"


def name_input_folder(dataset: str, streams: str) -> str:
    """Names the folder of inputs.

    Args:
        dataset: its name.
        streams: the extractors of its streams, see `img.config.streams.label_streams`.
    """
    return f"results/{dataset}/inputs/{streams}"


def name_run(dataset: str, variant: str, seed: int | str) -> str:
    """Names the folder of a run."""
    return f"results/{dataset}/runs/{variant}/seed{seed}"


def name_metrics(dataset: str) -> str:
    """Names the metrics of all of a dataset's runs."""
    return f"results/{dataset}/metrics.json"


def name_indexed_features(folder: str) -> dict[str, str]:
    """Names the two files of assembled features: the values, and where whose values are."""
    return {"features": f"{folder}/features.safetensors", "index": f"{folder}/index.json"}
