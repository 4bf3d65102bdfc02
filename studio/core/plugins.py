"""Plugins: modules that add goals when they are imported (docs/goals.md).

A plugin is code, so only the host chooses one: by `--plugin MODULE`, or by installing a distribution with an entry
point in the group below. Nothing that a visitor sends is used as a module's name.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import entry_points

from studio.core.errors import UserError, log

GROUP = "adjointdeis_studio.goals"


def add_plugin_flag(parser: argparse.ArgumentParser) -> None:
    """--plugin MODULE."""
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="MODULE",
        help="Python module that adds goals (docs/goals.md); may be given several times",
    )


def load_plugins(modules: Iterable[str]) -> None:
    """Import the plugins of installed distributions, then these modules.

    Raises:
        UserError: one of them cannot be imported, or adds a name that is taken.
    """
    for point in entry_points(group=GROUP):
        _load(point.value, point.load)
    for module in modules:
        _load(module, lambda module=module: import_module(module))  # type: ignore[misc]


def _load(name: str, load: Callable[[], object]) -> None:
    try:
        load()
    except Exception as error:  # a plugin may raise anything
        log.debug("The plugin %s cannot be loaded", name, exc_info=error)
        reason = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(":. ")
        module = name.partition(":")[0]
        raise UserError(
            f"The plugin “{name}” cannot be loaded ({reason}): correct or leave out this module; "
            f'python -c "import {module}" shows where it fails.'
        ) from error
