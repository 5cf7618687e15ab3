# Which videos there are, and the files of each shard.


def get_demo_script(wildcards):
    return Path(workflow.basedir) / "scripts" / "synthesise_demo.py"


def get_simulation_script(wildcards):
    return Path(workflow.basedir) / "scripts" / "simulate_charades.py"


def get_simulated_annotations(wildcards):
    """The files that a simulated Charades is drawn from, by the names of the script's options."""
    annotations = DATASETS["charades_simulated"].annotations
    files = {**annotations.splits, "durations": annotations.durations}
    return {
        name: require(path, "charades_simulated", "annotations")
        for name, path in files.items()
    }


def is_simulated(path):
    """Whether rule simulate_charades makes what is at a path."""
    return path.is_relative_to(SIMULATED)


def get_annotation_files(wildcards):
    annotations = DATASETS[wildcards.dataset].annotations
    return [
        require(path, wildcards.dataset, "annotations") for path in annotations.files
    ]


def get_local_videos(wildcards):
    """The folder that the configuration puts in the place of the archive of a dataset's videos, if it does."""
    archive = RESOURCES.find_archive(DATASETS[wildcards.dataset].videos)
    path = get_local_path(archive)
    return path if path and path.is_dir() else None


def get_video_folder(wildcards):
    return get_local_videos(wildcards) or DATASETS[wildcards.dataset].videos


def get_video_folder_option(wildcards):
    if not DATASETS[wildcards.dataset].reads_videos:
        return ""
    return f"--folder {shlex.quote(str(get_video_folder(wildcards)))}"


def get_record(wildcards):
    """The record of the unpacked videos of a dataset, where they come from an archive of the manifest."""
    dataset = DATASETS[wildcards.dataset]
    folder = dataset.videos
    if not dataset.reads_videos:
        return []
    if RESOURCES.find_archive(folder) and not get_local_videos(wildcards):
        return [f"{folder}/{wildcards.dataset}.unpacked.tsv"]
    return []


def get_unpacked(wildcards):
    return [ancient(record) for record in get_record(wildcards)]


def get_video_folders(wildcards):
    """The videos' folder and its subfolders, or the record of an archive's videos: each tells of added files.

    A folder's time changes with any file in it, such as an unfinished download: where no video's file came,
    went or moved, the table need not be made again.
    """
    dataset = DATASETS[wildcards.dataset]
    if not dataset.reads_videos:
        # What is simulated has to be there once the shards' arrays are listed.
        return [
            path for path in name_array_places(wildcards.dataset) if is_simulated(path)
        ]
    if record := get_record(wildcards):
        return record
    folder = get_video_folder(wildcards)
    require(folder, wildcards.dataset, "videos", dataset.obtain_videos)
    subfolders = {path for path, _ in walk_folders(folder)} - {folder}
    folders = [folder, *sorted(subfolders)]
    table = Path(f"results/{wildcards.dataset}/videos.tsv")
    if table.exists() and is_current(table, folder):
        return [ancient(path) for path in folders]
    return folders


def get_annotations(wildcards):
    return to_json(DATASETS[wildcards.dataset].annotations)


def get_shard_count(wildcards):
    return DATASETS[wildcards.dataset].shards


@functools.cache
def name_shards(dataset):
    count = DATASETS[dataset].shards
    return tuple(f"{number:03d}" for number in range(count))


def get_feature_folders(wildcards):
    """The folders of a dataset's chosen visual and audio features."""
    dataset = DATASETS[wildcards.dataset]
    folder = f"results/{wildcards.dataset}/features"
    return f"--visual {folder}/{dataset.visual} --audio {folder}/{dataset.audio}"


@functools.cache
def read_shards(table, modified):
    """Gives the rows, video and path, of each shard of a table."""
    shards = {}
    with open(table, newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            shards.setdefault(row["shard"], []).append((row["video"], row["path"]))
    return shards


def name_array_places(dataset):
    """Gives the folders and pickles that a dataset's imported arrays are in."""
    parsed = [parse_extractor(dataset, name) for name in DATASETS[dataset].extractors]
    return [
        path
        for kind, parameters in parsed
        if kind.name == "imported"
        for path in parameters.places
    ]


@functools.cache
def require_arrays(dataset, extractor):
    """Ends the run where an extractor's imported arrays are not there and no rule will make them."""
    _, parameters = parse_extractor(dataset, extractor)
    for path in parameters.places:
        require(path, dataset, f"extractors.{extractor}.arrays", PUBLISHED)


@functools.cache
def open_arrays(dataset, extractor):
    """Gives the places where an extractor's imported arrays are, listed once for all shards."""
    _, parameters = parse_extractor(dataset, extractor)
    try:
        return [open_place(path) for path in parameters.places]
    except ValueError as error:
        key = f"extractors.{extractor}.arrays"
        sys.exit(f"error: config/datasets/{dataset}.yaml: {key}: {error}")


def get_shard_sources(wildcards):
    """The files that a shard's features are made from: its videos, or the arrays that are imported.

    One that cannot be read would end the whole run, as Snakemake hashes small inputs; its shard reports it.
    """
    if wildcards.shard not in name_shards(wildcards.dataset):
        raise WorkflowError(
            f"shard {wildcards.shard}: expected 000 to {name_shards(wildcards.dataset)[-1]}, "
            f"the shards of config/datasets/{wildcards.dataset}.yaml"
        )
    # Before the checkpoint, so that an absent folder is told of before any job.
    is_imported = (
        parse_extractor(wildcards.dataset, wildcards.extractor)[0].name == "imported"
    )
    if is_imported:
        require_arrays(wildcards.dataset, wildcards.extractor)
    table = checkpoints.list_videos.get(dataset=wildcards.dataset).output.table
    rows = read_shards(table, os.path.getmtime(table)).get(wildcards.shard, [])
    if is_imported:
        names = [name for video, _ in rows for name in video_names(video)]
        places = open_arrays(wildcards.dataset, wildcards.extractor)
        paths = [str(path) for place in places for path in place.files(names)]
    else:
        paths = [path for _, path in rows if path]
    return [path for path in paths if os.access(path, os.R_OK)]


def get_video_table(wildcards):
    """The table of videos as it is: a new one alone changes nothing, see get_duplicates."""
    return ancient(checkpoints.list_videos.get(dataset=wildcards.dataset).output.table)


def get_duplicates(wildcards):
    """The further files of videos that have several: where these change, coverage is reported anew."""
    # Not by `input`: Snakemake does not compare parameters that follow from it.
    table = Path(f"results/{wildcards.dataset}/videos.tsv")
    duplicates = read_duplicates(table) if table.exists() else {}
    return [f"{video}: {others}" for video, others in duplicates.items()]
