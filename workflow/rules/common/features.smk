# Extractors' settings, and arrays that were lost.


@functools.cache
def parse_extractor(dataset, extractor):
    """Gives an extractor's kind and parameters; asked for by every shard's job."""
    extractors = DATASETS[dataset].extractors
    if extractor not in extractors:
        raise WorkflowError(
            f"config/datasets/{dataset}.yaml: extractors: "
            f"expected {extractor!r} among {sorted(extractors)}"
        )
    return registry.parse(extractors[extractor])


def get_extractor_settings(wildcards):
    kind, parameters = parse_extractor(wildcards.dataset, wildcards.extractor)
    return json.dumps(
        {"kind": kind.name, **parameters.model_dump(mode="json")},
        sort_keys=True,
        allow_nan=False,
    )


def get_code_version(wildcards):
    return parse_extractor(wildcards.dataset, wildcards.extractor)[0].code_version


def get_extractor_files(wildcards):
    """The weights and other files that an extractor's parameters name."""
    _, parameters = parse_extractor(wildcards.dataset, wildcards.extractor)
    return [
        require(value, wildcards.dataset, f"extractors.{wildcards.extractor}.{key}")
        for key, value in parameters
        if isinstance(value, Path)
    ]


def get_feature_folder(wildcards, output):
    return Path(output.manifest).parent.parent


def get_losses(wildcards):
    """The shard's record of losses, once it has one: a new line in it makes the shard job run again."""
    record = Path(
        f"results/{wildcards.dataset}/features/{wildcards.extractor}/shards/{wildcards.shard}.lost"
    )
    return [record] if record.exists() else []


def record_losses(dataset, extractor):
    """Writes down, beside each manifest, which of the arrays it lists are no longer there."""
    folder = Path(f"results/{dataset}/features/{extractor}")
    if not folder.is_dir():
        return
    found = {
        name.removesuffix(".npy")
        for name in os.listdir(folder)
        if name.endswith(".npy")
    }
    for shard in name_shards(dataset):
        manifest = folder / "shards" / f"{shard}.tsv"
        record = manifest.with_suffix(".lost")
        if not manifest.exists() or (
            record.exists() and record.stat().st_mtime > manifest.stat().st_mtime
        ):
            continue
        try:
            lost = sorted(
                row.video
                for row in read_manifest(manifest)
                if row.is_ok and row.video not in found
            )
        except ValueError as error:
            logger.warning(f"{error}; make it again with --forcerun {manifest}")
            continue
        if lost:
            logger.warning(
                f"{folder}: {len(lost)} arrays of shard {shard} are gone, such as {lost[0]}"
            )
            with record.open("a") as file:
                print(*lost, file=file)


# Arrays are no outputs of their own, one for every video would make planning slow: Snakemake does not miss them.
if workflow.is_main_process:
    for name, dataset in DATASETS.items():
        for extractor in dataset.extractors:
            record_losses(name, extractor)
