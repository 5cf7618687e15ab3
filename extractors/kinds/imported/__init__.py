"""Arrays that were made elsewhere: no network."""
