"""What the workflow's rules need and make, in plain Python: it knows the settings and no Snakemake."""
