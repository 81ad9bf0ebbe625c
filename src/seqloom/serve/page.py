"""Page: the files of the web app, read once at the start. A content security policy allows them to contact only this server."""

import re
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from seqloom.report import theme
from seqloom.serve.endpoint import Endpoint
from seqloom.serve.http_errors import HTTPError
from seqloom.serve.state import ServerState

_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-cache",
}


class Page:
    """Endpoints of the page and its files."""

    ENDPOINTS = (Endpoint("/", "index"), Endpoint("/assets/{name}", "asset"))

    def __init__(self, state: ServerState) -> None:
        folder = files(__package__) / "assets"
        # Requests can only get these files; the path of a request is never opened.
        self._files = {
            file.name: file.read_bytes() for file in folder.iterdir() if re.search(r"\.(html|js|css)$", file.name)
        }
        # Diagrams and colours are those of the reports.
        for name in ("drawings.css", "surprise.css", "surprise.js"):
            self._files[name] = (files("seqloom.report") / "assets" / name).read_bytes()
        self._files["theme.css"] = theme.css_variables_by_choice().encode()

    async def index(self, request: Request) -> Response:
        """The HTML of the page."""
        return self._file("index.html")

    async def asset(self, request: Request) -> Response:
        """A script or style sheet of the page."""
        return self._file(request.path_params["name"])

    def _file(self, name: str) -> Response:
        if name not in self._files:
            raise HTTPError(404, "there is nothing here")
        return Response(self._files[name], media_type=_TYPES[name.rpartition(".")[2]], headers=_HEADERS)
