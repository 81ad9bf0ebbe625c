import pytest

from seqloom.errors import ConfigError
from seqloom.serve.origins import parse_origins


def test_origins_are_as_browsers_send_them() -> None:
    given = ["https://Example.org/", "http://localhost:3000", "*", "chrome-extension://abc"]
    assert parse_origins(given) == ["https://example.org", "http://localhost:3000", "*", "chrome-extension://abc"]


@pytest.mark.parametrize("origin", ["example.org", "https://example.org/page", "", "https://", "localhost:3000"])
def test_what_no_browser_would_send_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match="expected an origin such as"):
        parse_origins([origin])
