"""Serving: trained runs behind HTTP for many users at once, with two known APIs, one of our own, and a web page.

`libretranslate`, `completions` and `generation` turn HTTP requests into text requests; `batcher` decodes these in batches.
Nothing that a request names is opened, fetched or executed.
"""
