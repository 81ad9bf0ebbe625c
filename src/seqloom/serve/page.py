"""Page: the files of the web app, read once. They ask nobody but this server, and browsers are told to hold them to it."""

import re
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from seqloom.report import theme
from seqloom.serve.refusals import RefusedError

_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-cache",
}


class Page:
    """The endpoints."""

    def __init__(self) -> None:
        folder = files(__package__) / "assets"
        # Only what was there at the start can be asked for; a request's path is never looked up on disk.
        self._files = {
            file.name: file.read_bytes() for file in folder.iterdir() if re.search(r"\.(html|js|css)$", file.name)
        }
        # Drawings and colours are those of the reports.
        self._files["drawings.css"] = (files("seqloom.report") / "assets" / "drawings.css").read_bytes()
        self._files["theme.css"] = theme.css_variables_by_choice().encode()

    async def index(self, request: Request) -> Response:
        """The page itself."""
        return self._file("index.html")

    async def asset(self, request: Request) -> Response:
        """A file of it."""
        return self._file(request.path_params["name"])

    def _file(self, name: str) -> Response:
        if name not in self._files:
            raise RefusedError(404, "there is nothing here")
        return Response(self._files[name], media_type=_TYPES[name.rpartition(".")[2]], headers=_HEADERS)
