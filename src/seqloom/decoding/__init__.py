"""Decoding: models write, by beam search, sampling and forced scoring, over the one contract."""
