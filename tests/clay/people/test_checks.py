from types import SimpleNamespace

import pytest

from clay.people.checks import check_choices


def test_a_value_that_is_not_an_option_is_refused_with_the_options():
    choices = {"hat": ("red", "blue"), "shoe": ("left",)}
    check_choices(SimpleNamespace(hat="blue", shoe="left"), choices)
    with pytest.raises(ValueError, match="hat must be one of red, blue, but is 'green'"):
        check_choices(SimpleNamespace(hat="green", shoe="left"), choices)
