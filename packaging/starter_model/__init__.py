"""Trains Mezzotint's starter model from scratch; the program never imports it."""
