"""`Registry`: entries by name, in the order in which they were added; one for goals, one for gradient methods."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Generic, Protocol, TypeVar

from studio.core.errors import UserError

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Named(Protocol):
    """What a registry holds."""

    @property
    def name(self) -> str:
        """Value of the setting that chooses this entry."""


Entry = TypeVar("Entry", bound=Named)


class Registry(Generic[Entry]):
    """A read-only mapping from names to entries, to which `add` appends.

    Args:
        kind: of the entries, for messages.
        source: module that adds the built-in entries. It is imported by name at the first look-up, where the entries
            need packages that this one may not import; empty where they are added beside the registry.
    """

    def __init__(self, kind: str, source: str = "") -> None:
        self.kind, self._source, self._added = kind, source, dict[str, Entry]()

    @property
    def _entries(self) -> dict[str, Entry]:
        if self._source:
            import_module(self._source)
        return self._added

    def add(self, entry: Entry) -> Entry:
        """Append an entry, and return it.

        Raises:
            ValueError: the name is taken, or has other characters than a-z, 0-9 and _: names go into addresses, file
                names and HTML.
        """
        if not _NAME.fullmatch(entry.name):
            raise ValueError(f"the name of a {self.kind} has only a-z, 0-9 and _, but it is {entry.name!r}")
        if entry.name in self._entries:
            raise ValueError(f"there is already a {self.kind} {entry.name!r}, choose another name")
        self._added[entry.name] = entry
        return entry

    def __getitem__(self, name: str) -> Entry:
        """The entry of this name.

        Raises:
            UserError: there is none; the sentence lists those that exist.
        """
        if name not in self:
            raise UserError(f"There is no {self.kind} {name!r}: {choose(self)}.")
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def values(self) -> tuple[Entry, ...]:
        """All entries."""
        return tuple(self._entries.values())


def choose(names: Iterable[str]) -> str:
    """The rule of a field that takes one of these names, at least two: "choose 'a', 'b' or 'c'"."""
    *others, last = (f"'{name}'" for name in names)
    return f"choose {', '.join(others)} or {last}"
