"""`bench data get`, against servers on this machine: data sets, weights, and all that a run needs."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symmbench import datasets, methods
from symmbench.bench.judges import weights
from symmbench.datasets import idx, registry
from symmbench.datasets.cache import cache_folder
from symmbench.datasets.cifar10 import CIFAR_10
from symmbench.methods.parts import published
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.network import closed


@pytest.fixture
def mnist(served: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server of a small MNIST, as torchvision's mirrors have it."""
    import torchvision.datasets

    monkeypatch.setattr(idx.MNIST, "card", replace(idx.MNIST.card, splits={"train": 4, "test": 3}, counts={}))
    registry._loaded.cache_clear()
    resources = []
    for name, count in (("train", 4), ("t10k", 3)):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", np.arange(count, dtype=np.uint8))):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
            content = gzip.compress(head + array.tobytes())
            served.files[f"/{name}-{kind}-ubyte.gz"] = content
            resources.append((f"{name}-{kind}-ubyte.gz", hashlib.md5(content).hexdigest()))
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [f"{served.url}/"])
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)
    yield served
    registry._loaded.cache_clear()


@pytest.fixture
def pinned(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has the weights of judges too."""
    for name, known in list(weights.KNOWN.items()):
        content = served.files[f"/{known.file}"] = f"weights of {name}".encode()
        digest = hashlib.sha256(content).hexdigest()
        monkeypatch.setitem(weights.KNOWN, name, replace(known, url=f"{served.url}/{known.file}", sha256=digest))


@pytest.fixture
def network(hub: Any, tmp_path: Path, mnist: Any) -> str:
    """A hub's id of an untrained checkpoint for it."""
    import torch

    from symmbench.symmflow.checkpoint import save_checkpoint

    recipe = methods.recipe("mnist/symmflow", {"network.channels": 8, "network.attention": []})
    torch.manual_seed(0)
    net = methods.method("symmflow").network(recipe, datasets.card("mnist"))
    save_checkpoint(tmp_path / "net", net.state_dict(), recipe, "step,loss\n", trained_steps=0)
    hub.put("models/owner/net", {path.name: path.read_bytes() for path in (tmp_path / "net").iterdir()})
    return "hub:owner/net"


def test_a_data_set_and_weights_by_name(bench: Any, mnist: Any, pinned: None, tmp_path: Path) -> None:
    done = bench("data", "get", "mnist", "inception", "digits")
    assert done.returncode == 0, done.stderr
    folder, file, made = done.stdout.splitlines()
    assert folder == f"mnist: {tmp_path}/cache/symmbench/data/MNIST/raw"
    assert file == f"inception: {tmp_path}/cache/symmbench/weights/inception-2015-12-05.pt"
    assert made == "digits: nothing to get, code makes it"
    assert "fetching t10k-labels-idx1-ubyte.gz, " in done.stderr and done.stderr.count("fetching") == 5
    asked = len(mnist.asked)
    again = bench("data", "get", "mnist", "inception")
    assert again.stdout.splitlines() == [folder, file] and not again.stderr and len(mnist.asked) == asked == 5
    there = bench("data", "get", "mnist", "--data-root", "mine")
    assert there.returncode == 0 and there.stdout == "mnist: mine/MNIST/raw\n"
    verified = bench("data", "verify", "mnist", "--data-root", "mine")
    assert verified.returncode == 0 and "mnist train: 4 samples" in verified.stdout


def test_all_that_a_run_needs_then_without_a_network(
    bench: Any, mnist: Any, pinned: None, hub: Any, network: str
) -> None:
    request = ("-m", "symmflow", "-t", "cls,sis", "-d", "mnist", "--checkpoint", network, "--steps", "1")
    done = bench("data", "get", "--for", *request)
    assert done.returncode == 0, done.stderr
    got = [line.partition(": ")[0] for line in done.stdout.splitlines()]
    assert got == ["data set mnist", "weights inception", "weights lpips-alex", f"checkpoint {network}"]
    mnist.close()
    hub.close()
    ran = bench("run", *request[:3], "cls", *request[4:])
    assert ran.returncode == 0 and "evaluated 3 samples in 1 cells" in ran.stderr, ran.stderr
    again = bench("data", "get", "--for", *request)
    assert again.returncode == 0 and [line.partition(": ")[0] for line in again.stdout.splitlines()] == [
        "data set mnist",
        f"checkpoint {network}",
    ]


def test_what_can_be_had_is_had_before_the_rest_is_said(bench: Any, mnist: Any, pinned: None) -> None:
    mnist.faults["/inception-2015-12-05.pt"] = [403] * 9
    done = bench("data", "get", "--for", "-m", "symmflow", "-t", "sis,ss", "-d", "mnist,camvid", "--extractor", "auto")
    assert done.returncode == 2
    assert [line.partition(": ")[0] for line in done.stdout.splitlines()] == ["data set mnist", "weights lpips-alex"]
    assert "camvid is to be fetched by hand:" in done.stderr and "licence   research use" in done.stderr
    lines = [line.partition(" ")[0] for line in done.stderr.splitlines() if line.startswith("  ") or "error" in line]
    assert lines[0] == "error:" and len(lines) > 8  # a screen
    assert "inception-2015-12-05.pt is answered with 403 Forbidden; or fetch it where" in done.stderr


def test_weights_that_are_named_are_the_only_ones(bench: Any, mnist: Any, pinned: None, network: str) -> None:
    request = ("-m", "symmflow", "-t", "sis", "-d", "mnist", "--checkpoint", network, "--extractor", "mobilenet-v2")
    done = bench("data", "get", "--for", *request)
    assert done.returncode == 0 and "weights mobilenet-v2: " in done.stdout and "inception" not in done.stdout


def test_cifar_10_is_its_binary_version(bench: Any, served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name in [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]:
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            entry.size = 3
            archive.addfile(entry, io.BytesIO(b"..."))
    served.files["/c.tar.gz"] = content.getvalue()
    (known,) = CIFAR_10.downloads
    assert known.digest == "md5:c32a1d4ab5d03f1284b67883e8d87530"
    here = replace(known, urls=(f"{served.url}/c.tar.gz",), digest=f"md5:{hashlib.md5(content.getvalue()).hexdigest()}")
    monkeypatch.setattr(CIFAR_10, "downloads", (here,))
    done = bench("data", "get", "cifar-10")
    folder = Path(done.stdout.removeprefix("cifar-10: ").strip())
    assert done.returncode == 0 and folder == cache_folder("data") / "cifar-10"
    assert {path.name for path in folder.iterdir()} == {"cifar-10-batches-bin"}
    assert CIFAR_10.find(None) == (CIFAR_10.layouts[0], folder) and len(served.asked) == 1


def test_an_autoencoder_that_github_serves_is_fetched_and_verified_and_then_found(
    bench: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = published.PUBLISHED["taef2"]
    (repository, commit), files = *known.repositories.items(), {"taef2_encoder.pth": b"in", "taef2_decoder.pth": b"out"}
    assert set(known.digests) == set(files) and all(len(digest) == 64 for digest in known.digests.values())
    served.files |= {f"/{repository}/{commit}/{file}": content for file, content in files.items()}
    monkeypatch.setattr(published, "RAW", served.url)
    done = bench("data", "get", "taef2")
    assert done.returncode == 2 and "gives another file, not taef2_encoder.pth" in done.stderr
    digests = {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}
    monkeypatch.setitem(published.PUBLISHED, "taef2", replace(known, digests=digests))
    with closed(), pytest.raises(InputError, match="taef2 is not on this machine; `bench data get taef2`"):
        published.located("taef2")
    done = bench("data", "get", "taef2")
    folder = Path(done.stdout.removeprefix("taef2: ").strip())
    assert done.returncode == 0 and folder == cache_folder("weights") / "taef2", done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    asked = len(served.asked)
    with closed():
        assert published.located("taef2") == folder
    assert len(served.asked) == asked
    (folder / "taef2_decoder.pth").write_bytes(b"damaged")
    done = bench("data", "get", "taef2")
    assert done.returncode == 2 and "taef2_decoder.pth is not the published file" in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ((), "name what to get, or give --for and the options of a `bench run`."),
        (("mnist", "--for"), "name what to get, or give --for"),
        (("mnits",), "unknown data set or weights 'mnits'; did you mean 'mnist'?"),
        (("lpips-alex", "--data-root", "."), "drop --data-root, $SYMMBENCH_WEIGHTS says where they are kept."),
        (("taef2", "--data-root", "."), "drop --data-root, $SYMMBENCH_WEIGHTS says where they are kept."),
        (("--for", "-d", "digits", "--checkpoint", "hub:owner/gone"), "model 'owner/gone' cannot be had"),
        (("--for", "-m", "symmflow", "-d", "digits", "-t", "ss"), "has a task of ss"),
    ],
)
def test_bad_input(bench: Any, hub: Any, line: tuple[str, ...], said: str) -> None:
    done = bench("data", "get", *line)
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_a_set_that_only_its_user_may_fetch_is_one_screen(bench: Any, tmp_path: Path) -> None:
    done = bench("data", "get", "camvid", "--data-root", str(tmp_path))
    assert done.returncode == 2 and not done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 100
    assert [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "] == [
        *("what", "samples", "from", "licence", "how", "put", "it", "then")
    ]
    assert f"{tmp_path}/camvid" in done.stderr
