"""Where arrays are kept: the content-addressed store, its locks, and a shard's manifest."""
