"""Highlighting: code of known languages in colours, by classes, as Pygments reads it.

It is decoration, and may take little: a text has so much of it and no more, and goes without the
rest. Pygments is imported when the first code comes that it is for.
"""

import re
import time
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib import import_module
from itertools import groupby
from typing import Any

# Module and class in pygments.lexers, and the names that people use. Lexers that were found to take
# a second for 4,000 letters, whatever is in them, are not here (such as that of INI files).
_LEXERS = {
    "c_cpp:CLexer": "c h",
    "c_cpp:CppLexer": "cpp c++ cc cxx hpp",
    "configs:DockerLexer": "docker dockerfile",
    "configs:NginxConfLexer": "nginx",
    "configs:TOMLLexer": "toml",
    "configs:TerraformLexer": "hcl terraform tf",
    "css:CssLexer": "css",
    "css:ScssLexer": "scss",
    "data:JsonLexer": "json json5 jsonc",
    "data:YamlLexer": "yaml yml",
    "diff:DiffLexer": "diff patch udiff",
    "dotnet:CSharpLexer": "csharp c# cs",
    "erlang:ElixirLexer": "elixir ex exs",
    "go:GoLexer": "go golang",
    "graphql:GraphQLLexer": "graphql",
    "haskell:HaskellLexer": "haskell hs",
    "html:HtmlLexer": "html htm vue svelte",
    "html:XmlLexer": "xml svg rss",
    "javascript:DartLexer": "dart",
    "javascript:JavascriptLexer": "javascript js jsx mjs cjs",
    "javascript:TypeScriptLexer": "typescript ts tsx",
    "jvm:JavaLexer": "java",
    "jvm:KotlinLexer": "kotlin kt",
    "jvm:ScalaLexer": "scala",
    "make:MakefileLexer": "make makefile",
    "perl:PerlLexer": "perl pl",
    "php:PhpLexer": "php",
    "python:PythonLexer": "python py python3 pyi",
    "r:SLexer": "r",
    "ruby:RubyLexer": "ruby rb",
    "rust:RustLexer": "rust rs",
    "shell:BashLexer": "bash sh shell zsh console shellsession shell-session",
    "shell:PowerShellLexer": "powershell ps1 pwsh",
    "sql:SqlLexer": "sql",
}
_LEXER_OF = {name: lexer for lexer, names in _LEXERS.items() for name in names.split()}
_LANGUAGE = re.compile(r"\s*\{?[ \t]*\.?([\w+#-]+)")
_MAX_CODE = 4_000
_MAX_CODE_OF_TEXT = 40_000
# What patterns of others cost cannot be counted. Ordinary code of a whole text takes a tenth.
_MAX_SECONDS = 0.3
_TOKENS_AT_ONCE = 16

# Of Pygments' types these are told apart, by the short names that styles for it know.
_CLASS_OF = {
    ("Comment",): "c",
    ("Generic", "Deleted"): "gd",
    ("Generic", "Heading"): "gh",
    ("Generic", "Inserted"): "gi",
    ("Generic", "Subheading"): "gh",
    ("Keyword",): "k",
    ("Literal", "Number"): "m",
    ("Literal", "String"): "s",
    ("Name", "Attribute"): "na",
    ("Name", "Builtin"): "nb",
    ("Name", "Class"): "nf",
    ("Name", "Decorator"): "nf",
    ("Name", "Function"): "nf",
    ("Name", "Tag"): "k",
    ("Operator", "Word"): "k",
}
CLASSES = set(_CLASS_OF.values())


class Highlighter:
    """What gives the code of one text its colours, for as long as there is something left."""

    def __init__(self) -> None:
        self._letters = _MAX_CODE_OF_TEXT
        self._seconds = _MAX_SECONDS

    def html(self, code: str, info: str) -> str | None:
        """A block of code with what stands behind its fence; None if it stays as it is."""
        found = _LANGUAGE.match(info)
        language = found[1].lower() if found else ""
        lexer = _LEXER_OF.get(language)
        if not lexer or len(code) > min(_MAX_CODE, self._letters) or self._seconds <= 0:
            return None
        self._letters -= len(code)
        pieces = self._pieces(code, lexer)
        inner = "".join(pieces) if self._seconds > 0 else escape(code, quote=False)
        return f'<pre><code class="language-{language}">{inner}</code></pre>\n'

    def _pieces(self, code: str, lexer: str) -> list[str]:
        return [
            f'<span class="{name}">{text}</span>' if name else text
            for name, tokens in groupby(self._tokens(code, lexer), key=_class_of)
            if (text := escape("".join(token[2] for token in tokens), quote=False))
        ]

    def _tokens(self, code: str, lexer: str) -> Iterator[tuple[int, Any, str]]:
        started = time.process_time()
        left = self._seconds
        for number, token in enumerate(_lexer(lexer).get_tokens_unprocessed(code)):
            # To look at this clock takes as long as a token.
            if number % _TOKENS_AT_ONCE == 0:
                self._seconds = left - (time.process_time() - started)
            if self._seconds <= 0:
                return
            yield token


def _class_of(token: tuple[int, Any, str]) -> str:
    kind = token[1]
    return _CLASS_OF.get(kind[:2]) or _CLASS_OF.get(kind[:1]) or ""


@cache
def _lexer(name: str) -> Any:
    module, class_name = name.split(":")
    # PHP is shown without its opening tag; the others do not look at this.
    return getattr(import_module(f"pygments.lexers.{module}"), class_name)(startinline=True)
