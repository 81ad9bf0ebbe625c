"""Names of games."""

import pytest

from seqloom.errors import FictionError
from seqloom.fiction.games import find_game


def test_games_are_found_by_name() -> None:
    game = find_game("Cloak")
    assert game.open().title == "Cloak of Darkness"


def test_unknown_games_are_one_message() -> None:
    with pytest.raises(FictionError, match=r"there is no game 'cloack'; did you mean cloak\?"):
        find_game("cloack")
    with pytest.raises(
        FictionError, match="there is no game 'x'; the games are cloak, adventure, zork1, or name a story file"
    ):
        find_game("x")
