"""The links of docs/tour.md lead to the definitions that they name."""

from benchmarks.tour_links import LINK, TOUR, line_of, updated


def test_links_lead_to_their_definitions() -> None:
    links = LINK.findall(TOUR.read_text(encoding="utf-8"))
    assert len(links) > 25
    # A few lines away is still on the screen; an edit elsewhere in a file should not fail this test.
    astray = [f"{name} in {path}" for name, path, line in links if abs(line_of(name, path) - int(line)) > 30]
    assert not astray, f"run python -m benchmarks.tour_links: {', '.join(astray)}"


def test_lines_are_set_anew() -> None:
    old = "[`line_of`](../benchmarks/tour_links.py#L1)"
    new = updated(old)
    assert new != old
    assert updated(new) == new
