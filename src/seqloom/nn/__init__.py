"""Layers. Tensors enter and leave; layers know neither settings, nor tokenizers, nor which architecture they stand in."""
