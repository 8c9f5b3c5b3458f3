"""What is attached to a model for one render, and leaves it as it was."""
