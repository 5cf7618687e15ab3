"""The networks, a module each, with the reader of what each takes."""
