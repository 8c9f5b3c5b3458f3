"""How weights lie in files: headers read within bounds, by the standard library alone."""
