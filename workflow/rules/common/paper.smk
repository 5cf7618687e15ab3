# What the paper's tables and claims need. A scope is the paper's own datasets, or one that stands for them.


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


def get_cost_checkpoint(wildcards):
    """A checkpoint of that model, which tells the widths of its dataset; none where its data is not there."""
    stand_in = find_scope(wildcards).stand_ins["charades"]
    runs = list_runs([(stand_in.dataset, "img")], "last.safetensors")
    return runs[0] if runs else []


def get_cost_checkpoint_option(wildcards, input):
    return f"--checkpoint {shlex.quote(input.checkpoint)}" if input.checkpoint else ""


def get_activity_queries(wildcards):
    stand_in = find_scope(wildcards).stand_ins["charades"]
    return name_queries(stand_in.dataset)


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
