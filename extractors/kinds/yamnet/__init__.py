"""YAMNet."""
