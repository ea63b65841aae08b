"""The judges by name, through the entry-point group `symmbench.judges`, and the choice among them for a data set."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import numpy as np

from ...datasets import Card
from ...symmflow.errors import InputError, unknown
from ...symmflow.guests import Guest
from ...symmflow.memory import is_out_of_memory
from ...symmflow.plugins import Plugins
from ..records.missing import Missing
from .judge import Found, Judge, Named, Role
from .weights import Unfetched, unfetched

GROUP = "symmbench.judges"
SPOKEN: dict[Role, str] = {"aligner": "judge"}
"""What a role is called to a user where its option is called otherwise: `--judge`."""
MODELS = ("hf:FOLDER", "mmseg:CONFIG")
"""How the models of others are named, which judge alignment too."""
MODEL = f"{__package__}.segmenter"
"""Imported by this name where a model is named, so that its code is that of such cells alone."""
_JUDGES: Plugins[Judge] = Plugins("judge", GROUP, Judge, parts={"role": str})


def names() -> list[str]:
    """All that are registered, whether or not they can be imported here."""
    return _JUDGES.names()


def judge(name: str) -> Judge:
    """A registered judge. Raises `InputError` where it is none or cannot be imported."""
    return _JUDGES.get(name)


def choose(role: Role, card: Card, wanted: Named | str | None = None) -> Found | Missing:
    """The judge of a role for a data set: the first of the card's that is on this machine, or why there is none.

    One that is `wanted` by name may be any of its role, or the model of a method; if it is not there, an `InputError`
    says how to get it.
    """
    if wanted is not None:
        return _wanted(role, card, Named(wanted) if isinstance(wanted, str) else wanted)
    absent: list[Missing] = []
    for name in card.judges:
        try:
            candidate = judge(name)
        except InputError as error:  # a package of someone else's; the others are still there
            absent.append(Missing(str(error).rstrip(".")))
            continue
        if candidate.role == role and candidate.suits(card):
            found = _found(candidate, card)
            if isinstance(found, Found):
                return found
            absent.append(found)
    return _none_of(absent) if absent else Missing(f"no {SPOKEN.get(role, role)} suits {card.name}")


def to_fetch(role: Role, card: Card, wanted: Named | str | None = None) -> str | None:
    """The weights that the best judge of a role for a data set lacks here; None: it is here, or none can be fetched.

    One that is `wanted` by name is the only one.
    """
    named = wanted.name if isinstance(wanted, Named) else wanted
    for name in card.judges if named is None else (named,):
        try:
            candidate = judge(name)
        except InputError:  # a package of someone else's
            continue
        if candidate.role == role and candidate.suits(card):
            found = _found(candidate, card)
            if isinstance(found, Found):
                return None
            if isinstance(found, Unfetched):
                return found.names[0]
    return None


def load(found: Found, card: Card, device: str) -> Callable[..., np.ndarray]:
    """A chosen judge as a function of uint8 images, from its weights on this machine, wherever it was chosen.

    Raises `InputError` where there are none here, or others; `MemoryError` where they do not fit beside the method.
    """
    chosen = _named(found.named or Named(found.name))
    here, spoken = _found(chosen, card), SPOKEN.get(found.role, found.role)
    if isinstance(here, Missing):
        raise InputError(f"{spoken} {found.name} cannot be used: {here}.")
    if here.identity != found.identity:
        raise InputError(f"{spoken} {found.name} is here {here.identity}, not {found.identity}; start again.")
    try:
        return chosen.load(here, card, device)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryError(
            f"{spoken} {found.name} has not enough memory on {device} beside the method; free some, or take a device "
            "with more"
        ) from error


def code(found: Found) -> list[str]:
    """What the code is asked for of which it is made: itself, and the methods that it looks with."""
    own = MODEL if ":" in found.name else f"judges:{found.name}"
    return [own, *(f"methods:{name}" for name in _named(found.named or Named(found.name)).runs)]


def _named(named: Named) -> Judge:
    """A registered judge, also with weights of the user's; or the model of a method as one."""
    if ":" in named.name:
        made: Judge = import_module(MODEL).Segmenter(named)
        return made
    return judge(named.name).of(named.checkpoint) if named.checkpoint else judge(named.name)


def _found(candidate: Judge, card: Card) -> Found | Missing:
    """What it finds; one that breaks is missing. Damaged weights are an `InputError`: they can be mended."""
    try:
        with Guest():
            return candidate.find(card)
    except InputError:
        raise
    except Exception as error:  # whatever another package's judge raises
        return Missing.broken(error)


def _wanted(role: Role, card: Card, named: Named) -> Found:
    name, spoken = named.name, SPOKEN.get(role, role)
    models = MODELS if role == "aligner" else ()
    if not (":" in name and role == "aligner"):
        if name not in names() or judge(name).role != role:
            raise unknown(spoken, name, [*_of_role(role), *models])
        if named.options:
            raise InputError(f"{spoken} {name} has no options; drop --judge-set, or name a model such as hf:FOLDER.")
    chosen = _named(named)
    found = _found(chosen, card) if chosen.suits(card) else Missing(f"it does not suit {card.name}")
    if isinstance(found, Missing):
        raise InputError(f"{spoken} {name} cannot be used: {found}.")
    return found


def _of_role(role: Role) -> list[str]:
    found = []
    for name in names():
        try:
            if judge(name).role == role:
                found.append(name)
        except InputError:  # broken: nothing to choose
            continue
    return found


def _none_of(absent: list[Missing]) -> Missing:
    """Several reasons as one; weights to fetch are named together, since any of them would do."""
    if len(absent) == 1:
        return absent[0]
    to_fetch = [name for reason in absent if isinstance(reason, Unfetched) for name in reason.names]
    others = [reason.reason for reason in absent if not isinstance(reason, Unfetched)]
    return Missing("; ".join([*([unfetched(*to_fetch).reason] if to_fetch else []), *others]))
