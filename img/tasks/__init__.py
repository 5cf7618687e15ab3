"""What a system is asked to do, and how its answers are scored."""
