# Which videos there are.


rule synthesise_demo:
    output:
        videos=directory("resources/demo/videos"),
        annotations=multiext(
            "resources/demo/annotations/",
            "train.txt",
            "test.txt",
            "test_seen.txt",
            "test_heard.txt",
            "test_both.txt",
            "test_audible.txt",
            "durations.json",
        ),
    log:
        "logs/synthesise_demo.log",
    benchmark:
        "logs/synthesise_demo.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    # x264 uses two threads well at this picture size.
    threads: 2
    resources:
        mem_mb=grow(2000),
        runtime=20,
    params:
        folder=subpath(output.videos, parent=True),
        script=ROOT / "workflow/scripts/synthesise_demo.py",
    shell:
        "python {params.script:q} --out {params.folder:q} 2> {log:q}"


rule compose_pictures:
    input:
        pictures=plan(videos.find_pictures),
    output:
        videos=directory("resources/demo_pretrained/videos"),
        annotations=multiext(
            "resources/demo_pretrained/annotations/",
            "train.txt",
            "train_heard.txt",
            "test.txt",
            "test_heard.txt",
            "durations.json",
        ),
    log:
        "logs/compose_pictures.log",
    benchmark:
        "logs/compose_pictures.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=20,
    params:
        folder=subpath(output.videos, parent=True),
        script=ROOT / "workflow/scripts/compose_pictures.py",
    shell:
        "python {params.script:q} --pictures {input.pictures:q} --out {params.folder:q} 2> {log:q}"


# Which videos a dataset has is known only once its annotations and folder are there: hence a checkpoint.
checkpoint list_videos:
    input:
        annotations=plan(videos.list_annotation_files),
        folders=get_video_folders,
    output:
        table="results/{dataset}/videos.tsv",
    log:
        "logs/list_videos/{dataset}.log",
    benchmark:
        "logs/list_videos/{dataset}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        annotations=plan(videos.write_annotations),
        folder=plan(videos.write_folder_option),
        shards=plan(videos.count_shards),
    shell:
        "python -m img list-videos --annotations {params.annotations:q} {params.folder} "
        "--shards {params.shards} --out {output.table:q} 2> {log:q}"
