"""Repositories of a hub, through its own client against a hub on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from symmbench.datasets.hub import snapshot
from symmbench.symmflow import network
from symmbench.symmflow.errors import InputError

FILES = {"data/a.parquet": b"large" * 1000, "README.md": b"# a set", "run.py": b"no"}


def test_what_matches_is_fetched_once(hub: Any) -> None:
    commit = hub.put("datasets/owner/set", FILES)
    folder = snapshot("owner/set", ("*.parquet", "*.md"), kind="dataset")
    assert folder.name == commit
    assert {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.*") if p.is_file()} == {
        name: content for name, content in FILES.items() if name != "run.py"
    }
    asked = len(hub.asked)
    assert snapshot("owner/set", ("*.parquet",), kind="dataset", kept=True) == folder and len(hub.asked) == asked
    assert snapshot("owner/set", ("*.parquet",), kind="dataset") == folder
    assert len([path for path in hub.fetched() if path.startswith("/lfs/")]) == 1


def test_the_commit_that_is_here_stays_until_it_is_fetched_again(hub: Any) -> None:
    old = hub.put("datasets/owner/set", FILES)
    snapshot("owner/set", ("*.parquet",), kind="dataset")
    new = hub.put("datasets/owner/set", FILES | {"data/a.parquet": b"other"})
    assert snapshot("owner/set", ("*.parquet",), kind="dataset", kept=True).name == old
    folder = snapshot("owner/set", ("*.parquet",), kind="dataset")
    assert folder.name == new != old and (folder / "data/a.parquet").read_bytes() == b"other"
    assert snapshot("owner/set", ("*.parquet",), kind="dataset", revision=old, kept=True).name == old


def test_what_a_file_names_is_not_fetched(hub: Any) -> None:
    """Where anybody may have written the name; what is here already may be read."""
    hub.put("datasets/owner/set", FILES)
    with network.sealed(), pytest.raises(InputError, match="is not on this machine, and nothing is fetched here"):
        snapshot("owner/set", ("*.md",), kind="dataset")
    assert not hub.asked and not network.is_sealed()
    folder = snapshot("owner/set", ("*.md",), kind="dataset")
    with network.sealed():
        assert snapshot("owner/set", ("*.md",), kind="dataset", kept=True) == folder


def test_without_a_network_what_is_here_is_taken(hub: Any) -> None:
    hub.put("models/owner/net", FILES)
    folder = snapshot("owner/net", ("*.parquet",))
    hub.close()
    assert snapshot("owner/net", ("*.parquet",)) == folder
    with pytest.raises(InputError, match=r"model 'owner/net' cannot be had from the hub: no connection .* copy"):
        snapshot("owner/net", ("*.parquet", "*.md"))


@pytest.mark.parametrize(
    ("repository", "said"),
    [
        ("owner/gone", "it is not there, or private; check the name, or `hf auth login`."),
        ("owner/gated", "accept its terms on its page, then `hf auth login`."),
        ("owner/old", "it has no such revision."),
        ("owner/sick", "it answers 503; try again later"),
        ("no/such/id", "an id is owner/name."),
    ],
)
def test_what_the_hub_says_is_one_sentence(hub: Any, repository: str, said: str) -> None:
    for name in ("gated", "old", "sick"):
        hub.put(f"datasets/owner/{name}", FILES)
    hub.gated.add("datasets/owner/gated")
    hub.faults["/api/datasets/owner/sick"] = [503] * 99
    revision = "then" if repository == "owner/old" else None
    with pytest.raises(InputError) as raised:
        snapshot(repository, ("*",), kind="dataset", revision=revision)
    assert said in str(raised.value) and "\n" not in str(raised.value)
    assert str(raised.value).startswith(f"dataset '{repository}' cannot be had from the hub: ")
