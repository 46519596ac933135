"""Markdown that compresses like prose: words of a made-up language, the frequent ones short."""

import random
from functools import cache

# As often as in English, about.
LETTERS = "eeeeeeeeeeetttttttaaaaaaaooooooiiiiiinnnnnnssssssrrrrrhhhhhlllldddcccuuummfpgwybvk"
WORDS = 4000
SEED = 7


@cache
def vocabulary() -> tuple[str, ...]:
    """The words of the language, the most frequent one first."""
    chance = random.Random(SEED)
    return tuple(_word(chance, rank) for rank in range(WORDS))


def markdown(words: int, seed: int = SEED) -> str:
    """A page of `words` words with headings, emphasis, lists and links; one for each seed."""
    chance = random.Random(seed)
    # Zipf's law: the nth word is used 1/n as often as the first.
    weights = [1 / (rank + 3) for rank in range(WORDS)]
    spoken = iter(chance.choices(vocabulary(), weights, k=words + 500))
    blocks, used = ["# A page to measure"], 0
    while used < words:
        size = chance.randint(25, 90)
        blocks.append(_block(chance, [next(spoken) for _ in range(size)]))
        used += size
    return "\n\n".join(blocks) + "\n"


def _word(chance: random.Random, rank: int) -> str:
    return "".join(chance.choices(LETTERS, k=chance.randint(2, 4 + min(rank, 60) // 10)))


def _block(chance: random.Random, words: list[str]) -> str:
    link = f"[{' '.join(words[:2])}](/guide/{words[0]})"
    return chance.choice(
        [
            f"## {' '.join(words[:4])}\n\n{_sentences(words[4:])}",
            "\n".join(f"- {' '.join(words[at : at + 8])}" for at in range(0, len(words), 8)),
            *[f"{_sentences(words[2:-3])} See {link}, *{' '.join(words[-3:])}*."] * 4,
        ]
    )


def _sentences(words: list[str]) -> str:
    parts = [words[at : at + 11] for at in range(0, len(words), 11)]
    return " ".join(f"{' '.join(part).capitalize()}." for part in parts)
