"""Settings, typed and checked: one source of truth for YAML files, schemas and the manual."""
