"""Digests of sources: the same whatever a source looks like and whichever Python reads it."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from symmbench.bench.code import plain

REPOSITORY = Path(__file__).parents[3]
PRODUCT = ("symmflow", "datasets", "methods", "reports", "bench")
SOURCE = '''
"""What it is."""
from math import pi  # a constant


class Circle:
    """A circle."""

    radius: float = 1.0
    """Its radius."""

    def area(self, *, scale: int = 0x10) -> float:
        """pi r^2."""
        return scale * pi * self.radius**2

    def __repr__(self) -> str:
        return f"<{self.radius!r:>{10}} " f"of {self.area():.2f}{'m'}²>" "\\U0001f535"
'''


def digest(text: str) -> str:
    return plain.digest(ast.parse(text))


def test_a_fixture_has_the_digest_that_it_had() -> None:
    """Where only one Python is installed, this is what tells that another would find the same."""
    assert digest(SOURCE) == "a33a90c46f21aa3a"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  # a constant", "  # three and a bit"),
        ('"""What it is."""', '"""Something else."""'),
        ('    """A circle."""\n', ""),
        ('    """Its radius."""\n', '    """Of the circle, in metres."""\n'),
        ('        """pi r^2."""\n', ""),
        ("return scale * pi * self.radius**2", "return (\n            scale * pi * (self.radius ** 2)\n        )"),
        ("0x10", "16"),
        ('f"<{self.radius!r:>{10}} " f"of', 'f"<{self.radius!r:>{10}} of'),
    ],
)
def test_looks_do_not_count(before: str, after: str) -> None:
    assert before in SOURCE and digest(SOURCE.replace(before, after)) == digest(SOURCE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("self.radius**2", "self.radius**3"),
        ("scale * pi", "pi * scale"),
        ("0x10", "True"),
        ("= 1.0", "= 1"),
        ("float = 1.0", "int = 1.0"),
        ("*, scale", "scale"),
        ("!r", "!s"),
        (".2f", ".3f"),
        ('"<{', '"({'),
        ("import pi", "import tau as pi"),
        ("class Circle:", "class Circle(object):"),
        ("    def __repr__", "    @property\n    def __repr__"),
    ],
)
def test_what_is_said_counts(before: str, after: str) -> None:
    assert before in SOURCE and digest(SOURCE.replace(before, after, 1)) != digest(SOURCE)


READ = """
import ast, json, runpy, sys
from pathlib import Path
digest = runpy.run_path(sys.argv[1])["digest"]
print(json.dumps({name: digest(ast.parse(Path(name).read_bytes())) for name in sys.argv[2:]}))
"""


def pythons() -> dict[str, str]:
    """Other Pythons from 3.11 on, by version: on the path, and where pyenv keeps its own."""
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    able = [shutil.which(f"python3.{minor}") for minor in range(11, 20)]
    able += [str(path) for path in sorted(kept.glob("3.*/bin/python3"))]
    ask = "import sys; print('{}.{}'.format(*sys.version_info))"
    found: dict[str, str] = {}
    for python in filter(None, able):
        done = subprocess.run([python, "-c", ask], capture_output=True, text=True)
        version = done.stdout.strip()
        if done.returncode == 0 and re.fullmatch(r"3\.1[1-9]", version):
            found.setdefault(version, python)
    found.pop("{}.{}".format(*sys.version_info), None)
    return found


def test_every_python_finds_the_same_digests_of_all_product_files() -> None:
    others = pythons()
    if not others:
        pytest.skip("only one Python of 3.11 or later is on this machine")
    files = [str(path) for folder in PRODUCT for path in sorted((REPOSITORY / folder).rglob("*.py"))]
    ours = {name: plain.digest(ast.parse(Path(name).read_bytes())) for name in files}
    assert len(ours) > 150
    for version, python in others.items():
        read = [python, "-I", "-c", READ, plain.__file__, *files]
        done = subprocess.run(read, capture_output=True, text=True, check=True)
        theirs = json.loads(done.stdout)
        assert [name for name in files if theirs[name] != ours[name]] == [], version
