# The paper's figures from one's own runs. {scope} as in paper.smk.


rule plot_curves:
    input:
        runs=get_figure_metrics,
        paper="config/papers/img/paper.yaml",
        recipes="config/papers/img/tables.yaml",
    output:
        report(
            "results/{scope}figures/{curves}.png",
            caption="../report/figure.rst",
            category="Figures",
            subcategory=name_scope,
            labels={"figure": "{curves}"},
        ),
    log:
        "logs/plot_curves/{scope}{curves}.log",
    benchmark:
        "logs/plot_curves/{scope}{curves}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        runs=get_run_folders,
        scope=get_scope,
        caption=get_figure_caption,
    shell:
        "python -m img plot-curves --figure {wildcards.curves} --paper {input.paper:q} --recipes {input.recipes:q} "
        "--scope {params.scope:q} --out {output:q} --runs {params.runs:q} 2> {log:q}"


rule plot_ratios:
    input:
        runs=get_figure_predictions,
        queries=get_figure_queries,
        paper="config/papers/img/paper.yaml",
        recipes="config/papers/img/tables.yaml",
    output:
        report(
            "results/{scope}figures/{comparison}.png",
            caption="../report/figure.rst",
            category="Figures",
            subcategory=name_scope,
            labels={"figure": "{comparison}"},
        ),
    log:
        "logs/plot_ratios/{scope}{comparison}.log",
    benchmark:
        "logs/plot_ratios/{scope}{comparison}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=10,
    params:
        runs=get_run_folders,
        queries=subpath(input.queries, parent=True),
        scope=get_scope,
        caption=get_figure_caption,
    shell:
        "python -m img plot-ratios --figure {wildcards.comparison} --paper {input.paper:q} --recipes {input.recipes:q} "
        "--scope {params.scope:q} --queries {params.queries:q} --out {output:q} --runs {params.runs:q} 2> {log:q}"


rule plot_durations:
    input:
        queries=get_activity_queries,
        paper="config/papers/img/paper.yaml",
        recipes="config/papers/img/tables.yaml",
    output:
        report(
            "results/{scope}figures/figure9.png",
            caption="../report/figure.rst",
            category="Figures",
            subcategory=name_scope,
            labels={"figure": "figure9"},
        ),
    log:
        "logs/plot_durations/{scope}figure9.log",
    benchmark:
        "logs/plot_durations/{scope}figure9.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        queries=subpath(input.queries, parent=True),
        scope=get_scope,
        caption="Normalised durations of moments, AudioMatter's and the whole test split's.",
    shell:
        "python -m img plot-durations --paper {input.paper:q} --recipes {input.recipes:q} --scope {params.scope:q} "
        "--queries {params.queries:q} --out {output:q} 2> {log:q}"


rule select_queries:
    input:
        predictions=get_timelines_predictions,
    output:
        "results/{scope}figures/{timelines}.queries.tsv",
    log:
        "logs/select_queries/{scope}{timelines}.log",
    benchmark:
        "logs/select_queries/{scope}{timelines}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=10,
    params:
        run=subpath(input.predictions, parent=True),
        split=get_timelines_split,
        choice=get_timelines_choice,
    shell:
        "python -m img select-queries --run {params.run:q} --split {params.split} {params.choice} --out {output:q} "
        "2> {log:q}"


rule preview_videos:
    input:
        videos=get_timelines_videos,
        selected="results/{scope}figures/{timelines}.queries.tsv",
    output:
        "results/{scope}figures/{timelines}.previews.npz",
    log:
        "logs/preview_videos/{scope}{timelines}.log",
    benchmark:
        "logs/preview_videos/{scope}{timelines}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=30,
    shell:
        "python -m extractors preview --videos {input.videos:q} --only {input.selected:q} --out {output:q} 2> {log:q}"


rule plot_timelines:
    input:
        unpack(get_timelines_inputs),
        checkpoint=get_timelines_checkpoint,
        queries=get_timelines_queries,
        selected="results/{scope}figures/{timelines}.queries.tsv",
        previews="results/{scope}figures/{timelines}.previews.npz",
    output:
        report(
            "results/{scope}figures/{timelines}.png",
            caption="../report/figure.rst",
            category="Figures",
            subcategory=name_scope,
            labels={"figure": "{timelines}"},
        ),
    log:
        "logs/plot_timelines/{scope}{timelines}.log",
    benchmark:
        "logs/plot_timelines/{scope}{timelines}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=20,
    params:
        run=subpath(input.checkpoint, parent=True),
        queries=subpath(input.queries, parent=True),
        inputs=subpath(input.index, parent=True),
        split=get_timelines_split,
        caption=get_timelines_caption,
        simulated=get_simulated,
    shell:
        "python -m img plot-timelines --run {params.run:q} --split {params.split} --selected {input.selected:q} "
        "--previews {input.previews:q} --queries {params.queries:q} --inputs {params.inputs:q} "
        "--title {params.caption:q} --out {output:q} {params.simulated} 2> {log:q}"
