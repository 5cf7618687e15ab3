"""Several questions at once: read, asked, written and drawn."""
