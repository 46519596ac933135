import pytest

from local.gateway.template import NO_VALUE, Conditions

DECLARED = {
    "Big": {"Fn::Equals": [{"Ref": "Size"}, "9"]},
    "Small": {"Fn::Not": [{"Condition": "Big"}]},
    "Either": {"Fn::Or": [{"Condition": "Big"}, {"Condition": "Small"}]},
    "Both": {"Fn::And": [{"Condition": "Big"}, {"Condition": "Small"}]},
}


@pytest.mark.parametrize(("size", "true"), [(9, {"Big", "Either"}), ("", {"Small", "Either"})])
def test_conditions_build_on_parameters_and_on_each_other(size: object, true: set[str]) -> None:
    conditions = Conditions(DECLARED, {"Size": size})
    assert {name for name in DECLARED if conditions.hold(name)} == true


def test_what_does_not_apply_is_left_out() -> None:
    conditions = Conditions(DECLARED, {"Size": 9})
    section = {
        "One": {"Condition": "Small"},
        "Two": {"a": {"Fn::If": ["Big", {"Fn::If": ["Both", 1, 2]}, 3]}, "b": NO_VALUE},
        "Three": {"a": [{"Fn::If": ["Small", "x", NO_VALUE]}, {"Ref": "y"}]},
    }
    assert conditions.present(section) == {"Two": {"a": 2}, "Three": {"a": [{"Ref": "y"}]}}


def test_what_is_not_understood_is_refused() -> None:
    with pytest.raises(ValueError, match="Fn::Contains"):
        Conditions({"Odd": {"Fn::Contains": []}}, {}).hold("Odd")
