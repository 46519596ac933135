"""Every kind of document that the site has for people, for whoever looks at them all."""

from tests.browser.api import Api

# For a page of some name with two versions; others were deleted, have moved, or never were.
_ADDRESSES = [
    "/{}",
    "/-/edit/{}",
    "/-/edit/{}-none",
    "/-/history/{}",
    "/-/history/{}?version=1",
    "/-/history/{}-deleted",
    "/-/history/{}-deleted?version=1",
    "/-/history/{}-moved",
    "/-/diff/{}?from=1&to=2",
    "/-/backlinks/{}",
    "/{}-none",
    "/{}-deleted",
    "/no%20such%20address",
    "/-/diff/{}?from=1&to=2&view=side",
    "/-/move/{}",
    "/-/new",
    "/-/new?title=Leaf&folder=browser",
    "/-/similar/{}-none",
    "/-/history/{}?version=x",
    "/-/recent",
    "/-/recent?folder=browser&imports=1",
    "/-/recent?author=nobody-like-it",
    "/-/tree",
    "/-/tree/browser",
    "/browser",
    "/-/tags",
    "/-/tags?tag=tea",
    "/-/tags?tag=nothing-like-it",
    "/-/users",
    "/-/users/bob",
    "/-/search",
    "/-/search?q=leaf",
    "/-/search?q=nothing-like-it",
    "/-/sign-in",
]
_TEXT = """---
tags: [tea, 日本語]
---
# Leaf

Some `code`, **strong** words, and [a link](other.md).

## A table, and *more*

| a | b |
| - | - |
| 1 | 2 |

- one
- two

> quoted

مرحبا بالعالم

```text
a long line of code that goes on and on, so that it does not fit on a phone, nor on any desk
```

- [x] done
- [ ] to do, see the note[^1]

[^1]: A note, with https://example.org in it.

> [!NOTE]
> A note with [a link](other.md).

> [!TIP]
> A tip with [a link](other.md).

:::important[Important *things*]
With [a link](other.md).
:::

!!! warning
    With [a link](other.md).

??? danger "Folded"
    With [a link](other.md).

## As [linked](other.md)

### Below that

Term
: Definition with <kbd>Ctrl</kbd>, H<sub>2</sub>O and $a_1 + b_2$

<details open><summary>More</summary>

What is *more*.

</details>

```python
@leaf
def fall(height: int) -> str:
    return f"{height}" + "x"  # slowly
```

```diff
-before
+after
```
"""


def prepare(api: Api, name: str) -> None:
    """Make the pages."""
    for ending in ("", "-deleted", "-moved"):
        api.create(f"{name}{ending}", _TEXT)
        api.update(f"{name}{ending}", _TEXT.replace("one", "uno"))
    api.remove(f"{name}-deleted")
    api.move(f"{name}-moved", f"{name}-there")


def addresses(name: str) -> list[str]:
    """Where the documents are, once they were prepared."""
    return [address.format(name) for address in _ADDRESSES]
