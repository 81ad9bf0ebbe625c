"""How a text becomes tokens, before anything is trained on it: bytes a token, and characters outside the vocabulary.

Input: a corpus and a recipe; output: facts about each split. The tokenizer is the one that the recipe would train.
"""

from collections import Counter
from itertools import islice

from seqloom.config import Settings
from seqloom.corpus import Corpus
from seqloom.corpus.corpus import Split
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe
from seqloom.run.prepare import train_tokenizer
from seqloom.tasks import task_of
from seqloom.tokenizer import Tokenizer
from seqloom.tokenizer.codec import NUM_RESERVED

# The documents of each split that are encoded.
_MOST_DOCUMENTS = 2000
_MOST_CHARACTERS = 2_000_000


class SplitTokens(Settings):
    """How the text of a split becomes tokens, from its first two million characters.

    Attributes:
        num_bytes: the bytes that were encoded.
        num_tokens: their tokens.
        bytes_per_token: bytes for one token.
        outside: characters that no token of the vocabulary contains, the most frequent first, up to 40. They are spelled by
            their bytes, so nothing is lost, at two tokens a byte.
        num_outside: how often they occur.
    """

    num_bytes: int
    num_tokens: int
    bytes_per_token: float
    outside: str
    num_outside: int


class TokenFacts(Settings):
    """How a corpus becomes tokens.

    Attributes:
        recipe: the recipe whose tokenizer it is.
        tokenizer: the tokenizer, in words.
        splits: facts by split.
    """

    recipe: str
    tokenizer: str
    splits: dict[str, SplitTokens]


def token_facts(corpus: Corpus, recipe: Recipe, progress: Progress | None = None) -> TokenFacts:
    """Trains the tokenizer of a recipe on the training text, and encodes the beginning of each split.

    Raises:
        SeqloomError: the recipe does not fit the corpus.
    """
    task = task_of(corpus.kind)
    task.check(recipe, corpus.name)
    settings = task.tokenizer_settings(recipe.tokenizer, corpus)
    tokenizer = train_tokenizer(task.tokenizer_split(corpus), settings, progress or Silent())
    splits = (corpus.train, corpus.val, *corpus.tests.values())
    return TokenFacts(
        recipe=recipe.name,
        tokenizer=tokenizer.describe(),
        splits={split.name: _encode(split, tokenizer) for split in splits},
    )


def _encode(split: Split, tokenizer: Tokenizer) -> SplitTokens:
    letters: Counter[str] = Counter()
    num_bytes = num_tokens = num_characters = 0
    for document in islice(split.documents(), _MOST_DOCUMENTS):
        text = tokenizer.normalise(document.text[: _MOST_CHARACTERS - num_characters])
        letters.update(text)
        num_characters += len(text)
        num_bytes += len(text.encode())
        num_tokens += len(tokenizer.target.encode([text])[0])
        if num_characters >= _MOST_CHARACTERS:
            break
    # Characters outside the vocabulary become ids of half bytes, which follow the special ids.
    outside = [
        (char, count)
        for char, count in letters.most_common()
        if (tokenizer.target.encode([char])[0] < NUM_RESERVED).any()
    ]
    return SplitTokens(
        num_bytes=num_bytes,
        num_tokens=num_tokens,
        bytes_per_token=round(num_bytes / max(1, num_tokens), 3),
        outside="".join(char for char, _ in outside if char.isprintable())[:40],
        num_outside=sum(count for _, count in outside),
    )
