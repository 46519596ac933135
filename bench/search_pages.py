"""Generated pages to search, the same each time, and what people ask for among them.

The words are made up and as frequent as words are (Zipf's law). In English the most frequent are
the real ones, and the others have forms.
"""

import random
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import accumulate
from typing import NamedTuple

from bench.prose import LETTERS

STOP_WORDS = (
    *("the", "of", "and", "to", "in", "is", "that", "for", "it", "with", "as", "on", "be", "this"),
    *("are", "by", "you", "or", "not", "from", "have", "can", "an", "at", "if", "which", "will"),
    *("one", "all", "when"),
)
NAMES = (
    *("vue.js", "os.path", "C#", "C++", "F#", "TLS/1.3", "node.js", "asp.net", "std::vector"),
    *("x86_64", "utf-8", "ISO-8859-1", "http/2", "3.14", "@types/node", "a.out", "/etc/hosts"),
    *("user@example.org", "<br>", "$HOME"),
)
FLAGS = (
    *("--dry-run", "-xf", "--no-cache", "--force", "-v", "--depth", "--all", "-rf", "--amend"),
    "--verbose",
)
# Of each language so many of a hundred pages.
_SHARES = {"en": 55, "de": 15, "fr": 10, "ru": 8, "zh": 12}
_CYRILLIC = "оооооеееееаааааииииннннттттссссррррввввллллккккммммддддппппууяыьгзбчйхжшю"
_WORDS, _IDEOGRAPHS = 20_000, 2_500
_FORMS = ("", "", "", "s", "ed", "ing")
_SHORTEST, _LONGEST, _TYPICAL_BYTES = 300, 30_000, 2_200
_SEED = 7


@dataclass(frozen=True)
class Page:
    """A page, and what an author says of it."""

    slug: str
    lang: str
    title: str
    headings: tuple[str, ...]
    paragraphs: tuple[str, ...]
    tags: tuple[str, ...]
    links: tuple[str, ...]

    @property
    def plain(self) -> str:
        """Its text without markup."""
        return "\n".join([self.title, *self.headings, *self.paragraphs])

    @property
    def markdown(self) -> str:
        """Its source."""
        parts = [f"---\ntitle: {self.title}\nlang: {self.lang}\n---"]
        for number, paragraph in enumerate(self.paragraphs):
            if number < len(self.headings):
                parts.append(f"## {self.headings[number]}")
            parts.append(paragraph.replace("<", r"\<"))
        parts += [f"- [[{link}]]" for link in self.links]
        return "\n\n".join(parts) + "\n"


class Query(NamedTuple):
    """What somebody types; and if that is not in the pages as it is, the whole words that are."""

    typed: str
    meant: str = ""


@dataclass(frozen=True)
class _Language:
    """The words of a language, the most frequent first, and what stands between them."""

    words: tuple[str, ...]
    between: str = " "

    @cached_property
    def heights(self) -> list[float]:
        """Zipf's law: the nth word is used 1/n as often as the first."""
        return [*accumulate(1 / (rank + 3) for rank in range(len(self.words)))]

    def some(self, chance: random.Random, count: int) -> list[str]:
        """So many words of a text."""
        return chance.choices(self.words, cum_weights=self.heights, k=count)


def page(number: int, size: int | None = None) -> Page:
    """The page with a number; with a size, of about so many bytes."""
    chance = random.Random(f"{_SEED} {number}")
    lang = _lang(number)
    bytes_ = size or min(_LONGEST, max(_SHORTEST, chance.lognormvariate(0, 0.9) * _TYPICAL_BYTES))
    language = _language(lang)
    paragraphs, left = list[str](), int(bytes_)
    while left > 0:
        paragraphs.append(_paragraph(language, chance, min(left, chance.randint(200, 700))))
        left -= len(paragraphs[-1].encode()) + 1
    headings = (_line(language, chance, 2, 5) for _ in range(len(paragraphs) // 3))
    return Page(
        _slug(number),
        lang,
        _line(language, chance, 2, 4),
        tuple(headings),
        tuple(paragraphs),
        (f"topic-{chance.randint(1, 60)}",),
        tuple(_slug(int(chance.paretovariate(0.7)) % 2000) for _ in range(len(paragraphs) // 2)),
    )


def _slug(number: int) -> str:
    return f"{_lang(number)}/part-{number % 97}/page-{number}"


@lru_cache(maxsize=3000)
def _lang(number: int) -> str:
    chance = random.Random(f"{_SEED} language {number}")
    return chance.choices([*_SHARES], [*_SHARES.values()])[0]


def _paragraph(language: _Language, chance: random.Random, size: int) -> str:
    words, left = list[str](), size
    while left > 0:
        some = language.some(chance, 12)
        if chance.random() < 0.06:
            some.append(f" {chance.choice((*NAMES, *FLAGS))} ")
        words.append(language.between.join(some).capitalize() + ".")
        left -= len(words[-1].encode()) + 1
    return " ".join(words)


def _line(language: _Language, chance: random.Random, least: int, most: int) -> str:
    # A title says what a page is about: it has few of the most frequent words.
    lowest, highest = language.heights[-1] * 0.3, language.heights[-1]
    places = (
        bisect(language.heights, chance.uniform(lowest, highest))
        for _ in range(chance.randint(least, most))
    )
    return language.between.join(language.words[place] for place in places).capitalize()


@cache
def _language(lang: str) -> _Language:
    chance = random.Random(f"{_SEED} {lang}")
    if lang == "zh":
        characters = [chr(code) for code in range(0x4E00, 0x4E00 + 3 * _IDEOGRAPHS, 3)]
        chance.shuffle(characters)
        pairs = ("".join(chance.choices(characters, k=2)) for _ in range(_WORDS))
        return _Language(tuple(characters[:300]) + tuple(pairs), "")
    letters = _CYRILLIC if lang == "ru" else LETTERS
    made = dict.fromkeys(STOP_WORDS if lang == "en" else ())
    while len(made) < _WORDS:
        longest = 4 + min(len(made), 120) // 20
        word = "".join(chance.choices(letters, k=chance.randint(2, longest)))
        made[word + (chance.choice(_FORMS) if lang == "en" and len(word) > 3 else "")] = None
    return _Language(tuple(made))


def _word(chance: random.Random, first: int, last: int) -> str:
    return _language("en").words[chance.randint(first, last)]


def _of_page(chance: random.Random, pages: int, lang: str) -> Page:
    return next(
        one for one in iter(lambda: page(chance.randrange(pages)), None) if one.lang == lang
    )


def _phrase(chance: random.Random, pages: int) -> str:
    words = _of_page(chance, pages, "en").paragraphs[0].partition(".")[0].split()
    first = chance.randrange(len(words) - 3)
    return f'"{" ".join(words[first : first + 3])}"'


def _run(chance: random.Random, pages: int) -> str:
    text = _of_page(chance, pages, "zh").paragraphs[0]
    first = chance.randrange(min(len(text), 30) - 4)
    return text[first : first + chance.randint(2, 4)]


def _title(chance: random.Random, pages: int) -> str:
    return page(chance.randrange(pages)).title


def _long(chance: random.Random) -> str:
    while len(word := _word(chance, 3000, 9000)) < 7:
        pass
    return word


def _flag(chance: random.Random) -> Query:
    flag = chance.choice(FLAGS)
    return Query(flag, flag.lstrip("-"))


def _beginning(chance: random.Random) -> Query:
    word = _long(chance)
    return Query(word[:-2] + "q"[: chance.randint(0, 1)], word)


def _slip(chance: random.Random) -> Query:
    word = _long(chance)
    at = chance.randrange(1, len(word) - 2)
    return Query(word[:at] + word[at + 1] + word[at] + word[at + 2 :], word)


def _some(chance: random.Random) -> Query:
    words = f"{_word(chance, 300, 900)} {_word(chance, 300, 900)}"
    return Query(f"{words} qxzvnk", words)


# By kind, what is asked for among so many pages.
QUERIES: dict[str, Callable[[random.Random, int], Query]] = {
    "rare word": lambda chance, _: Query(_word(chance, 9000, 18_000)),
    "two words": lambda chance, _: Query(f"{_word(chance, 300, 1500)} {_word(chance, 300, 1500)}"),
    "common word": lambda chance, _: Query(_word(chance, 0, 25)),
    "ten stop words": lambda chance, _: Query(" ".join(chance.sample(STOP_WORDS[:20], 10))),
    "phrase": lambda chance, pages: Query(_phrase(chance, pages)),
    "name with signs": lambda chance, _: Query(chance.choice(NAMES)),
    "flag": lambda chance, _: _flag(chance),
    "Chinese run": lambda chance, pages: Query(_run(chance, pages)),
    "title": lambda chance, pages: Query(_title(chance, pages)),
    "beginning": lambda chance, _: _beginning(chance),
    "slip": lambda chance, _: _slip(chance),
    "some": lambda chance, _: _some(chance),
}
