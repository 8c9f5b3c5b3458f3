"""Mezzotint: `main.py` opens the window, `main.py render ...` and its kin never import Qt."""

import sys

from desktop_app.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
