"""Arrays that were made elsewhere."""
