# Features: one job extracts one shard of a dataset's videos.


rule extract_features:
    input:
        sources=get_shard_sources,
        # Which files are in the shard is what counts, and `sources` tells that: a new table alone changes nothing.
        table=ancient("results/{dataset}/videos.tsv"),
        files=plan(features.list_files),
        losses=get_loss_record,
        # Where unpacked videos were removed, they come back before a job would call them missing.
        unpacked=get_unpacked,
    output:
        manifest="results/{dataset}/features/{extractor}/shards/{shard}.tsv",
    log:
        "logs/extract_features/{dataset}/{extractor}/{shard}.log",
    benchmark:
        "logs/extract_features/{dataset}/{extractor}/{shard}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: CONFIG.extraction_threads
    resources:
        mem_mb=grow(6000),
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=plan(features.count_gpus),
        # How to run is no part of what features are: as parameters these would make every shard run again.
        device=CONFIG.device,
        batch_size=CONFIG.extraction_batch,
        timeout=CONFIG.decoding_timeout,
        on_failure=CONFIG.on_failure,
    params:
        settings=plan(features.write_settings),
        code_version=plan(features.find_code_version),
        folder=subpath(output.manifest, ancestor=2),
        store=CONFIG.store,
        reads=plan(features.write_reads_option),
        short="--accept-short" if CONFIG.accept_short else "--no-accept-short",
    shell:
        "python -m extractors shard --settings {params.settings:q} --videos {input.table:q} "
        "--shard {wildcards.shard} --out {params.folder:q} --manifest {output.manifest:q} "
        "{params.reads} --store {params.store:q} --device {resources.device} --threads {threads} --workers {threads} "
        "--batch-size {resources.batch_size} --timeout {resources.timeout} "
        "--on-failure {resources.on_failure} {params.short} "
        "2> {log:q}"


# Arrays are no outputs of rules: one for every video would make planning slow, and Snakemake does not miss them. Where
# some are gone, this note is asked for, or is older than their folder, and a new note makes their shard again.
rule note_losses:
    input:
        folder=get_feature_folder,
    output:
        record="results/{dataset}/features/{extractor}/shards/{shard}.lost",
    log:
        "logs/note_losses/{dataset}/{extractor}/{shard}.log",
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(500),
        runtime=10,
    params:
        losses=get_losses,
    # The time makes a note differ from an earlier one of the same losses.
    shell:
        "(date && echo {params.losses:q}) > {output.record:q} 2> {log:q}"


rule report_coverage:
    input:
        manifests=plan(features.list_chosen_manifests),
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
        streams=plan(features.list_stream_options),
        shards=plan(features.name_shards),
        duplicates=plan(videos.list_duplicates),
        code_version=COVERAGE_VERSION,
    shell:
        "python -m img report-coverage --queries {params.queries:q} {params.streams:q} --shards {params.shards} "
        "--videos {input.videos:q} --out {output.table:q} 2> {log:q}"
