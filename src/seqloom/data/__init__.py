"""Examples, batches and the store: a split as ids, in files and in tensors."""
