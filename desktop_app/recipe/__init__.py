"""WHAT to make: pure values that determine a picture; standard library only."""
