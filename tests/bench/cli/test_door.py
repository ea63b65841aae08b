"""What comes from outside is one sentence where it cannot be: names, paths, numbers, files, the network, weights."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import close_session

from symmbench import datasets, methods
from symmbench.bench import api

RUN = ("run", "-t", "cls", "-d", "two-spirals", "--steps", "1", "--limit", "4", "--device", "cpu")
TRAIN = ("train", "-r", "two-spirals/symmflow", "--device", "cpu", "--max-steps", "1")
DIGITS = "9" * 5000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("door") / "results"
    api.run(methods="symmflow", tasks="cls", datasets="two-spirals", steps=1, limit=20, out=out, device="cpu")
    api.save_baseline(out.parent / "baseline.zip", out)
    return out


def refused(done: Any, said: str) -> None:
    assert done.returncode == 2 and said in done.stderr, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert errors == done.stderr.splitlines()[-1:] and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*RUN, "--out", "a\0b"), "'a\\\\u0000b' holds a null character; leave it out."),
        ((*RUN, "--out", "a\udcff"), "'a\\\\udcff' is not UTF-8; rename what it names, or write it in UTF-8."),
        ((*RUN, "--out", "x" * 300), f"the path '{'x' * 40}...{'x' * 40}' is too long: a part has at most 255 bytes."),
        ((*RUN, "--out", "x/" * 3000), "is too long: 6,000 bytes, and 4,095 are taken."),
        ((*RUN, "-m", "y" * 200), "unknown method"),
        ((*RUN, "--seeds", "9" * 100), "a number of 100 digits is too large."),
        ((*RUN, "--seeds", str(2**63)), "--seeds must be whole numbers of at most 9,223,372,036,854,775,807"),
        ((*RUN, "--steps", "1000001"), "--steps must be whole numbers of at most 1,000,000, not 1,000,001."),
        ((*RUN, "--seeds", DIGITS), "is too long: 5,000 bytes"),
        ((*RUN, "--limit", "9" * 30), "--limit must be at least 1 and less than 2^63"),
        ((*RUN, "--samples-per-mask", "10001"), "--samples-per-mask must lie in 1-10,000, not 10001."),
        (("sample", "-n", "257"), "--count must lie in 1-256, not 257."),
        ((*TRAIN, "--workers", "-1"), "--workers must lie in 0-256, not -1."),
        ((*TRAIN, "--max-minutes", "inf"), "inf is no number to reckon with; give a finite one."),
        ((*TRAIN, "--set", "optimizer.lr=inf"), "optimizer.lr: input should be a finite number; mend the recipe"),
        ((*TRAIN, "--set", "optimizer.lr=true"), "optimizer.lr: takes no true or false; mend the recipe"),
        ((*TRAIN, "--set", "train.batch=true"), "train.batch: takes no true or false; mend the recipe"),
        ((*TRAIN, "--set", "name=../../x"), "name: the name '..' begins with a dot; mend the recipe"),
        ((*TRAIN, "--set", "name=/x"), "name: the name '' is empty; mend the recipe"),
        ((*TRAIN, "--set", 'name="a\\u001b[31mb"'), "name: the name"),
        ((*TRAIN, "--set", "network.channels=100000"), "network.channels: input should be less than or equal to 65536"),
        ((*TRAIN, "--set", "a." * 20 + "a=1"), "leads through 20 tables, and no recipe is so deep; mend the recipe"),
        ((*TRAIN, "--set", "train.batch=" + "[" * 3000), "train.batch: input should be a valid integer"),
        (("compare", "--within", "nan"), "nan is no number to reckon with; give a finite one."),
        (("doctor", "--coverage", "--trials", "-1"), "--trials must lie in 2-1,000,000, not -1."),
        ((*RUN, "--checkpoint", "a/b"), "no checkpoint folder at a/b; a repository of the hub is written hub:a/b"),
        ((*RUN, "--checkpoint", "hub:a"), "'hub:a' is no id of the hub; write it like hub:owner/name."),
        (("compare", "\x1b[31mred"), "there is no results folder \\u001b[31mred"),
        (("compare", "a\u202eb"), "there is no results folder a\\u202eb"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_one_sentence(
    bench: Any, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    refused(bench(*arguments), said)
    assert {path.name for path in tmp_path.iterdir()} <= {"cache", "results"}
    assert not (tmp_path.parent / "x").exists()


@pytest.mark.parametrize(
    ("name", "content", "arguments", "said"),
    [
        ("f.toml", "[accuracy]\nabsolute = inf", "gate", "accuracy takes either absolute = X or relative = X"),
        ("f.toml", "[accuracy]\nabsolute = true", "gate", "accuracy takes either absolute = X or relative = X"),
        ("f.toml", f"[accuracy]\nabsolute = {'9' * 4000}", "gate", "accuracy takes either absolute = X or relative"),
        ("f.toml", f"[accuracy]\nabsolute = {DIGITS}", "gate", "f.toml is not a valid TOML file: "),
        ("f.toml", f"x = {'[' * 5000}", "gate", "f.toml is not a valid TOML file: it is nested too deeply."),
        ("f.toml", "x = '\x1b'", "gate", "f.toml is not a valid TOML file: "),
        ("p.toml", "version = true", "protocol", "p.toml: version: input should be a valid integer."),
        ("p.toml", "samples_per_label = true", "protocol", "p.toml: samples_per_label: input should be a valid"),
        ("p.toml", 'name = "../x"', "protocol", "p.toml: name: value error, the name '../x' begins with a dot."),
        ("r.toml", "name = 'x'\x00", "recipe", "r.toml is not a valid TOML file: "),
    ],
)  # fmt: skip
def test_files_of_ones_own_that_cannot_be_are_one_sentence(
    bench: Any, tmp_path: Path, whole: Path, name: str, content: str, arguments: str, said: str
) -> None:
    (tmp_path / name).write_text(content)
    calls = {
        "gate": ("gate", str(whole), str(whole), "--floors", name),
        "protocol": (*RUN, "--protocol", name),
        "recipe": ("train", "-r", name),
    }
    refused(bench(*calls[arguments]), said)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("dataset", "../../x", "dataset: value error, the name '../../x' begins with a dot"),
        ("task", "a/b", "task: value error, the name 'a/b' holds '/', which no name may"),
        ("method", "x\x1b[31m", "method: value error, the name 'x\\\\x1b[31m' holds '\\\\x1b', which no name may"),
        ("method", "x" * 121, "is too long: 121 bytes, and a name has at most 120"),
        ("split", "two\nlines", "split: value error, the name 'two\\\\nlines' holds '\\\\n', which no name may"),
        ("solver", "", "solver: value error, the name '' is empty"),
        ("key", "../x", "key: value error, the name '../x' begins with a dot"),
        ("reference", "../x", "reference: value error, the name '../x' begins with a dot"),
        ("protocol", {"name": "p", "hash": "../x", "rules": "harness"}, "the name '../x' begins with a dot"),
        ("metrics", {"../x": {"value": 1}}, "the name '../x' begins with a dot"),
    ],
)  # fmt: skip
def test_a_record_whose_names_lead_elsewhere_is_refused_where_it_is_read(
    tmp_path: Path, whole: Path, field: str, value: object, said: str
) -> None:
    from symmbench.bench.records import read_record
    from symmbench.symmflow.errors import InputError

    (path,) = whole.glob("*/*/*/record.json")
    (tmp_path / "record.json").write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(InputError) as found:
        read_record(tmp_path / "record.json")
    assert said.replace("\\\\", "\\") in str(found.value)


def test_a_record_does_not_choose_where_its_copy_goes(bench: Any, tmp_path: Path, whole: Path) -> None:
    store = shutil.copytree(whole, tmp_path / "store")
    (path,) = store.glob("*/*/*/record.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"dataset": "../../elsewhere"}))
    (tmp_path / "few.toml").write_text('version = 2\n[metrics]\ncls = ["accuracy"]\n')
    done = bench("rescore", "store", "--protocol", "few.toml", "--out", "in/out")
    assert done.returncode == 2 and not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("form", ["text", "md", "json", "github", "junit"])
def test_nothing_in_a_record_steers_a_terminal_or_a_page(bench: Any, tmp_path: Path, whole: Path, form: str) -> None:
    """Free text may hold anything: it is shown as what it is."""
    store = shutil.copytree(whole, tmp_path / "store")
    (path,) = store.glob("*/*/*/record.json")
    said = json.loads(path.read_text())
    evil = "x\x1b]0;owned\x07 \x9b31m \u202egnp\n::error::run <img src=x> | cell"
    said |= {"status": "failed", "reason": evil}
    path.write_text(json.dumps(said))
    calls = [
        ("gate", str(whole), "store", "--format", form),
        ("gate", str(whole), "store", "--format", form, "-o", "page"),
    ]
    if form in ("text", "md"):
        calls.append(("compare", "store", "--allow-protocol-diff", "--format", form))
    for call in calls:
        done = bench(*call)
        page = tmp_path / "page"
        shown = done.stdout + done.stderr + (page.read_text() if page.exists() else "")
        assert "owned" in shown or "::error::run" in shown
        assert not any(c in shown for c in "\x1b\x07\x9b\u202e"), shown
        if form == "md":
            assert "<img" not in shown
        if form == "github":
            assert not any(line.startswith("::error::run") for line in shown.splitlines())


def test_a_checkpoint_with_a_broken_manifest_is_one_sentence(bench: Any, tmp_path: Path) -> None:
    own = shutil.copytree(methods.bundled("two-spirals")["symmflow"], tmp_path / "own")
    manifest = json.loads((own / "checkpoint.json").read_text())
    for change, said in (
        ({"sha256": 5}, "checkpoint.json cannot be read (sha256: input should be a valid string); train it again, or"),
        ({"parameters": "many"}, "checkpoint.json cannot be read (parameters: input should be a valid integer"),
        ({"recipe": []}, "checkpoint.json cannot be read (recipe: input should be a valid dictionary"),
        ({"format": 2}, "has checkpoint format 2, and only 1 is read here; upgrade to read it."),
        ({"trained_steps": -1}, "cannot be read (trained_steps: input should be greater than or equal to 0"),
        ({"recipe": manifest["recipe"] | {"name": "../x"}}, "name: the name '..' begins with a dot"),
    ):  # fmt: skip
        (own / "checkpoint.json").write_text(json.dumps(manifest | change))
        refused(bench(*RUN, "--checkpoint", "own"), said)
    for content, said in (
        ("[" * 100_000, "it is nested too deeply"),
        ("[]", "cannot be read"),
        (DIGITS, "5,000 digits"),
    ):
        (own / "checkpoint.json").write_text(content)
        refused(bench(*RUN, "--checkpoint", "own"), said)


def test_pipes_devices_and_links_are_not_read(bench: Any, tmp_path: Path, whole: Path) -> None:
    """A pipe would be waited for, a device never ends."""
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    for name in ("pipe.toml", "zero.toml"):
        refused(bench("train", "-r", name), f"{name} is a device or a pipe, not a file; give the right file.")
        refused(bench("gate", str(whole), str(whole), "--floors", name), "is a device or a pipe, not a file")
    refused(
        bench("train", "-r", "loop.toml"), "the recipe loop.toml cannot be read: Too many levels of symbolic links."
    )


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that lets nobody through, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        do_GET = do_HEAD = do_CONNECT

        def log_message(self, format: str, *arguments: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        close_session()  # the hub's client keeps one open through this proxy


def test_the_network_is_asked_only_for_a_hub_id_that_was_named(bench: Any, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with proxy() as (address, asked):
        proxies = {"HTTPS_PROXY": address, "HTTP_PROXY": address, "ALL_PROXY": address}
        for call, said in (
            ((*RUN, "--checkpoint", "a/b"), "a repository of the hub is written hub:a/b"),
            (("run", "-m", "hf:models/b", "-t", "ss"), "there is no folder models/b; give a folder or a hub id"),
            (("run", "-m", "hf", "-t", "ss", "--checkpoint", "a/b"), "a repository of the hub is written hub:a/b"),
        ):
            refused(bench(*call, **proxies), said)
        fashion = bench("run", "-m", "symmflow", "-t", "cls", "-d", "mnist", **proxies)
        refused(fashion, "mnist is not on this machine. `bench data get mnist`")
        assert asked == []
        for call in ((*RUN, "--checkpoint", "hub:a/b"), ("run", "-m", "hf:a/b", "-t", "ss")):
            refused(bench(*call, **proxies), "model 'a/b' cannot be had from the hub: no connection (403 Forbidden)")
        assert asked


@pytest.fixture(scope="module")
def segformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    t = pytest.importorskip("transformers", reason="transformers is not installed (pip install 'symmbench[hf]')")
    folder, classes = tmp_path_factory.mktemp("segformer"), datasets.card("digit-scenes").classes
    labels = {"id2label": dict(enumerate(classes)), "label2id": {c: i for i, c in enumerate(classes)}}
    sizes = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "decoder_hidden_size": 16}
    t.SegformerForSemanticSegmentation(t.SegformerConfig(**sizes, **labels)).save_pretrained(folder)
    t.SegformerImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("missing", "has no weights for decode_head.classifier.bias; give one whose config.json and weights belong"),
        ("unknown", "has weights that the network does not know: more; give one whose config.json and weights belong"),
        ("other", "has weights of another shape for decode_head.classifier.bias"),
        ("huge", "is of a network of 120,0"),
        ("packed", "is no segmentation model of transformers ("),
    ],
)
def test_foreign_weights_fit_or_are_refused(
    bench: Any, tmp_path: Path, segformer: Path, change: str, said: str
) -> None:
    """They ran on random weights where some were missing, with another figure every time."""
    import torch
    from safetensors.torch import load_file, save_file

    model = shutil.copytree(segformer, tmp_path / "model")
    weights = load_file(model / "model.safetensors")
    if change == "missing":
        del weights["decode_head.classifier.bias"]
    elif change == "unknown":
        weights["more"] = torch.ones(3)
    elif change == "other":
        weights["decode_head.classifier.bias"] = torch.ones(7)
    elif change == "huge":
        config = json.loads((model / "config.json").read_text()) | {"hidden_sizes": [8, 16, 24, 100_000]}
        (model / "config.json").write_text(json.dumps(config))
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    if change == "packed":
        (model / "model.safetensors").write_bytes(b"\xff" * 1_000_000)
    done = bench("run", "-m", "hf:model", "-t", "ss", "--limit", "2", "--device", "cpu")
    refused(done, said)
    assert not list(tmp_path.glob("results/*/*/*/record.json"))


def test_a_configuration_that_names_a_backbone_is_not_fetched(bench: Any, tmp_path: Path, segformer: Path) -> None:
    model = shutil.copytree(segformer, tmp_path / "model")
    config = json.loads((model / "config.json").read_text())
    more = {"model_type": "upernet", "architectures": ["UperNetForSemanticSegmentation"], "backbone_config": None}
    more |= {"backbone": "microsoft/resnet-18", "use_pretrained_backbone": True}
    (model / "config.json").write_text(json.dumps(config | more))
    with proxy() as (address, asked):
        done = bench("run", "-m", "hf:model", "-t", "ss", "--limit", "2", HTTPS_PROXY=address, HTTP_PROXY=address)
        refused(done, "is not whole: its configuration asks for files of ")
        assert asked == []


def test_the_folder_of_a_cell_of_a_long_name_is_a_name(whole: Path) -> None:
    from symmbench.bench.records import read_record
    from symmbench.symmflow.names import LONGEST_NAME, fault

    (path,) = whole.glob("*/*/*/record.json")
    cell = read_record(path).cell
    for method in ("x" * LONGEST_NAME, "é" * (LONGEST_NAME // 2)):
        long = cell.model_copy(update={"method": method, "solver": "s" * LONGEST_NAME})
        assert fault(long.folder.name) == "" and long.folder.name.endswith(long.key[:10])
