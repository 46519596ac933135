"""The contracts of imports: they know every function."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_contracts_know_every_function() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert set(settings["root_packages"]) == functions | {"sheaf", "local", "ops"}
    layers = settings["contracts"][0]["layers"]
    assert set(layers[2].split(" | ")) == functions
    for contract in settings["contracts"]:
        named = set(contract.get("source_modules", ())) & functions
        assert named in (set(), functions), contract["name"]
