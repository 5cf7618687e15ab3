# Queries, their words and features, and assembled inputs.


def get_query_options(wildcards):
    return to_json(DATASETS[wildcards.dataset].queries)


def get_query_array_folder(wildcards):
    return DATASETS[wildcards.dataset].queries.features


def get_query_arrays(wildcards):
    """The files of a dataset's given query features, or the pickle that holds them."""
    place = get_query_array_folder(wildcards)
    if place is None:
        raise WorkflowError(
            f"config/datasets/{wildcards.dataset}.yaml: queries.features: expected a folder, found nothing"
        )
    require(place, wildcards.dataset, "queries.features", PUBLISHED)
    return [place] if place.is_file() else list_files(place)


@functools.cache
def list_files(folder):
    paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    return [str(path) for path in paths if os.access(path, os.R_OK)]


def get_max_words(wildcards):
    return DATASETS[wildcards.dataset].queries.max_words


def get_query_features(wildcards):
    """The assembled query features, where a dataset's queries are given as such."""
    if DATASETS[wildcards.dataset].queries.features is None:
        return {}
    folder = QUERY_FEATURES.format(dataset=wildcards.dataset)
    return {
        "query_features": f"{folder}/features.safetensors",
        "query_index": f"{folder}/index.json",
    }


def get_query_features_option(wildcards):
    if DATASETS[wildcards.dataset].queries.features is None:
        return ""
    folder = QUERY_FEATURES.format(dataset=wildcards.dataset)
    return f"--query-features {shlex.quote(folder)}"


def get_embedding_file(wildcards):
    embedding = DATASETS[wildcards.dataset].queries.embedding
    if embedding == "random":
        return []
    return [require(embedding, wildcards.dataset, "queries.embedding")]


def name_queries(dataset):
    return f"results/{dataset}/queries/queries.parquet"


def list_manifests(dataset, extractors):
    return [
        MANIFEST.format(dataset=dataset, extractor=extractor, shard=shard)
        for extractor in extractors
        for shard in name_shards(dataset)
    ]


def get_manifests(wildcards):
    return list_manifests(wildcards.dataset, (wildcards.visual, wildcards.audio))


def get_dataset_manifests(wildcards):
    dataset = DATASETS[wildcards.dataset]
    return list_manifests(wildcards.dataset, (dataset.visual, dataset.audio))


def get_feature_folder_list(wildcards):
    dataset = DATASETS[wildcards.dataset]
    folder = f"results/{wildcards.dataset}/features"
    return [f"{folder}/{extractor}" for extractor in (dataset.visual, dataset.audio)]


def get_shard_names(wildcards):
    return list(name_shards(wildcards.dataset))


def get_scale(dataset, extractor):
    kind, _ = registry.parse(DATASETS[dataset].extractors[extractor])
    return kind.scale


def get_visual_scale(wildcards):
    return get_scale(wildcards.dataset, wildcards.visual)


def get_audio_scale(wildcards):
    return get_scale(wildcards.dataset, wildcards.audio)


def get_input_options(wildcards):
    return to_json(DATASETS[wildcards.dataset].inputs)


def name_inputs(name):
    """Gives the files of the inputs assembled from a dataset's chosen features."""
    dataset = DATASETS[name]
    folder = INPUTS.format(dataset=name, visual=dataset.visual, audio=dataset.audio)
    return {
        "features": f"{folder}/features.safetensors",
        "index": f"{folder}/index.json",
    }


def get_inputs(wildcards):
    return name_inputs(wildcards.dataset)
