# One run: a variant of the model, trained with a seed.


rule train:
    input:
        unpack(plan(runs.find_inputs)),
        unpack(plan(queries.find_features)),
        queries="results/{dataset}/queries/queries.parquet",
        vocabulary="results/{dataset}/queries/vocabulary.json",
        vectors="results/{dataset}/queries/vectors.bin",
    output:
        last="results/{dataset}/runs/{variant}/seed{seed}/last.safetensors",
        options="results/{dataset}/runs/{variant}/seed{seed}/options.json",
        reads="results/{dataset}/runs/{variant}/seed{seed}/inputs.json",
        history="results/{dataset}/runs/{variant}/seed{seed}/history.csv",
        events=directory("results/{dataset}/runs/{variant}/seed{seed}/events"),
    log:
        "logs/train/{dataset}/{variant}/seed{seed}.log",
    benchmark:
        "logs/train/{dataset}/{variant}/seed{seed}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    # The model is small (D = 128): runs side by side use cores better than threads inside its steps do.
    threads: 1
    resources:
        mem_mb=grow(8000),
        runtime=lambda wildcards, attempt: 1440 * attempt,
        gpu=PROJECT.gpus,
        device=CONFIG.device,
        # No part of what a run is: a parameter would make the next plain call train again.
        fresh=int(CONFIG.fresh),
    params:
        options=plan(runs.write_options),
        code_version=TRAINING_VERSION,
        inputs=subpath(input.index, parent=True),
        queries=subpath(input.queries, parent=True),
        query_features=plan(queries.write_features_option),
        folder=subpath(output.last, parent=True),
        store=CONFIG.store,
    shell:
        "python -m img train --options {params.options:q} --seed {wildcards.seed} --queries {params.queries:q} "
        "{params.query_features} --inputs {params.inputs:q} --store {params.store:q} --out {params.folder:q} "
        "--device {resources.device} --threads {threads} --fresh {resources.fresh} 2> {log:q}"


# Which splits a run chooses an epoch on follows from its dataset, and a rule's outputs cannot: `train` writes these too.
rule best_weights:
    input:
        ancient("results/{dataset}/runs/{variant}/seed{seed}/last.safetensors"),
    output:
        "results/{dataset}/runs/{variant}/seed{seed}/best_on_{split}.safetensors",


rule plot_history:
    input:
        history="results/{dataset}/runs/{variant}/seed{seed}/history.csv",
    output:
        plot=report(
            "results/{dataset}/figures/history_{variant}_seed{seed}.png",
            caption="../report/history.rst",
            category="Training",
            labels={"dataset": "{dataset}", "variant": "{variant}", "seed": "{seed}"},
        ),
    log:
        "logs/plot_history/{dataset}/{variant}/seed{seed}.log",
    benchmark:
        "logs/plot_history/{dataset}/{variant}/seed{seed}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        title=plan(runs.write_history_title),
    shell:
        "python -m img plot-history --history {input.history:q} --title {params.title:q} --out {output.plot:q} "
        "2> {log:q}"
