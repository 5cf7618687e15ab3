"""CLAP's sound tower."""
