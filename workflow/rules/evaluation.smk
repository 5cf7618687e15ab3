# Metrics of a run, and of a dataset.


rule evaluate:
    input:
        unpack(plan(runs.find_inputs)),
        unpack(plan(queries.find_features)),
        last="results/{dataset}/runs/{variant}/seed{seed}/last.safetensors",
        best=plan(runs.list_best_weights),
        options="results/{dataset}/runs/{variant}/seed{seed}/options.json",
        queries="results/{dataset}/queries/queries.parquet",
        vectors="results/{dataset}/queries/vectors.bin",
        coverage="results/{dataset}/coverage.tsv",
    output:
        predictions="results/{dataset}/runs/{variant}/seed{seed}/predictions.parquet",
        metrics="results/{dataset}/runs/{variant}/seed{seed}/metrics.json",
    log:
        "logs/evaluate/{dataset}/{variant}/seed{seed}.log",
    benchmark:
        "logs/evaluate/{dataset}/{variant}/seed{seed}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 2
    resources:
        mem_mb=grow(8000),
        runtime=60,
        gpu=PROJECT.gpus,
        device=CONFIG.device,
    params:
        inputs=subpath(input.index, parent=True),
        queries=subpath(input.queries, parent=True),
        query_features=plan(queries.write_features_option),
        run=subpath(input.last, parent=True),
        description=plan(runs.describe_variant),
        inference=plan(runs.write_inference_options),
        evaluation=plan(runs.find_evaluation),
        code_version=EVALUATION_VERSION,
    shell:
        "python -m img evaluate --queries {params.queries:q} {params.query_features} "
        "--inputs {params.inputs:q} --coverage {input.coverage:q} --evaluation {params.evaluation} "
        "--run {params.run:q} --dataset {wildcards.dataset} "
        "--variant {wildcards.variant} --description {params.description:q} --inference {params.inference:q} "
        "--device {resources.device} --threads {threads} 2> {log:q}"


# On demand alone: as text, ActivityNet's predictions are large.
rule export_predictions:
    input:
        predictions="results/{dataset}/runs/{variant}/seed{seed}/predictions.parquet",
    output:
        csv="results/{dataset}/runs/{variant}/seed{seed}/predictions.csv",
    log:
        "logs/export_predictions/{dataset}/{variant}/seed{seed}.log",
    benchmark:
        "logs/export_predictions/{dataset}/{variant}/seed{seed}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=10,
    params:
        run=subpath(input.predictions, parent=True),
    shell:
        "python -m img export-predictions {params.run:q} --out {output.csv:q} 2> {log:q}"


rule summarise:
    input:
        runs=plan(runs.list_metrics),
    output:
        metrics=report(
            "results/{dataset}/metrics.json",
            caption="../report/metrics.rst",
            category="Tables",
            subcategory="{dataset}",
            labels={"table": "metrics.json"},
        ),
    log:
        "logs/summarise/{dataset}.log",
    benchmark:
        "logs/summarise/{dataset}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        settings=plan(runs.write_dataset),
    shell:
        "python -m img summarise --dataset {wildcards.dataset} --settings {params.settings:q} --runs {input.runs:q} "
        "--out {output.metrics:q} 2> {log:q}"


rule report_provenance:
    input:
        manifests=plan(features.list_chosen_manifests),
    output:
        markdown="results/{dataset}/provenance.md",
        csv="results/{dataset}/provenance.csv",
        html=report(
            "results/{dataset}/provenance.html",
            caption="../report/provenance.rst",
            category="Features",
            labels={"dataset": "{dataset}", "content": "provenance"},
        ),
    log:
        "logs/report_provenance/{dataset}.log",
    benchmark:
        "logs/report_provenance/{dataset}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=20,
    params:
        features=plan(features.list_chosen_folders),
        out=subpath(output.markdown, strip_suffix=".md"),
    shell:
        "python -m img report-provenance --features {params.features:q} --out {params.out:q} 2> {log:q}"


rule report_dataset:
    input:
        files=plan(pages.list_report),
    output:
        "results/{dataset}/report.md",
    log:
        "logs/report_dataset/{dataset}.log",
    benchmark:
        "logs/report_dataset/{dataset}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        simulated=plan(pages.write_simulated_option),
    shell:
        "python -m img list-pages --dataset {wildcards.dataset} --files {input.files:q} --out {output:q} "
        "{params.simulated} 2> {log:q}"


rule report_runtime:
    input:
        metrics="results/{dataset}/metrics.json",
    output:
        markdown="results/{dataset}/runtime.md",
        csv="results/{dataset}/runtime.csv",
        html=report(
            "results/{dataset}/runtime.html",
            caption="../report/runtime.rst",
            category="Tables",
            subcategory="{dataset}",
            labels={"table": "Time and memory"},
        ),
    log:
        "logs/report_runtime/{dataset}.log",
    benchmark:
        "logs/report_runtime/{dataset}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        out=subpath(output.markdown, strip_suffix=".md"),
    shell:
        "python -m img report-runtime --logs logs --dataset {wildcards.dataset} --out {params.out:q} 2> {log:q}"
