"""WHICH weights: the models on this machine, told by the hash of their tensors."""
