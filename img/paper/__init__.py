"""Tables, claims and figures of one paper, made from your own runs beside its numbers."""
