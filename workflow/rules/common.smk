# The checked configuration, and every rule's input and parameter functions, named after what they give.
import csv
import functools
import json
import os
import re
import shlex
import sys

from pathlib import Path
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.settings.types import DeploymentMethod

from extractors import registry
from extractors.arrays import SUFFIXES
from extractors.manifest import read_manifest
from extractors.places import open_place, video_names
from img import config as settings
from img.paper import recipes as paper_recipes
from img.paper.transcription import read_paper
from img.resources.manifest import read_resources
from img.videos import is_current, read_duplicates, walk_folders

RUNS = "results/{dataset}/runs/{variant}/seed{seed}"
MANIFEST = "results/{dataset}/features/{extractor}/shards/{shard}.tsv"
INPUTS = "results/{dataset}/inputs/{visual}+{audio}"
QUERY_FEATURES = "results/{dataset}/query_features"
PUBLISHED = "docs/imported_features.md says where published features belong"
MEASURED_TABLES = {"8", "12", "16"}
DURATIONS_FIGURE = "figure9"
SIMULATED = Path("resources/charades_simulated")


def read_configuration():
    """Checks every configuration file; a fault ends the run before any job."""
    try:
        configuration = settings.check(
            settings.Configuration, config, "config/config.yaml"
        )
        datasets = settings.read_datasets(Path("config/datasets"))
        variants = settings.read_variants(Path("config/variants.yaml"))
        settings.check_together(configuration, datasets, variants)
        paper = read_paper(Path("config/paper.yaml"))
        recipes = paper_recipes.read_recipes(Path("config/tables.yaml"), paper)
        paper_recipes.check_variants(recipes, variants)
        shipped = Path(workflow.basedir).parent / "resources" / "manifest.yaml"
        resources = read_resources(configuration.manifest or shipped)
        local = {name: entry.path for name, entry in configuration.resources.items()}
        resources.check_local(local, "config/config.yaml: resources")
    except ValueError as error:
        raise WorkflowError(f"The configuration is refused.\n{error}") from None
    return configuration, datasets, variants, paper, recipes, resources


CONFIG, DATASETS, VARIANTS, PAPER, RECIPES, RESOURCES = read_configuration()

# Unless conda or a container provides one, jobs run with the interpreter that runs Snakemake, activated or not.
if not workflow.deployment_settings.deployment_method & {
    DeploymentMethod.CONDA,
    DeploymentMethod.APPTAINER,
}:
    interpreters = shlex.quote(str(Path(sys.executable).parent))
    shell.prefix(f"export PATH={interpreters}:$PATH; set -euo pipefail; ")


def match_any(names):
    """Gives the pattern of some names, or one that nothing matches."""
    return "|".join(re.escape(name) for name in sorted(names)) or "(?!)"


def name_extractors(modality):
    """Gives the pattern of all extractors' names that read one modality."""
    names = {
        name
        for dataset in DATASETS.values()
        for name, values in dataset.extractors.items()
        if registry.parse(values)[0].modality == modality
    }
    return match_any(names)


wildcard_constraints:
    dataset=match_any(DATASETS),
    variant=match_any(VARIANTS),
    extractor=f"{name_extractors('visual')}|{name_extractors('audio')}",
    visual=name_extractors("visual"),
    audio=name_extractors("audio"),
    shard=r"\d+",
    seed=r"\d+",
    number=match_any(str(number) for number in PAPER.tables),
    curves=match_any(name for name, figure in RECIPES.figures.items() if figure.curves),
    timelines=match_any(RECIPES.timelines),
    comparison=match_any(
        name for name, figure in RECIPES.figures.items() if figure.variants
    ),
    # Empty for the paper's own datasets, a dataset's folder for one that stands for them.
    scope=f"(({match_any(name for name in DATASETS if DATASETS[name].paper)})/)?",


# Resources


def require(path, dataset, key, obtain=None):
    """Gives a path that a dataset's file names; ends the run where nothing is there and no rule will make it."""
    is_made = path.is_relative_to("resources/demo") or is_simulated(path)
    if not path.exists() and not is_made and not RESOURCES.find_file(path):
        refuse(f"config/datasets/{dataset}.yaml: {key}", path, obtain)
    return path


def refuse(key, path, obtain=None):
    # Not a WorkflowError: Snakemake would pass over it wherever there is a result of earlier settings.
    advice = f"; {obtain}" if obtain else ""
    sys.exit(
        f"error: {key}: expected a file or folder, found nothing at {path}{advice}"
    )


def name_files():
    """Gives the pattern of the manifest's files, as they are called below resources/."""
    return match_any(
        str(resource.path.relative_to("resources"))
        for resource in RESOURCES.resources.values()
    )


def name_archive_folders():
    """Gives the pattern of the folders that archives are unpacked to, as they are called below resources/."""
    return match_any(
        str(resource.unpacked_to.relative_to("resources"))
        for resource in RESOURCES.resources.values()
        if resource.unpacked_to
    )


def get_resource_name(wildcards):
    return RESOURCES.find_file(Path("resources") / wildcards.file)


def get_resource_facts(wildcards):
    """What makes a file be fetched or verified again; it is kept, not fetched, where its hash still agrees."""
    return RESOURCES.get(get_resource_name(wildcards)).facts


def get_local_path(name):
    """Gives the file or folder that the configuration puts in the place of a resource, if it does."""
    if name not in CONFIG.resources:
        return None
    path = CONFIG.resources[name].path
    if not path.exists():
        refuse(f"config/config.yaml: resources.{name}.path", path)
    return path


def get_local_file(wildcards):
    return get_local_path(get_resource_name(wildcards)) or []


def get_local_option(wildcards, input):
    return f"--local {shlex.quote(input.local)}" if input.local else ""


def get_archive(wildcards):
    name = RESOURCES.find_archive(Path("resources") / wildcards.folder)
    return RESOURCES.get(name).path


# Videos


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
    return settings.to_json(DATASETS[wildcards.dataset].annotations)


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


# Features


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
        {"kind": kind.name, **parameters.model_dump(mode="json")}, sort_keys=True
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


# Queries and inputs


def get_query_options(wildcards):
    return settings.to_json(DATASETS[wildcards.dataset].queries)


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
    return settings.to_json(DATASETS[wildcards.dataset].inputs)


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


# Training and evaluation


def get_run_options(wildcards):
    options = settings.resolve(DATASETS, VARIANTS, wildcards.dataset, wildcards.variant)
    return settings.to_json(options)


def get_inference_options(wildcards):
    options = settings.resolve_inference(
        DATASETS, VARIANTS, wildcards.dataset, wildcards.variant
    )
    return settings.to_json(options)


def get_description(wildcards):
    return VARIANTS[wildcards.variant].description


def get_history_title(wildcards):
    simulated = " (simulated data)" if DATASETS[wildcards.dataset].simulated else ""
    return f"{wildcards.dataset}{simulated}, {wildcards.variant}, seed {wildcards.seed}"


def get_evaluation(wildcards):
    return DATASETS[wildcards.dataset].evaluation


def get_run_metrics(wildcards):
    dataset = DATASETS[wildcards.dataset]
    return [
        f"{RUNS.format(dataset=wildcards.dataset, variant=variant, seed=seed)}/metrics.json"
        for variant in dataset.variants
        for seed in dataset.seeds
    ]


def get_dataset_settings(wildcards):
    return settings.to_json(DATASETS[wildcards.dataset])


def get_all_metrics(wildcards):
    return [f"results/{dataset}/metrics.json" for dataset in CONFIG.datasets]


def get_all_inputs(wildcards):
    return [path for name in CONFIG.datasets for path in name_inputs(name).values()]


# The paper


def find_scope(wildcards):
    return paper_recipes.build_scope(RECIPES, DATASETS, Path(wildcards.scope).name)


def get_scope(wildcards):
    return settings.to_json(find_scope(wildcards))


def name_scope(wildcards):
    return Path(wildcards.scope).name or "paper"


def is_obtainable(path):
    return bool(
        path.exists() or RESOURCES.find_file(path) or RESOURCES.find_archive(path)
    )


def can_be_made(name):
    """Tells whether a dataset's annotations, and its videos or arrays, are there or can be fetched."""
    dataset = DATASETS.get(name)
    if dataset is None:
        return False
    return all(map(is_obtainable, dataset.sources)) or dataset.simulated


def list_runs(pairs, file):
    """Gives a file of every run, for each (dataset, variant) whose data is there."""
    return [
        f"{RUNS.format(dataset=dataset, variant=variant, seed=seed)}/{file}"
        for dataset, variant in pairs
        if can_be_made(dataset)
        for seed in DATASETS[dataset].seeds
    ]


def get_table_runs(wildcards):
    pairs = paper_recipes.list_table_runs(
        int(wildcards.number), PAPER, RECIPES, find_scope(wildcards)
    )
    return list_runs(pairs, "metrics.json")


def get_table_numbers(wildcards):
    """The tables that are made in a scope."""
    dataset = DATASETS.get(Path(wildcards.scope).name)
    return dataset.paper.tables if dataset else list(PAPER.tables)


def get_claim_predictions(wildcards):
    pairs = paper_recipes.list_claim_runs(
        get_table_numbers(wildcards), PAPER, RECIPES, find_scope(wildcards)
    )
    return list_runs(pairs, "predictions.parquet")


def get_importance_predictions(wildcards):
    stand_in = find_scope(wildcards).stand_ins["charades"]
    return list_runs([(stand_in.dataset, "img")], "predictions.parquet")


def get_cost_options(wildcards):
    """The options of the model whose cost Table 12 tells."""
    stand_in = find_scope(wildcards).stand_ins["charades"]
    return settings.to_json(
        settings.resolve(DATASETS, VARIANTS, stand_in.dataset, "img")
    )


def get_activity_queries(wildcards):
    stand_in = find_scope(wildcards).stand_ins["charades"]
    return f"results/{stand_in.dataset}/queries/queries.parquet"


def find_figure(wildcards):
    name = wildcards.get("curves") or wildcards.get("comparison")
    return RECIPES.figures[name]


def list_figure_runs(wildcards, file):
    figure = find_figure(wildcards)
    stand_in = find_scope(wildcards).stand_ins[figure.dataset]
    pairs = [(stand_in.dataset, variant) for variant in figure.all_variants]
    return list_runs(pairs, file)


def get_figure_metrics(wildcards):
    return list_figure_runs(wildcards, "metrics.json")


def get_figure_predictions(wildcards):
    return list_figure_runs(wildcards, "predictions.parquet")


def get_figure_queries(wildcards):
    stand_in = find_scope(wildcards).stand_ins[find_figure(wildcards).dataset]
    return f"results/{stand_in.dataset}/queries/queries.parquet"


def get_figure_caption(wildcards):
    return find_figure(wildcards).caption


def get_run_folders(wildcards, input):
    return [Path(file).parent for file in input.runs]


def get_measurements(wildcards):
    """What a table holds beside the metrics of runs."""
    if wildcards.number not in MEASURED_TABLES:
        return []
    return f"results/{wildcards.scope}statistics/table{wildcards.number}.json"


def get_measurements_option(wildcards, input):
    return (
        f"--measurements {shlex.quote(input.measurements)}"
        if input.measurements
        else ""
    )


def find_timelines(wildcards):
    return RECIPES.timelines[wildcards.timelines]


def find_timelines_stand_in(wildcards):
    return find_scope(wildcards).stand_ins[find_timelines(wildcards).dataset]


def get_timelines_run(wildcards):
    """The run of the first seed that answers."""
    dataset = find_timelines_stand_in(wildcards).dataset
    return RUNS.format(
        dataset=dataset,
        variant=find_timelines(wildcards).variant,
        seed=DATASETS[dataset].seeds[0],
    )


def get_timelines_predictions(wildcards):
    return f"{get_timelines_run(wildcards)}/predictions.parquet"


def get_timelines_checkpoint(wildcards):
    return f"{get_timelines_run(wildcards)}/last.safetensors"


def get_timelines_videos(wildcards):
    return f"results/{find_timelines_stand_in(wildcards).dataset}/videos.tsv"


def get_timelines_queries(wildcards):
    return (
        f"results/{find_timelines_stand_in(wildcards).dataset}/queries/queries.parquet"
    )


def get_timelines_inputs(wildcards):
    return name_inputs(find_timelines_stand_in(wildcards).dataset)


def get_timelines_split(wildcards):
    return find_timelines_stand_in(wildcards).splits[find_timelines(wildcards).split]


def get_timelines_choice(wildcards):
    recipe = find_timelines(wildcards)
    wanted = f" --queries {shlex.join(recipe.queries)}" if recipe.queries else ""
    return f"--best {recipe.best} --worst {recipe.worst}{wanted}"


def get_timelines_caption(wildcards):
    return find_timelines(wildcards).caption


def get_simulated(wildcards):
    """Gives the option that names made-up datasets, for titles."""
    simulated = find_scope(wildcards).simulated
    return f"--simulated {shlex.join(simulated)}" if simulated else ""


def list_paper_figures():
    """Every figure of the paper whose dataset is there or can be fetched; its tables have gaps instead."""
    recipes = {**RECIPES.figures, **RECIPES.timelines}
    made = [
        name
        for name, recipe in recipes.items()
        if can_be_made(RECIPES.datasets[recipe.dataset].dataset)
    ]
    return [*made, *([DURATIONS_FIGURE] if can_be_made("charades") else [])]


def list_data_pages(dataset):
    """What a dataset's report shows beside the paper's tables: data, features, metrics, cost, courses of training."""
    folder = f"results/{dataset}"
    first = DATASETS[dataset].seeds[0]
    return [
        f"{folder}/coverage.tsv",
        f"{folder}/provenance.md",
        f"{folder}/metrics.json",
        f"{folder}/runtime.md",
        *(
            f"{folder}/figures/history_{variant}_seed{first}.png"
            for variant in DATASETS[dataset].variants
        ),
    ]


def get_paper_files(wildcards):
    """The tables and figures that are made in a scope, their claims, and the pages of its datasets."""
    dataset = DATASETS.get(Path(wildcards.scope).name)
    figures = dataset.paper.figures if dataset else list_paper_figures()
    return [
        *(
            f"results/{wildcards.scope}tables/table{n}.md"
            for n in get_table_numbers(wildcards)
        ),
        f"results/{wildcards.scope}tables/claims.md",
        *(f"results/{wildcards.scope}figures/{figure}.png" for figure in figures),
        *(
            page
            for name in find_scope(wildcards).datasets
            if can_be_made(name)
            for page in list_data_pages(name)
        ),
    ]


# Resources that grow with each retry


def grow(mem_mb):
    """Gives a memory function: the first attempt's megabytes, times the attempt."""
    return lambda wildcards, attempt: mem_mb * attempt


def count_gpus(wildcards):
    return 1 if CONFIG.device == "cuda" else 0


def count_extraction_gpus(wildcards):
    is_imported = (
        parse_extractor(wildcards.dataset, wildcards.extractor)[0].name == "imported"
    )
    return 0 if is_imported else count_gpus(wildcards)
