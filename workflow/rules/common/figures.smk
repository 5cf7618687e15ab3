# What the paper's figures need.


def find_figure(wildcards):
    name = wildcards.get("curves") or wildcards.get("comparison")
    return RECIPES.figures[name]


def list_figure_runs(wildcards, file):
    figure = find_figure(wildcards)
    stand_in = find_stand_in(wildcards, figure.dataset)
    pairs = [(stand_in.dataset, variant) for variant in figure.all_variants]
    return list_runs(pairs, file)


def get_figure_metrics(wildcards):
    return list_figure_runs(wildcards, "metrics.json")


def get_figure_predictions(wildcards):
    return list_figure_runs(wildcards, "predictions.parquet")


def get_figure_queries(wildcards):
    stand_in = find_stand_in(wildcards, find_figure(wildcards).dataset)
    return name_queries(stand_in.dataset)


def get_figure_caption(wildcards):
    return find_figure(wildcards).caption


def find_timelines(wildcards):
    return RECIPES.timelines[wildcards.timelines]


def find_timelines_stand_in(wildcards):
    return find_stand_in(wildcards, find_timelines(wildcards).dataset)


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
    return name_queries(find_timelines_stand_in(wildcards).dataset)


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
