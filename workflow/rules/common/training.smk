# Runs: options, inference, metrics.


def get_run_options(wildcards):
    options = resolve(DATASETS, VARIANTS, wildcards.dataset, wildcards.variant)
    return to_json(options)


def get_inference_options(wildcards):
    options = resolve_inference(
        DATASETS, VARIANTS, wildcards.dataset, wildcards.variant
    )
    return to_json(options)


def get_best_weights(wildcards):
    """The weights of the best epoch on each split that the dataset chooses one on."""
    run = Path(RUNS.format(**wildcards))
    splits = DATASETS[wildcards.dataset].selection_splits
    return [checkpoint_of(run, best_on(split)) for split in splits]


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
    return to_json(DATASETS[wildcards.dataset])


def get_all_metrics(wildcards):
    return [f"results/{dataset}/metrics.json" for dataset in CONFIG.datasets]


def get_all_inputs(wildcards):
    return [path for name in CONFIG.datasets for path in name_inputs(name).values()]
