from __future__ import annotations

import inspect

from usae_viz import errors
from usae_viz.errors import UsaeVizError, did_you_mean


def test_message_says_what_was_expected_what_came_and_what_to_do() -> None:
    error = UsaeVizError("it broke", expected="a cup", got="a mug", hint="buy a cup")
    assert str(error).splitlines() == [
        "it broke",
        "  expected: a cup",
        "  got:      a mug",
        "  to do:    buy a cup",
    ]
    assert (error.problem, error.expected, error.got, error.hint) == (
        "it broke",
        "a cup",
        "a mug",
        "buy a cup",
    )


def test_parts_that_are_not_given_leave_no_line() -> None:
    assert str(UsaeVizError("it broke", got="")) == "it broke\n  got:      "
    assert str(UsaeVizError("it broke")) == "it broke"


def test_every_error_of_the_package_has_the_one_base() -> None:
    classes = [
        member
        for _, member in inspect.getmembers(errors, inspect.isclass)
        if member.__module__ == errors.__name__
    ]
    assert len(classes) > 5
    assert all(issubclass(c, UsaeVizError) for c in classes)


def test_suggestion_names_the_closest_and_only_if_it_is_close() -> None:
    assert did_you_mean("convnxt", ["vit", "convnext", "resnet"]) == "did you mean 'convnext'?"
    assert did_you_mean("zebra", ["vit", "convnext"]) is None
    assert did_you_mean("zebra", []) is None
