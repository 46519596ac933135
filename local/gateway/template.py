"""What template.yaml says about routes, functions and schedules, as typed values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml


class TemplateError(ValueError):
    """The template holds something that cannot be run on one machine."""


@dataclass(frozen=True)
class Function:
    """A Lambda function: `handler` is "package.module.function", `timeout` seconds, `memory` MB."""

    name: str
    handler: str
    timeout: int
    memory: int


@dataclass(frozen=True)
class Authorizer:
    """The JWT authorizer of a route: a token needs any one of `scopes`, if there are any."""

    issuer: str
    audience: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    """A route of the HTTP API; `method` may be ANY, `path` may hold {name} and {name+}."""

    method: str
    path: str
    function: Function
    authorizer: Authorizer | None

    @property
    def key(self) -> str:
        """The route key as API Gateway writes it."""
        return self.path if self.path == "$default" else f"{self.method} {self.path}"


@dataclass(frozen=True)
class Schedule:
    """A function to call at a fixed interval."""

    function: Function
    every: timedelta


@dataclass(frozen=True)
class Template:
    """The parts of template.yaml that matter on one machine."""

    functions: Mapping[str, Function]
    routes: tuple[Route, ...]
    schedules: tuple[Schedule, ...]


def load(path: Path, parameters: Mapping[str, str]) -> Template:
    """Read the template at `path`; `parameters` go before the defaults it declares.

    Raises TemplateError for what it does not understand.
    """
    return _Reader(document(path), parameters).template()


def document(path: Path) -> dict[str, Any]:
    """What a template says, with the long forms of CloudFormation's functions.

    Raises TemplateError if it is not there, or no YAML.
    """
    try:
        found = parse(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise TemplateError(f"the template cannot be read: {reason}") from error
    if not isinstance(found, dict):
        raise TemplateError(f"{path} is no template")
    return found


def parse(text: str) -> dict[str, Any]:
    """The same of a template's text."""
    found: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506
    return found


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml's
    """YAML with CloudFormation's short forms: !Ref X is {Ref: X}, !Sub X is {Fn::Sub: X}."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.MappingNode):
        value: Any = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = node.value
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


class _Reader:
    def __init__(self, document: dict[str, Any], parameters: Mapping[str, str]) -> None:
        declared = document.get("Parameters", {})
        defaults = {name: each["Default"] for name, each in declared.items() if "Default" in each}
        self.parameters = {**defaults, **parameters}
        conditions = Conditions(document.get("Conditions", {}), self.parameters)
        self.globals = document.get("Globals", {}).get("Function", {})
        self.resources: dict[str, Any] = conditions.present(document["Resources"])

    def template(self) -> Template:
        functions = {name: self.function(name) for name in self.named("AWS::Serverless::Function")}
        return Template(
            functions=functions,
            routes=tuple(self.route(functions[name], event) for name, event in self.of("HttpApi")),
            schedules=tuple(
                self.schedule(functions[name], event) for name, event in self.of("Schedule")
            ),
        )

    def named(self, kind: str) -> list[str]:
        return [name for name, each in self.resources.items() if each["Type"] == kind]

    def of(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The functions' events of one `kind`."""
        for name in self.named("AWS::Serverless::Function"):
            for event in self.resources[name]["Properties"].get("Events", {}).values():
                if event["Type"] == kind:
                    yield name, event.get("Properties", {})

    def function(self, name: str) -> Function:
        properties = {"Timeout": 3, "MemorySize": 128} | self.globals
        properties |= self.resources[name]["Properties"]
        timeout, memory = (int(self.value(properties[key])) for key in ("Timeout", "MemorySize"))
        return Function(name, self.value(properties["Handler"]), timeout, memory)

    def route(self, function: Function, event: dict[str, Any]) -> Route:
        method, path = event.get("Method", "ANY").upper(), event.get("Path", "$default")
        return Route("ANY" if method == "*" else method, path, function, self.authorizer(event))

    def authorizer(self, event: dict[str, Any]) -> Authorizer | None:
        api = self.api(event)
        name = event.get("Auth", {}).get("Authorizer", api.get("DefaultAuthorizer", "NONE"))
        if name == "NONE":
            return None
        authorizer = api["Authorizers"][name]
        token = authorizer["JwtConfiguration"]
        audience = token["audience"] if isinstance(token["audience"], list) else [token["audience"]]
        scopes = event.get("Auth", {}).get("AuthorizationScopes")
        if scopes is None:
            scopes = authorizer.get("AuthorizationScopes", [])
        return Authorizer(
            self.value(token["issuer"]), tuple(map(self.value, audience)), tuple(scopes)
        )

    def api(self, event: dict[str, Any]) -> dict[str, Any]:
        """The Auth settings of the event's API."""
        if "ApiId" not in event:
            return {}
        auth: dict[str, Any] = self.resources[event["ApiId"]["Ref"]]["Properties"].get("Auth", {})
        return auth

    def value(self, value: Any) -> str:
        if not isinstance(value, dict):
            return str(value)
        name = value.get("Ref")
        if name not in self.parameters:
            raise TemplateError(f"{value} has no value here: give one for the parameter")
        return str(self.parameters[name])

    def schedule(self, function: Function, event: dict[str, Any]) -> Schedule:
        text = self.value(event["Schedule"])
        rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", text)
        if rate is None:
            raise TemplateError(f"{function.name}: {text} is not a rate(…)")
        return Schedule(function, timedelta(**{f"{rate[2]}s": int(rate[1])}))


NO_VALUE = {"Ref": "AWS::NoValue"}


class Conditions:
    """Decides the conditions of a template; a parameter without a value is like no text."""

    def __init__(self, declared: Mapping[str, Any], parameters: Mapping[str, object]) -> None:
        self._declared = declared
        self._parameters = parameters

    def hold(self, name: str) -> bool:
        """Whether the condition of this name holds."""
        return self._test(self._declared[name])

    def decide(self, value: Any) -> Any:
        """The same without !If: with the branch that each one takes."""
        if isinstance(value, list):
            return [each for each in map(self.decide, value) if each != NO_VALUE]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Fn::If"}:
            condition, then, otherwise = value["Fn::If"]
            return self.decide(then if self.hold(condition) else otherwise)
        decided = {name: self.decide(each) for name, each in value.items()}
        return {name: each for name, each in decided.items() if each != NO_VALUE}

    def present(self, section: Mapping[str, Any]) -> dict[str, Any]:
        """The resources (or outputs) that there are, each decided."""
        return {
            name: self.decide(each)
            for name, each in section.items()
            if "Condition" not in each or self.hold(each["Condition"])
        }

    def _test(self, expression: Mapping[str, Any]) -> bool:
        ((kind, operands),) = expression.items()
        match kind:
            case "Condition":
                return self.hold(operands)
            case "Fn::Not":
                return not self._test(operands[0])
            case "Fn::And":
                return all(map(self._test, operands))
            case "Fn::Or":
                return any(map(self._test, operands))
            case "Fn::Equals":
                one, other = map(self._text, operands)
                return one == other
        raise ValueError(f"{kind} is not understood in a condition")

    def _text(self, operand: Any) -> str:
        if isinstance(operand, dict):
            operand = self._parameters.get(operand["Ref"], "")
        return str(operand)
