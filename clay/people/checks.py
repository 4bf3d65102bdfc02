"""A check that the parameters of people and views share."""

from collections.abc import Mapping


def check_choices(record: object, choices: Mapping[str, tuple[str, ...]]) -> None:
    """Check that each named attribute of `record` is one of its options.

    Raises:
        ValueError: it is not; the message gives the name, the options and the value.
    """
    for name, options in choices.items():
        if getattr(record, name) not in options:
            raise ValueError(f"{name} must be one of {', '.join(options)}, but is {getattr(record, name)!r}.")
