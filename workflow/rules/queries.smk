# Queries, and the inputs a model reads.


rule prepare_queries:
    input:
        annotations=plan(videos.list_annotation_files),
        embedding=plan(queries.list_embedding_files),
    output:
        queries="results/{dataset}/queries/queries.parquet",
        vocabulary="results/{dataset}/queries/vocabulary.json",
        vectors="results/{dataset}/queries/vectors.bin",
    log:
        "logs/prepare_queries/{dataset}.log",
    benchmark:
        "logs/prepare_queries/{dataset}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=30,
    params:
        annotations=plan(videos.write_annotations),
        options=plan(queries.write_options),
        vocabulary_splits=plan(queries.list_vocabulary_splits),
        code_version=QUERIES_VERSION,
        folder=subpath(output.queries, parent=True),
    shell:
        "python -m img prepare-queries --annotations {params.annotations:q} --options {params.options:q} "
        "--vocabulary-splits {params.vocabulary_splits} --out {params.folder:q} 2> {log:q}"


# Features of queries are given, or made by a text encoder: the dataset's file says which.
rule encode_queries:
    input:
        queries="results/{dataset}/queries/queries.parquet",
        weights=plan(queries.list_encoder_files),
    output:
        features="results/{dataset}/query_features/features.safetensors",
        index="results/{dataset}/query_features/index.json",
    log:
        "logs/encode_queries/{dataset}.log",
    benchmark:
        "logs/encode_queries/{dataset}.benchmark.tsv"
    wildcard_constraints:
        dataset=patterns.match_any(queries.list_encoded_datasets(PROJECT)),
    conda:
        "../envs/img.yaml"
    threads: CONFIG.extraction_threads
    resources:
        mem_mb=grow(3000),
        runtime=60,
        gpu=PROJECT.gpus,
        device=CONFIG.device,
    params:
        queries=subpath(input.queries, parent=True),
        encoder=plan(queries.write_encoder),
        max_words=plan(queries.count_words),
        folder=subpath(output.features, parent=True),
    shell:
        "python -m img encode-queries --queries {params.queries:q} --encoder {params.encoder:q} "
        "--max-words {params.max_words} --device {resources.device} --threads {threads} --out {params.folder:q} "
        "2> {log:q}"


rule assemble_query_features:
    input:
        queries="results/{dataset}/queries/queries.parquet",
        arrays=plan(queries.list_arrays),
    output:
        features="results/{dataset}/query_features/features.safetensors",
        index="results/{dataset}/query_features/index.json",
    log:
        "logs/assemble_query_features/{dataset}.log",
    benchmark:
        "logs/assemble_query_features/{dataset}.benchmark.tsv"
    wildcard_constraints:
        dataset=patterns.match_any(
            set(PROJECT.datasets) - set(queries.list_encoded_datasets(PROJECT))
        ),
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=60,
    params:
        queries=subpath(input.queries, parent=True),
        arrays=plan(queries.find_array_folder),
        max_words=plan(queries.count_words),
        folder=subpath(output.features, parent=True),
    shell:
        "python -m img assemble-query-features --queries {params.queries:q} --arrays {params.arrays:q} "
        "--max-words {params.max_words} --out {params.folder:q} 2> {log:q}"


rule assemble:
    input:
        manifests=plan(features.list_input_manifests),
        queries="results/{dataset}/queries/queries.parquet",
    output:
        features="results/{dataset}/inputs/{streams}/features.safetensors",
        index="results/{dataset}/inputs/{streams}/index.json",
    log:
        "logs/assemble/{dataset}/{streams}.log",
    benchmark:
        "logs/assemble/{dataset}/{streams}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        # The file is written through a memory map: one video is in memory at a time.
        mem_mb=grow(2000),
        runtime=60,
    params:
        options=plan(features.write_input_options),
        code_version=INPUTS_VERSION,
        queries=subpath(input.queries, parent=True),
        streams=plan(features.list_stream_options),
        shards=plan(features.name_shards),
        store=CONFIG.store,
        folder=subpath(output.features, parent=True),
    shell:
        "python -m img assemble --options {params.options:q} --queries {params.queries:q} "
        "{params.streams:q} --shards {params.shards} --store {params.store:q} --out {params.folder:q} 2> {log:q}"
