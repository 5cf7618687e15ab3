# Public files, as resources/manifest.yaml lists them, and the videos of its archives.


rule fetch_resource:
    input:
        local=get_local_file,
    output:
        file="resources/{file}",
    log:
        "logs/fetch_resource/{file}.log",
    benchmark:
        "logs/fetch_resource/{file}.benchmark.tsv"
    wildcard_constraints:
        file=name_files(),
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(500),
        runtime=720,
        # Where the manifest lies is no part of what it says of a file.
        manifest=RESOURCES.source,
    params:
        name=get_resource_name,
        facts=get_resource_facts,
        local=get_local_option,
    # The progress of a download is for the terminal as well.
    shell:
        "python -m img fetch {params.name} --manifest {resources.manifest:q} --out {output.file:q} "
        "{params.local} 2>&1 | tee {log:q} >&2"


# The record tells that all is there. The folder itself is no output: Snakemake removes a job's outputs before it
# runs, and an interrupted job shall go on where it ended.
rule unpack_videos:
    input:
        archive=get_archive,
        annotations=get_annotation_files,
    output:
        record="resources/{folder}/{dataset}.unpacked.tsv",
    log:
        "logs/unpack_videos/{folder}/{dataset}.log",
    benchmark:
        "logs/unpack_videos/{folder}/{dataset}.benchmark.tsv"
    wildcard_constraints:
        folder=name_archive_folders(),
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=240,
    params:
        annotations=get_annotations,
        folder=subpath(output.record, parent=True),
    shell:
        "python -m img unpack {input.archive:q} --annotations {params.annotations:q} --out {params.folder:q} "
        "--record {output.record:q} 2> {log:q}"
