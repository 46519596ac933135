"""Mutants: which there are of a module, and what they are called."""

from tests.mutants.mutations import mutate

SOURCE = '''"""A module of 3 lines."""

LIMIT: int = 16
SCRIPT = Script("""
-- KEYS[1] is a key.
if redis.call('GET', KEYS[2]) == 'x' and left > 0 then return 0 end
redis.call('SET', KEYS[2], 'y', 'NX', 'PX', 5)
""")


class Page:
    def cut(self, rows: list[int], more: bool = False) -> list[int]:
        """At most LIMIT + 1 rows."""
        if not rows:
            raise ValueError("There are no 0 rows.")
        note(self, rows)
        return rows[:LIMIT] if len(rows) <= LIMIT else and_(more, LIMIT)
'''


def changes(scope: str) -> list[str]:
    """What is changed in a definition."""
    return [mutant.change for mutant in mutate(SOURCE, "page.py") if mutant.scope == scope]


def test_constants_are_changed() -> None:
    assert changes("LIMIT") == ["= 16 → = 17"]


def test_lua_is_changed_but_not_its_comments() -> None:
    assert changes("SCRIPT") == [
        "KEYS[2]) == 'x' → KEYS[2]) ~= 'x'",
        "left > 0 → left >= 0",
        "'x' and left → 'x' or left",
        "'y', 'NX', 'PX', 5) → 'y', 'PX', 5)",
        "if redis.call('GET', KEYS[2]) == 'x' and left > 0 then return 0 end → nothing",
        "redis.call('SET', KEYS[2], 'y', 'NX', 'PX', 5) → nothing",
        "redis.call('GET', KEYS[2]) == → redis.call('GET', KEYS[3]) ==",
        "> 0 then → > 1 then",
        "return 0 end → return 1 end",
        "redis.call('SET', KEYS[2], 'y', → redis.call('SET', KEYS[3], 'y',",
        "'PX', 5) → 'PX', 6)",
    ]


def test_statements_arguments_and_operators_are_changed() -> None:
    assert changes("Page.cut") == [
        "= False) -> → = True) ->",
        'if not rows: raise ValueError("There are no 0 rows.") → pass',
        "if not rows: → if rows:",
        'raise ValueError("There are no 0 rows.") → pass',
        "note(self, rows) → pass",
        "note(self, rows) → note(rows)",
        "note(self, rows) → note(self, )",
        "if len(rows) <= LIMIT else → if (len(rows) <= LIMIT) and False else",
        "if len(rows) <= LIMIT else → if (len(rows) <= LIMIT) or True else",
        "len(rows) <= LIMIT → len(rows) < LIMIT",
        "else and_(more, LIMIT) → else and_(LIMIT)",
        "and_(more, LIMIT) → and_(more, )",
    ]


def test_a_mutant_is_the_whole_text_with_the_change() -> None:
    (mutant,) = (each for each in mutate(SOURCE, "page.py") if each.scope == "LIMIT")
    assert mutant.text == SOURCE.replace("= 16", "= 17")
    assert str(mutant) == "page.py:3 LIMIT: = 16 → = 17"
    assert mutant.key == "page.py LIMIT: = 16 → = 17"


def test_every_mutant_has_a_key_of_its_own() -> None:
    keys = [mutant.key for mutant in mutate(SOURCE * 2, "page.py")]
    assert len(keys) == len(set(keys))
