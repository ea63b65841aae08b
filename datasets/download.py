"""Files that their makers publish: fetched once, resumed where they broke off, checked before they get their name."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import ssl
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..symmflow.errors import InputError, Unwritable

Report = Callable[[str, int, int], None]
"""Is told of a file: its name, the bytes that are here, the bytes in all (0: unknown)."""
BLOCK = 1 << 20
SECONDS = 30
"""Of silence after which a server is given up."""
_BROKEN = (urllib.error.URLError, http.client.HTTPException, ssl.SSLError, TimeoutError, ConnectionError)


@dataclass(frozen=True)
class Download:
    """A file that its makers serve, and how it is known again."""

    file: str
    urls: tuple[str, ...]
    """Mirrors, in the order in which they are asked."""
    digest: str
    """`md5:` or `sha256:` and the digits; fewer of them where its makers give no more."""
    unpacks: str = ""
    """Of a tar archive: the folder in it that is kept in its place."""

    def matches(self, path: Path) -> bool:
        kind, _, digits = self.digest.partition(":")
        with path.open("rb") as file:
            return hashlib.file_digest(file, kind).hexdigest().startswith(digits)


class Unreachable(InputError):
    """A server that does not give a file: what it was asked, and what came back."""


def fetch(wanted: Download, folder: Path, report: Report | None = None) -> Path:
    """The verified file (of an archive its folder) in `folder`; returns at once if it is there.

    What a broken transfer leaves lies beside it as `.NAME.part`, and the next call goes on from there. Two processes
    do not fetch one file twice. Raises `Unreachable` where no mirror gives it, `InputError` where it is another file.
    """
    target = folder / wanted.file
    done = folder / wanted.unpacks if wanted.unpacks else target
    if wanted.unpacks and done.is_dir():
        return done
    if target.is_file() and not wanted.matches(target):
        raise InputError(f"{target} is not the published file (its {wanted.digest[:14]}... is another); remove it.")
    if not done.exists():
        with _alone(done):
            if not done.exists():  # else another process was at it
                if not target.is_file():
                    _transfer(wanted, target, report)
                if wanted.unpacks:
                    _unpack(target, done)
    return done


def _transfer(wanted: Download, target: Path, report: Report | None) -> None:
    part = target.with_name(f".{target.name}.part")
    refused: list[Unreachable] = []
    for url in wanted.urls:
        resumed = part.is_file()
        try:
            if not (resumed and wanted.matches(part)):
                _from(url, part, wanted.file, report)
            if resumed and not wanted.matches(part):  # what was there may be of another file
                part.unlink()
                _from(url, part, wanted.file, report)
            if wanted.matches(part):
                part.replace(target)
                return
            with part.open("rb") as file:
                page = file.read(512).lstrip().lower().startswith((b"<!doctype html", b"<html"))
            part.unlink()
        except Unreachable as error:
            refused.append(error)
            continue
        except OSError as error:
            raise Unwritable(part, error) from None
        what = "a web page" if page else "another file"
        refused.append(Unreachable(f"{url} gives {what}, not {wanted.file} ({wanted.digest[:14]}...)"))
    here = part.stat().st_size if part.is_file() else 0
    kept = f"; {here:,} bytes are kept, and the same command goes on from there" if here else ""
    raise Unreachable(
        f"{'; '.join(map(str, refused))}{kept}; or fetch it where the network allows it, and put it at {target}."
    )


def _from(url: str, part: Path, name: str, report: Report | None) -> None:
    """Append to `part` what it lacks of a file. A transfer that breaks off is taken up again as long as it gets on."""
    while True:
        start = part.stat().st_size if part.is_file() else 0
        broken = ""
        try:
            with _answer(url, start) as answer, part.open("ab") as file:
                begins, total = _extent(answer, start)
                file.truncate(begins)
                try:
                    for block in iter(lambda: answer.read(BLOCK), b""):
                        file.write(block)
                        if report:
                            report(name, file.tell(), total)
                except _BROKEN as error:
                    broken = str(error) or type(error).__name__
                file.flush()
                os.fsync(file.fileno())
                got = file.tell()
        except _Again:
            part.unlink()
            continue
        if not broken and got >= total:
            return
        if got <= start:
            raise Unreachable(f"{url} broke off after {got:,} of {total:,} bytes{f' ({broken})' if broken else ''}")


class _Again(Exception):
    """The server has no such part: from the beginning."""


def _answer(url: str, start: int) -> http.client.HTTPResponse:
    """What a server has from byte `start` on."""
    headers = {"User-Agent": "symmbench", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=SECONDS)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and start:
                raise _Again from None
            raise Unreachable(f"{url} is answered with {error.code} {error.reason}".rstrip()) from None
    except _BROKEN as error:
        raise Unreachable(f"{url} cannot be reached ({getattr(error, 'reason', error)})") from None
    found: http.client.HTTPResponse = answer
    return found


def _extent(answer: http.client.HTTPResponse, start: int) -> tuple[int, int]:
    """(byte at which an answer begins, size of the whole file or 0)."""
    if answer.status != 206:
        return 0, int(answer.headers.get("Content-Length") or 0)
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
    if not found or int(found[1]) != start:
        if start:
            raise _Again
        raise Unreachable(f"{answer.url} gives a part that nobody asked for")
    return start, 0 if found[2] == "*" else int(found[2])


def _unpack(archive: Path, folder: Path) -> None:
    """Take `folder` out of a tar archive, whole or not at all, and remove the archive."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=archive.parent) as aside:
            with tarfile.open(archive) as packed:
                packed.extractall(aside, filter="data")
            if not (Path(aside) / folder.name).is_dir():
                raise tarfile.TarError(f"it holds no folder {folder.name}")
            (Path(aside) / folder.name).replace(folder)
        archive.unlink()
    except tarfile.TarError as error:
        said = str(error).splitlines()[0].rstrip(":")
        raise InputError(f"{archive} cannot be unpacked ({said}); remove it and get it again.") from None
    except OSError as error:
        raise Unwritable(folder, error) from None


@contextmanager
def _alone(done: Path) -> Iterator[None]:
    """One process at a time. The lock's file goes when `done` is there: nobody fetches it any more."""
    from filelock import FileLock

    lock = done.with_name(f".{done.name}.lock")
    try:
        done.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(lock)
        held.acquire()
    except OSError as error:
        raise Unwritable(done, error) from None
    try:
        yield
    finally:
        if done.exists():
            lock.unlink(missing_ok=True)
        held.release()
