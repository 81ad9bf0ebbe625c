"""Layers. Their inputs and outputs are tensors; they do not depend on settings, tokenizers or architectures."""
