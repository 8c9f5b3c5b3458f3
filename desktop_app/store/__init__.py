"""WHAT was made: the PNG is the truth, the database an index that can be rebuilt from it."""
