# The paper's tables with one's own numbers, and its claims put to the test. {scope} is empty for the paper's own
# datasets, or the folder of one that stands for them.


rule count_activities:
    input:
        queries=plan(paper.find_activity_queries),
        paper=plan(paper.find_paper_file),
        recipes=plan(paper.find_recipes_file),
    output:
        "results/{scope}statistics/table8.json",
    log:
        "logs/count_activities/{scope}table8.log",
    benchmark:
        "logs/count_activities/{scope}table8.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=10,
    params:
        queries=subpath(input.queries, parent=True),
        scope=plan(paper.write_scope),
    shell:
        "python -m img count-activities --paper {input.paper:q} --recipes {input.recipes:q} --scope {params.scope:q} "
        "--queries {params.queries:q} --out {output:q} 2> {log:q}"


rule count_cost:
    input:
        checkpoint=plan(paper.list_cost_checkpoints),
    output:
        "results/{scope}statistics/table12.json",
    log:
        "logs/count_cost/{scope}table12.log",
    benchmark:
        "logs/count_cost/{scope}table12.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=10,
    params:
        options=plan(paper.write_cost_options),
        checkpoint=get_checkpoint_option,
    shell:
        "python -m img count-cost --options {params.options:q} {params.checkpoint} --out {output:q} 2> {log:q}"


rule count_importance:
    input:
        runs=plan(paper.list_importance_predictions),
        paper=plan(paper.find_paper_file),
        recipes=plan(paper.find_recipes_file),
    output:
        "results/{scope}statistics/table16.json",
    log:
        "logs/count_importance/{scope}table16.log",
    benchmark:
        "logs/count_importance/{scope}table16.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=10,
    params:
        runs=get_run_folders,
        scope=plan(paper.write_scope),
    shell:
        "python -m img count-importance --paper {input.paper:q} --recipes {input.recipes:q} --scope {params.scope:q} "
        "--runs {params.runs:q} --out {output:q} 2> {log:q}"


rule table:
    input:
        runs=plan(paper.list_table_metrics),
        measurements=plan(paper.list_measurements),
        paper=plan(paper.find_paper_file),
        recipes=plan(paper.find_recipes_file),
    output:
        markdown="results/{scope}tables/table{number}.md",
        csv="results/{scope}tables/table{number}.csv",
        html=report(
            "results/{scope}tables/table{number}.html",
            caption="../report/table.rst",
            category="Tables",
            subcategory=plan(paper.name_scope),
            labels={"table": "Table {number}"},
        ),
    log:
        "logs/table/{scope}table{number}.log",
    benchmark:
        "logs/table/{scope}table{number}.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        runs=get_run_folders,
        measurements=get_measurements_option,
        scope=plan(paper.write_scope),
        out=subpath(output.markdown, strip_suffix=".md"),
    shell:
        "python -m img table --number {wildcards.number} --paper {input.paper:q} --recipes {input.recipes:q} "
        "--scope {params.scope:q} {params.measurements} --out {params.out:q} --runs {params.runs:q} 2> {log:q}"


rule claims:
    input:
        runs=plan(paper.list_claim_predictions),
        paper=plan(paper.find_paper_file),
        recipes=plan(paper.find_recipes_file),
    output:
        markdown="results/{scope}tables/claims.md",
        csv="results/{scope}tables/claims.csv",
        html=report(
            "results/{scope}tables/claims.html",
            caption="../report/claims.rst",
            category="Tables",
            subcategory=plan(paper.name_scope),
            labels={"table": "Claims"},
        ),
    log:
        "logs/claims/{scope}claims.log",
    benchmark:
        "logs/claims/{scope}claims.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=30,
    params:
        runs=get_run_folders,
        tables=plan(paper.list_numbers),
        scope=plan(paper.write_scope),
        out=subpath(output.markdown, strip_suffix=".md"),
    shell:
        "python -m img claims --paper {input.paper:q} --recipes {input.recipes:q} --scope {params.scope:q} "
        "--tables {params.tables} --out {params.out:q} --runs {params.runs:q} 2> {log:q}"


rule list_contents:
    input:
        files=plan(paper.list_contents),
        paper=plan(paper.find_paper_file),
        recipes=plan(paper.find_recipes_file),
    output:
        "results/{scope}paper.md",
    log:
        "logs/list_contents/{scope}paper.log",
    benchmark:
        "logs/list_contents/{scope}paper.benchmark.tsv"
    conda:
        "../envs/img.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        scope=plan(paper.write_scope),
    shell:
        "python -m img list-contents --paper {input.paper:q} --recipes {input.recipes:q} --scope {params.scope:q} "
        "--files {input.files:q} --out {output:q} 2> {log:q}"
