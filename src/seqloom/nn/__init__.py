"""Layers. Their inputs and outputs are tensors; they know no settings, no tokenizers and no architectures."""
