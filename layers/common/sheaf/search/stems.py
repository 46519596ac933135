"""Stems: what the forms of a word have in common, by the language of the text that it is in.

They are those of Snowball (Porter, 2001). Of words as they are folded: so a word that was typed
without its accents has the stem that it has with them. And of words as they are spelled: many
endings are none without their accents.
"""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any

import Stemmer

# Snowball's names, by language and by the script that it is written in.
_ALGORITHMS = {
    "latin": {
        "ca": "catalan",
        "cs": "czech",
        "da": "danish",
        "de": "german",
        "en": "english",
        "es": "spanish",
        "et": "estonian",
        "eu": "basque",
        "fi": "finnish",
        "fr": "french",
        "ga": "irish",
        "hu": "hungarian",
        "id": "indonesian",
        "it": "italian",
        "lt": "lithuanian",
        "nb": "norwegian",
        "nl": "dutch",
        "nn": "norwegian",
        "no": "norwegian",
        "pl": "polish",
        "pt": "portuguese",
        "ro": "romanian",
        "sv": "swedish",
        "tr": "turkish",
    },
    "greek": {"el": "greek"},
    "cyrillic": {"ru": "russian", "sr": "serbian"},
    "armenian": {"hy": "armenian"},
    "hebrew": {"yi": "yiddish"},
    "arabic": {"ar": "arabic", "fa": "persian"},
    "devanagari": {"hi": "hindi", "ne": "nepali"},
    "tamil": {"ta": "tamil"},
}
# What a word is taken for where its text does not say, or is in a language of another script.
_USUAL = {
    "latin": "en",
    "greek": "el",
    "cyrillic": "ru",
    "armenian": "hy",
    "arabic": "ar",
    "devanagari": "hi",
    "tamil": "ta",
}
# Where scripts are, the last code point of each; what is between them has no stems.
_SCRIPTS = (
    (0x002F, ""),
    (0x024F, "latin"),
    (0x036F, ""),
    (0x03FF, "greek"),
    (0x052F, "cyrillic"),
    (0x058F, "armenian"),
    (0x05FF, "hebrew"),
    (0x06FF, "arabic"),
    (0x08FF, ""),
    (0x097F, "devanagari"),
    (0x0B7F, ""),
    (0x0BFF, "tamil"),
    (0x1DFF, ""),
    (0x1EFF, "latin"),
    (0x1FFF, "greek"),
)
_LASTS = [last for last, _ in _SCRIPTS]
_LATIN = bisect_left(_LASTS, ord("a"))
_SCRIPT_OF = {lang: script for script, langs in _ALGORITHMS.items() for lang in langs} | {
    # Languages without stems, in which a word of another script is none of theirs.
    **dict.fromkeys(("be", "bg", "kk", "mk", "mn", "uk"), "cyrillic"),
    **dict.fromkeys(("he",), "hebrew"),
    **dict.fromkeys(("ur", "ps", "ug"), "arabic"),
    **dict.fromkeys(("mr", "sa"), "devanagari"),
    **dict.fromkeys(("ja", "ko", "zh", "th", "lo", "km", "my", "ka", "am", "bn", "te", "si"), ""),
}
# A stem by itself is one of a word that was cut short, and of too many others.
_LEAST = 3
# So many words of an algorithm are remembered: some two megabytes.
_MOST_KNOWN = 10_000
_thread = threading.local()


def stem(word: str, lang: str = "") -> str:
    """The stem of a folded word in a text of this language (such as `pt-BR`; "": it says none).

    A word has itself for one in a language of which no stems are known.
    """
    return each([word], lang)[word]


def each(words: Collection[str], lang: str) -> dict[str, str]:
    """The stem of each of these words, as `stem` has it."""
    algorithms = _algorithms(primary(lang))
    if "".join(words).isascii():
        # To ask each for its script would take as long as its stem.
        return _each_by(algorithms[_LATIN], words)
    alike, found = defaultdict[str | None, list[str]](list), dict[str, str]()
    for word in words:
        alike[algorithms[bisect_left(_LASTS, ord(word[0]))]].append(word)
    for algorithm, own in alike.items():
        found |= _each_by(algorithm, own)
    return found


def _each_by(algorithm: str | None, words: Collection[str]) -> dict[str, str]:
    if algorithm is None:
        return dict(zip(words, words, strict=True))
    known = _known(algorithm)
    found = {word: known.get(word, "") for word in words}
    if new := [word for word, stem in found.items() if not stem]:
        stems = zip(new, _stemmer(algorithm).stemWords(new), strict=True)
        worked_out = {word: stem if len(stem) >= _LEAST else word for word, stem in stems}
        found |= worked_out
        if len(known) > _MOST_KNOWN:
            known.clear()
        known.update(worked_out)
    return found


@cache
def _known(_algorithm: str) -> dict[str, str]:
    """Stems that were worked out before: most words of a text are in others, too."""
    return {}


@lru_cache(maxsize=256)
def _algorithms(language: str) -> list[str | None]:
    """By the place of a script among _SCRIPTS, that for its words; None behind them, too."""
    return [*(_algorithm(script, language) for _, script in _SCRIPTS), None]


def _algorithm(script: str, language: str) -> str | None:
    if not language or _SCRIPT_OF.get(language, script) != script:
        language = _USUAL.get(script, "")
    return _ALGORITHMS.get(script, {}).get(language)


def are_known(lang: str) -> bool:
    """Whether words in a language have other stems than themselves."""
    return any(lang in langs for langs in _ALGORITHMS.values())


def primary(lang: str) -> str:
    """The language alone of a tag such as `pt-BR` or `pt_BR`."""
    return lang.replace("_", "-").partition("-")[0].lower()


@lru_cache(maxsize=4096)
def stems(word: str, langs: tuple[str, ...]) -> tuple[str, ...]:
    """The stems that a word may have in texts of these languages, or of none, each once."""
    return tuple(dict.fromkeys(stem(word, lang) for lang in ("", *langs)))


def _stemmer(algorithm: str) -> Any:
    # One is not for several threads.
    known = _thread.__dict__
    if algorithm not in known:
        # To look a word up in its own cache takes it longer than to work it out.
        known[algorithm] = Stemmer.Stemmer(algorithm, maxCacheSize=0)
    return known[algorithm]
