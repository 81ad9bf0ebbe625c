"""Decoding: models generate, by greedy search, beam search or sampling, and score given targets, all by the model contract."""
