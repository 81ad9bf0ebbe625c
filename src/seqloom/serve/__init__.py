"""Serves trained runs over HTTP to many users at once: the APIs of LibreTranslate and OpenAI, seqloom's own API, and a web page.

`libretranslate`, `completions` and `generation` turn HTTP requests into text requests; `batcher` decodes these in batches.
The server never opens, fetches or executes anything that a request names.
"""
