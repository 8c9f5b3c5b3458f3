"""Mezzotint: pictures out of noise, on the artist's own machine, made again exactly."""

__version__ = "0.1.0"
