"""The two windows, from display commands."""

from seqloom.fiction.zmachine.screen import read_screen


def test_text_and_status_line_are_told_apart() -> None:
    stream = "Taken.\n\n><top><at 1 1><invert>          <at 1 2>Kitchen<at 1 12>Score: 0<normal><bottom>"
    screen = read_screen(stream, in_upper=False)
    assert screen.lower == "Taken.\n\n>"
    assert screen.upper_lines() == [" Kitchen   Score: 0"]


def test_a_less_than_sign_is_text() -> None:
    assert read_screen("1 << 2<bold>!", in_upper=False).lower == "1 < 2!"


def test_menus_have_rows_and_can_be_cleared() -> None:
    screen = read_screen("one\ntwo<at 5 3>five<at 5 3>F<clear top>x<at 2 2>y", in_upper=True)
    assert screen.upper_lines() == [" y", "   x"] or screen.upper_lines() == [" y", "   x".rjust(4)]


def test_positions_far_outside_paint_little() -> None:
    screen = read_screen("<top><at 65535 3>x<at 3 60000>y", in_upper=False)
    assert all(len(line) <= 255 for line in screen.upper_lines())
    assert len(screen.upper) <= 1
