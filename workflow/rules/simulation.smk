# A simulated Charades: the real queries with drawn features, see docs/simulation.md.


rule simulate_charades:
    input:
        unpack(plan(videos.find_simulated_annotations)),
    output:
        visual=directory("resources/charades_simulated/visual"),
        audio=directory("resources/charades_simulated/audio"),
    log:
        "logs/simulate_charades.log",
    benchmark:
        "logs/simulate_charades.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=30,
    params:
        folder=subpath(output.visual, parent=True),
        script=ROOT / "workflow/scripts/simulate_charades.py",
    shell:
        "python {params.script:q} --train {input.train:q} --test {input.test:q} "
        "--audiomatter {input.audiomatter:q} --durations {input.durations:q} --out {params.folder:q} 2> {log:q}"
