"""Conditions: what is left of a CloudFormation template once its parameters have values."""

from collections.abc import Mapping
from typing import Any

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
