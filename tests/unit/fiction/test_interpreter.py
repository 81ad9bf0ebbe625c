"""The protocol's own functions."""

from seqloom.fiction.interpreter import GrammarLine, Words


def test_verbs_and_prepositions_follow_from_the_grammar() -> None:
    grammar = (
        GrammarLine(("put", "hang"), ("<thing>", "on/onto", "<thing>")),
        GrammarLine(("put",), ("on", "<thing>")),
        GrammarLine(("look",), ()),
    )
    words = Words(grammar, ("cloak",))
    assert words.verbs == ("put", "hang", "look")
    assert words.prepositions == ("on", "onto")
