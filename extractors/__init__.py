"""Media in, feature arrays out. Knows nothing of datasets, queries, models or Snakemake."""
