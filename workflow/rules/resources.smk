# Public files, as resources/manifest.yaml lists them, and the videos of its archives.


rule fetch_resource:
    input:
        local=plan(resources.list_local_files),
    output:
        file="resources/{file}",
    log:
        "logs/fetch_resource/{file}.log",
    benchmark:
        "logs/fetch_resource/{file}.benchmark.tsv"
    wildcard_constraints:
        file=patterns.match_files(PROJECT),
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(500),
        runtime=720,
        # Where the manifest lies is no part of what it says of a file.
        manifest=PROJECT.resources.source,
    params:
        name=plan(resources.find_name),
        facts=plan(resources.write_facts),
        local=get_local_option,
    # The progress of a download is for the terminal as well.
    shell:
        "python -m img fetch {params.name} --manifest {resources.manifest:q} --out {output.file:q} "
        "{params.local} 2>&1 | tee {log:q} >&2"


# The record tells that all is there. The folder itself is no output: Snakemake removes a job's outputs before it
# runs, and an interrupted job shall go on where it ended.
rule unpack_videos:
    input:
        archive=plan(resources.find_archive),
        annotations=plan(videos.list_annotation_files),
    output:
        record="resources/{folder}/{dataset}.unpacked.tsv",
    log:
        "logs/unpack_videos/{folder}/{dataset}.log",
    benchmark:
        "logs/unpack_videos/{folder}/{dataset}.benchmark.tsv"
    wildcard_constraints:
        folder=patterns.match_archive_folders(PROJECT),
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=240,
    params:
        annotations=plan(videos.write_annotations),
        folder=subpath(output.record, parent=True),
    shell:
        "python -m img unpack {input.archive:q} --annotations {params.annotations:q} --out {params.folder:q} "
        "--record {output.record:q} 2> {log:q}"
