# Features: one job extracts one shard of a dataset's videos.


rule extract_visual:
    input:
        sources=get_shard_sources,
        # Which files are in the shard is what counts, and `sources` tells that: a new table alone changes nothing.
        table=ancient("results/{dataset}/videos.tsv"),
        files=get_extractor_files,
        losses=get_losses,
        # Where unpacked videos were removed, they come back before a job would call them missing.
        unpacked=get_unpacked,
    output:
        manifest="results/{dataset}/features/{extractor}/shards/{shard}.tsv",
    log:
        "logs/extract_visual/{dataset}/{extractor}/{shard}.log",
    benchmark:
        "logs/extract_visual/{dataset}/{extractor}/{shard}.benchmark.tsv"
    wildcard_constraints:
        extractor=name_extractors("visual"),
    conda:
        "../envs/img.yaml"
    threads: CONFIG.extraction_threads
    resources:
        mem_mb=grow(6000),
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=count_extraction_gpus,
        # How to run is no part of what features are: as parameters these would make every shard run again.
        device=CONFIG.device,
        batch_size=CONFIG.extraction_batch,
        timeout=CONFIG.decoding_timeout,
        on_failure=CONFIG.on_failure,
    params:
        settings=get_extractor_settings,
        code_version=get_code_version,
        folder=get_feature_folder,
        store=CONFIG.store,
        short="--accept-short" if CONFIG.accept_short else "--no-accept-short",
    shell:
        "python -m extractors shard --settings {params.settings:q} --videos {input.table:q} "
        "--shard {wildcards.shard} --out {params.folder:q} --manifest {output.manifest:q} "
        "--store {params.store:q} --device {resources.device} --threads {threads} --workers {threads} "
        "--batch-size {resources.batch_size} --timeout {resources.timeout} "
        "--on-failure {resources.on_failure} {params.short} "
        "2> {log:q}"


use rule extract_visual as extract_audio with:
    log:
        "logs/extract_audio/{dataset}/{extractor}/{shard}.log",
    benchmark:
        "logs/extract_audio/{dataset}/{extractor}/{shard}.benchmark.tsv"
    wildcard_constraints:
        extractor=name_extractors("audio"),
    conda:
        "../envs/img.yaml"


rule report_coverage:
    input:
        manifests=get_dataset_manifests,
        videos=get_video_table,
        queries="results/{dataset}/queries/queries.parquet",
    output:
        table=report(
            "results/{dataset}/coverage.tsv",
            caption="../report/coverage.rst",
            category="Data",
            labels={"dataset": "{dataset}", "content": "coverage"},
        ),
    log:
        "logs/report_coverage/{dataset}.log",
    benchmark:
        "logs/report_coverage/{dataset}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        queries=subpath(input.queries, parent=True),
        folders=get_feature_folders,
        shards=get_shard_names,
        duplicates=get_duplicates,
    shell:
        "python -m img report-coverage --queries {params.queries:q} {params.folders} --shards {params.shards} "
        "--videos {input.videos:q} --out {output.table:q} 2> {log:q}"
