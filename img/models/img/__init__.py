"""The system IMG (ACM MM 2025)."""
