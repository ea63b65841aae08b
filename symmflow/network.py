"""The internet: closed while something is done that should need nothing of it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

ASKS = ("socket.connect", "socket.getaddrinfo", "socket.sendto")


class NoNetwork(ConnectionError):
    """Something asked for the internet while it was closed."""


@dataclass
class _Door:
    closed: int = 0
    sealed: int = 0
    free: set[int | None] = field(default_factory=set)
    """Threads that ran before it was closed, and are not ours."""
    asked: list[str] = field(default_factory=list)
    """Hosts that were asked for in vain."""


@contextmanager
def closed() -> Iterator[list[str]]:
    """Inside, no connection to another machine is made by Python code, whatever library asks: that is `NoNetwork`.

    Yields a list that holds the hosts that were asked for, when it is over. Of threads that are started inside, too;
    those that run already go on as they like.
    """
    door, before = _door(), len(_door().asked)
    if not door.closed:
        door.free = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
    door.closed += 1
    asked: list[str] = []
    try:
        yield asked
    finally:
        door.closed -= 1
        asked += door.asked[before:]
        if not door.closed:
            door.asked.clear()


@contextmanager
def sealed() -> Iterator[list[str]]:
    """As `closed`, and `opened` opens nothing: where names come from files that anybody may have made."""
    door = _door()
    door.sealed += 1
    try:
        with closed() as asked:
            yield asked
    finally:
        door.sealed -= 1


@contextmanager
def opened() -> Iterator[None]:
    """Inside, the internet is there again, within `closed` too: for what the user asked for by name."""
    door = _door()
    before, door.closed = door.closed, door.closed if door.sealed else 0
    try:
        yield
    finally:
        door.closed = before


def is_closed() -> bool:
    return _door().closed > 0


def is_sealed() -> bool:
    return _door().sealed > 0


@lru_cache(maxsize=1)
def _door() -> _Door:
    """The one of the process; the interpreter asks it before every connection."""
    door = _Door()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ASKS and door.closed and threading.get_ident() not in door.free:
            host = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
            if isinstance(host, tuple):
                host = host[0]
            elif event != "socket.getaddrinfo":  # a socket of this machine, by its path
                return
            door.asked.append(str(host))
            raise NoNetwork(f"the network is not used here, and {host} was asked for")

    sys.addaudithook(watch)
    return door
