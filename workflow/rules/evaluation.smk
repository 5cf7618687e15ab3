# Metrics of a run, and of a dataset.


rule evaluate:
    input:
        unpack(get_inputs),
        unpack(get_query_features),
        last="results/{dataset}/runs/{variant}/seed{seed}/last.safetensors",
        best=get_best_weights,
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
        gpu=count_gpus,
        device=CONFIG.device,
    params:
        inputs=subpath(input.index, parent=True),
        queries=subpath(input.queries, parent=True),
        query_features=get_query_features_option,
        run=subpath(input.last, parent=True),
        description=get_description,
        inference=get_inference_options,
        evaluation=get_evaluation,
        code_version=EVALUATION_VERSION,
    shell:
        "python -m img evaluate --queries {params.queries:q} {params.query_features} "
        "--inputs {params.inputs:q} --coverage {input.coverage:q} --evaluation {params.evaluation} "
        "--run {params.run:q} --dataset {wildcards.dataset} "
        "--variant {wildcards.variant} --description {params.description:q} --inference {params.inference:q} "
        "--device {resources.device} --threads {threads} 2> {log:q}"


rule summarise:
    input:
        runs=get_run_metrics,
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
        settings=get_dataset_settings,
    shell:
        "python -m img summarise --dataset {wildcards.dataset} --settings {params.settings:q} --runs {input.runs:q} "
        "--out {output.metrics:q} 2> {log:q}"


rule report_provenance:
    input:
        manifests=get_dataset_manifests,
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
        features=get_feature_folder_list,
        out=subpath(output.markdown, strip_suffix=".md"),
    shell:
        "python -m img report-provenance --features {params.features:q} --out {params.out:q} 2> {log:q}"


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
