"""The serve room: trained runs behind HTTP, for many users at once: two known APIs, one of our own, and a page.

Runs enter, a server leaves. Requests are turned into texts here (`libretranslate`, `completions`, `generation`), texts that may be
decoded together are (`batcher`), and nothing named in a request is ever opened, fetched or executed.
"""
