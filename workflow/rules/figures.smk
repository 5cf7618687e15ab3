# The paper's figures from one's own runs. {scope} as in paper.smk; that of timelines may be any dataset's folder, see
# workflow/planning/timelines.py.


rule plot_curves:
    input:
        runs=plan(figures.list_metrics),
        paper=plan(paper.find_paper_file),
        recipes=plan(paper.find_recipes_file),
    output:
        report(
            "results/{scope}figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            subcategory=plan(paper.name_scope),
            labels={"figure": "{figure}"},
        ),
    log:
        "logs/plot_curves/{scope}{figure}.log",
    benchmark:
        "logs/plot_curves/{scope}{figure}.benchmark.tsv"
    wildcard_constraints:
        figure=patterns.match_curves(PROJECT),
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        runs=get_run_folders,
        scope=plan(paper.write_scope),
        caption=plan(figures.find_caption),
    shell:
        "python -m img plot-curves --figure {wildcards.figure} --paper {input.paper:q} --recipes {input.recipes:q} "
        "--scope {params.scope:q} --out {output:q} --runs {params.runs:q} 2> {log:q}"


rule plot_ratios:
    input:
        runs=plan(figures.list_predictions),
        queries=plan(figures.find_queries),
        paper=plan(paper.find_paper_file),
        recipes=plan(paper.find_recipes_file),
    output:
        report(
            "results/{scope}figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            subcategory=plan(paper.name_scope),
            labels={"figure": "{figure}"},
        ),
    log:
        "logs/plot_ratios/{scope}{figure}.log",
    benchmark:
        "logs/plot_ratios/{scope}{figure}.benchmark.tsv"
    wildcard_constraints:
        figure=patterns.match_comparisons(PROJECT),
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=10,
    params:
        runs=get_run_folders,
        queries=subpath(input.queries, parent=True),
        scope=plan(paper.write_scope),
        caption=plan(figures.find_caption),
    shell:
        "python -m img plot-ratios --figure {wildcards.figure} --paper {input.paper:q} --recipes {input.recipes:q} "
        "--scope {params.scope:q} --queries {params.queries:q} --out {output:q} --runs {params.runs:q} 2> {log:q}"


rule plot_durations:
    input:
        queries=plan(paper.find_activity_queries),
        paper=plan(paper.find_paper_file),
        recipes=plan(paper.find_recipes_file),
    output:
        report(
            "results/{scope}figures/figure9.png",
            caption="../report/figure.rst",
            category="Figures",
            subcategory=plan(paper.name_scope),
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
        scope=plan(paper.write_scope),
        caption="Normalised durations of moments, AudioMatter's and the whole test split's.",
    shell:
        "python -m img plot-durations --paper {input.paper:q} --recipes {input.recipes:q} --scope {params.scope:q} "
        "--queries {params.queries:q} --out {output:q} 2> {log:q}"


rule select_queries:
    input:
        predictions=plan(timelines.find_predictions),
    output:
        "results/{scope}figures/{figure}.queries.tsv",
    log:
        "logs/select_queries/{scope}{figure}.log",
    benchmark:
        "logs/select_queries/{scope}{figure}.benchmark.tsv"
    wildcard_constraints:
        scope=patterns.match_timeline_scope(PROJECT),
        figure=patterns.match_timelines(PROJECT),
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=10,
    params:
        run=subpath(input.predictions, parent=True),
        split=plan(timelines.find_split),
        choice=plan(timelines.write_choice),
    shell:
        "python -m img select-queries --run {params.run:q} --split {params.split} {params.choice} --out {output:q} "
        "2> {log:q}"


rule preview_videos:
    input:
        videos=plan(timelines.find_videos),
        selected="results/{scope}figures/{figure}.queries.tsv",
    output:
        "results/{scope}figures/{figure}.previews.npz",
    log:
        "logs/preview_videos/{scope}{figure}.log",
    benchmark:
        "logs/preview_videos/{scope}{figure}.benchmark.tsv"
    wildcard_constraints:
        scope=patterns.match_timeline_scope(PROJECT),
        figure=patterns.match_timelines(PROJECT),
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
        unpack(plan(timelines.find_inputs)),
        unpack(plan(timelines.find_query_features)),
        checkpoint=plan(timelines.find_checkpoint),
        queries=plan(timelines.find_queries),
        selected="results/{scope}figures/{figure}.queries.tsv",
        previews="results/{scope}figures/{figure}.previews.npz",
    output:
        report(
            "results/{scope}figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            subcategory=plan(paper.name_scope),
            labels={"figure": "{figure}"},
        ),
    log:
        "logs/plot_timelines/{scope}{figure}.log",
    benchmark:
        "logs/plot_timelines/{scope}{figure}.benchmark.tsv"
    wildcard_constraints:
        scope=patterns.match_timeline_scope(PROJECT),
        figure=patterns.match_timelines(PROJECT),
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
        query_features=plan(timelines.write_query_features_option),
        split=plan(timelines.find_split),
        caption=plan(timelines.find_caption),
        simulated=plan(timelines.write_simulated_option),
    shell:
        "python -m img plot-timelines --run {params.run:q} --split {params.split} --selected {input.selected:q} "
        "--previews {input.previews:q} --queries {params.queries:q} {params.query_features} --inputs {params.inputs:q} "
        "--title {params.caption:q} --out {output:q} {params.simulated} 2> {log:q}"
