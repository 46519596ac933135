"""Texts that make a renderer work: families of many kinds, each with texts of any size."""

from itertools import count
from typing import NamedTuple


class Family(NamedTuple):
    """What is repeated, after what comes once. {} is a number, another one each time."""

    unit: str
    first: str = ""

    def text(self, size: int) -> str:
        """The text that has so many bytes in UTF-8, or by a part of a letter fewer."""
        pieces, left = [self.first], size - len(self.first.encode())
        many = 1 + (0 if "{}" in self.unit else 1000 // len(self.unit))
        for number in count():
            if left <= 0:
                break
            pieces.append(self.unit.replace("{}", str(number)) * many)
            left -= len(pieces[-1].encode())
        return "".join(pieces).encode()[:size].decode(errors="ignore")


_LONG = "x" * 20_000
_FORMATTING = "".join(f"<b title={number}>" for number in range(19))
_NEWLINES = "\n" * 3900
_COMMIT = "https://example.org/commit/0f1e2d"

KINDS: dict[str, list[str | Family]] = {
    "headings": ["# a\n", "#\n", "### Fixed\n\n- x\n\n", "a\n=\n", "# a{}\n", "# a-{}\n# a\n"],
    "references": [
        "[a{}]: /x\n",
        "[a]:\n",
        '[a]: b "c\n',
        Family("[a] ", "[a]: b\n\n"),
        Family("![a]", "[a]: b\n\n"),
        Family("[a][a]", "[a]: b\n\n"),
        Family("[a] ", f"[a]: /{_LONG}\n\n"),
        Family("![a]", f'[a]: b "{_LONG}"\n\n'),
    ],
    "brackets": ["[", "[] ", "[[]", "[a\n", "[x\ny\n", "](", "[a](", "[](<b", "[a][b] ", "[!"],
    "names": ["[[a]] ", "[[a b]] ", "[[ü b/c d]] ", "[[a|", "[[" + "x " * 90 + "]] ", "![[a#b "],
    "addresses": ["[a](b/c.html) ", "[a](Über%20uns/x%20y.html) "],
    "images": ["![", "![](", "![[", '![a](b "c") ', "![" * 40 + "a" + "](b)" * 40 + " "],
    "links": [
        "[a](/b) ",
        "[](" + "a" * 100,
        "[](a (b",
        "<http://a> ",
        "<a@b.c> ",
        "- [a](b)\n",
        "[" * 40 + "a" + "](b)" * 40 + " ",
        f"* [[`0f1e2d`]({_COMMIT})] - **http**: *fix* it [#{{}}]({_COMMIT})\n",
    ],
    "emphasis": ["*a ", "a**b", "*a_ ", "_*", "***a*** ", "~~a ", "*a " * 40 + "b*" * 40, "*a* "],
    "quotes": [">a\n", "> > a\n", "> a\n\n", "> " * 18 + "a\n", "> - a\n", ">"],
    "lists": ["- a\n", "-\n", "1. a\n", "1) a\n2. b\n", "- - - a\n", "- "],
    "tables": [
        Family("|b|\n", "|a" * 300 + "|\n" + "|-" * 300 + "|\n"),
        Family("|x|y|z|\n", "|a|b|c|\n|-|-|-|\n"),
        "|a|b|\n|-|-|\n\n",
        "|-|\n",
        "|a",
    ],
    "entities": ["&amp;", "&#1;", "&", "&lt;", "&#x", "<", "<a>", "<!--", "\\*"],
    "code": [
        "`a",
        "`a` ",
        "```\n",
        "    a\n",
        "``` {}\n",
        Family("<", "```\n"),
        Family("<", "```\n𝒂"),
        "```py\na = 1\n```\n",
        f"```java\n{_NEWLINES}```\n",
        f"```hcl\n{'-' * 3900}\n```\n",
        f"```make\n{'-' * 3900}\n```\n",
    ],
    "html": [
        "<b>",
        "<b>a</b> ",
        "</b>",
        "<a href=x>",
        "<br>",
        "<img src=x alt=y> ",
        "<!-- a -->",
        "<!-- a --> b ",
        '<a x="',
        "a<a x='",
        "<?",
        "<!a",
        "<p>\n\n",
        "<div>\n\na\n\n",
        "<details>\n\na\n\n</details>\n\n",
        Family("# a\n\n", "<details>\n\n"),
        Family("a\n\n", "<b>\n\n" * 15),
        Family("a\n\n", f"<p>\n{_FORMATTING}\n\n"),
        Family("a\n\n", "<table>\n\n"),
        Family("a\n\n", "<div>\n\n" * 20),
        Family("<p>a", _FORMATTING),
        "<p><b title={}>",
        "<table><tr><td>a",
        "<li>a ",
        "<script>",
        "*<b>*",
        Family(" b", "<a"),
        Family(" b", "a <a"),
        Family("-a", "a <!--"),
        Family("-a", "<!--"),
        Family(" a=b", "<a"),
    ],
    "footnotes": [
        Family("[^a] ", "[^a]: b\n\n"),
        Family("a[^a]\n\n", "[^a]: b\n\n"),
        "[^",
        "[^{}] ",
        "[^{}]: a\n",
        "[^{}]: a\n\n",
        "[^a]: b\n\n    c\n",
        "a[^{}]\n\n[^{}]: b\n\n",
    ],
    "bare links": [
        "www.a.b ",
        "http://a ",
        "b@c.d ",
        "http://",
        "www.",
        "a@",
        "a.",
        "b@c.",
        "(http://a)",
        Family(")", "http://a"),
        Family(";", "http://a"),
        Family("&a;", "http://a"),
        ":",
        "w",
    ],
    "notices": [
        "> [!NOTE]\n> a\n\n",
        "> [!NOTE]\n",
        "> [!tip]- a\n",
        "- > [!tip]\n",
        "- [ ] a\n",
        "- [x]\n",
        "!!! a\n",
        "!!! a\n    b\n\n",
        "??? a\n\n",
        "    " * 18 + "!!! a\n",
        "".join(" " * 4 * depth + "!!! a\n" for depth in range(18)),
        Family("a\n", "".join(" " * 4 * depth + "!!! a\n" for depth in range(18))),
        ":::note\n",
        ":::note\na\n:::\n",
        ":::",
        Family("a\n\n", "".join(":" * (30 - depth) + "note\n" for depth in range(18))),
        "/// note\n",
        "/// note | a\n    type: tip\nb\n///\n\n",
        "/// note\n    a: b\n",
    ],
    "definitions": ["a\n: b\n\n", "a\n: b\n", ": b\n", "a\n\n: b\n: c\n\n", "a\n~ ", "a\n:  - "],
    "formulas": ["$a$ ", "$a ", "$a", "$", "$$\n", "$$\na\n$$\n", "$$a\n", "$$a$$ ", "- $$\n"],
    "marked text": ["==a ", "==a== ", "==*a* ", "%%a ", "%%a%% ", "%%\n", "- %%\n"],
    "attributes": ["a\n{.b}\n\n", "{.a}\n\n", "){.a}", "`{.a ", "*{", "a ^bc\n\n", "- a ^bc\n"],
    "ids": ["# a {#b}\n", "# a {#b{}}\n", "# {#", '<a id="a{}"></a>\n'],
    "lines": [
        "\n",
        "a\n",
        "a\n\n",
        "a  \n",
        "a\\\n",
        "---\n",
        "\ta\n",
        " ",
        "a ",
        "a",
        "𝒂",
        "文",
        Family("a ", "𝒂"),
    ],
}
FAMILIES = {
    f"{kind}: {(family.first[:8] + family.unit)[:24]!r}": family
    for kind, families in KINDS.items()
    for family in (each if isinstance(each, Family) else Family(each) for each in families)
}
