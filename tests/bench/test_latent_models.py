"""Models in the latents of a Stable Diffusion pipeline of a few thousand random weights, in the official formats.

They are trained, evaluated, exported, imported and refused here.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from tiny_sd import UNET, save_pipeline

from symmbench import datasets, methods
from symmbench.bench import api
from symmbench.bench.checks.conformance import check_method
from symmbench.methods import Sampling
from symmbench.symmflow.checkpoint import Checkpoint, open_checkpoint
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws

transformers = pytest.importorskip("transformers", reason="transformers is not installed (pip install 'symmbench[hf]')")
CARD = datasets.card("digit-scenes")

TABLES = """
[latents]
codec = "autoencoder-kl"
weights = "{pipeline}"
channels = 4
factor = 4
chunk = 4

[network]
kind = "sd-unet"
channels = 8
multipliers = [1, 2]
depth = 1
heads = [2]
context = 12
tokens = 9
pipeline = "{pipeline}"
pretrained = "{pretrained}"

[optimizer]
lr = 1e-3

[schedule]
steps = 5

[train]
batch = 4
ema = 0.9
log_every = 1
"""
METHODS = {
    "symmflow": '[labels]\ncodec = "palette"\nbeta = 10\n',
    "semflow": '[labels]\ncodec = "anchors"\nk = 3\ns = 125\nbeta = 15\n',
    "dsm": '[labels]\ncodec = "anchors"\nk = 3\ns = 125\nbeta = 15\n\n[options]\nschedule = "scaled_linear"\n',
    "fm": '[labels]\ncodec = "palette"\n',
}


def write_recipe(folder: Path, method: str, pipeline: Path, pretrained: str = "copy") -> Path:
    """A recipe of a method in the latents of a pipeline, on digit-scenes."""
    head = f'name = "digit-scenes/{method}[tiny]"\nmethod = "{method}"\ndataset = "digit-scenes"\nnotes = "tiny"\n\n'
    tables = TABLES.format(pipeline=pipeline, pretrained=pretrained)
    path = folder / f"{method}.toml"
    path.write_text(head + METHODS[method] + tables)
    return path


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_pipeline(tmp_path_factory.mktemp("sd"))


@pytest.fixture(scope="module")
def trained(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """SymmFlow after five steps."""
    folder = tmp_path_factory.mktemp("symmflow")
    return api.train(recipe=str(write_recipe(folder, "symmflow", pipeline)), out=folder / "run", device="cpu")


def rows(checkpoint: Checkpoint) -> str:
    return (checkpoint.path / "training.csv").read_text()


def synthesized(checkpoint: Checkpoint) -> torch.Tensor:
    batch = datasets.load("digit-scenes", "test").batch(range(2))
    method = methods.method(checkpoint.recipe.method).load(checkpoint, CARD, "cpu")
    with torch.inference_mode():
        return next(method.synthesize(torch.from_numpy(batch.labels), Sampling(Draws(0, batch.ids), (2,), "euler")))


@pytest.mark.parametrize(("method", "task"), [("semflow", "ss"), ("semflow", "sis"), ("dsm", "ss"), ("fm", "sis")])
def test_rivals_train_and_evaluate_in_latents(method: str, task: str, pipeline: Path, tmp_path: Path) -> None:
    made = api.train(recipe=str(write_recipe(tmp_path, method, pipeline)), out=tmp_path, device="cpu", max_steps=2)
    assert np.isfinite([float(line.split(",")[2]) for line in rows(made).splitlines()[1:]]).all()
    found = api.run(
        methods=method, tasks=task, steps=[2, 5], limit=4, checkpoint=made.path, out=tmp_path / "r", device="cpu"
    )
    assert [record.status for record in found] == ["ok", "ok"]
    assert [record.nfe for record in found] == [2, 5]


def test_a_training_that_was_cut_goes_on_as_if_it_had_not_been(
    trained: Checkpoint, pipeline: Path, tmp_path: Path
) -> None:
    recipe = str(write_recipe(tmp_path, "symmflow", pipeline))
    api.train(recipe=recipe, out=tmp_path, device="cpu", max_steps=2)
    whole = api.train(recipe=recipe, out=tmp_path, device="cpu")
    assert rows(whole) == rows(trained) and whole.sha256 == trained.sha256


def test_cached_latents_and_gradient_checkpointing_give_the_losses_of_the_plain_run(
    pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Any
) -> None:
    """As a user asks for them, on sixteen images; what is cached serves the next training."""
    few = datasets.load("digit-scenes", "validation").first(16)
    monkeypatch.setattr(datasets, "load", lambda *_: few)
    recipe, kept = str(write_recipe(tmp_path, "symmflow", pipeline)), tmp_path / "kept"

    def losses(*asked: str, said: str) -> list[list[float]]:
        out = tmp_path / f"run{len(asked)}"
        asked = ("--recipe", recipe, "--out", str(out), "--device", "cpu", *asked)
        done = bench("train", *asked, XDG_CACHE_HOME=str(kept))
        assert done.returncode == 0 and said in done.stderr, done.stderr
        text = (out / "checkpoint" / "training.csv").read_text()
        return [[float(value) for value in line.split(",")] for line in text.splitlines()[1:]]

    plain, again = (
        losses(said="not cached: 16 would be encoded for a training on 20."),
        "train.gradient_checkpointing=true",
    )
    once = losses(
        "--cache-latents", said=f"note: image latents are cached in {kept}/symmbench/latents/digit-scenes/validation-"
    )
    np.testing.assert_allclose(once, plain, rtol=1e-5)
    files = {file: file.stat().st_mtime_ns for file in kept.rglob("*.npy")}
    np.testing.assert_allclose(losses("--set", again, said="are cached in"), plain, rtol=1e-5)
    assert files == {file: file.stat().st_mtime_ns for file in kept.rglob("*.npy")} and len(files) == 1
    np.testing.assert_allclose(losses("--no-cache-latents", "--set", again, said=""), plain, rtol=1e-5)
    refused = bench("train", "--recipe", "digit-scenes/symmflow", "--cache-latents", "--device", "cpu")
    assert refused.returncode == 2 and "cannot be cached: its network sees pixels; drop --cache" in refused.stderr


def test_the_checkpoint_keeps_the_empty_prompt_and_its_pad_token(trained: Checkpoint, pipeline: Path) -> None:
    weights = load_file(trained.path / "weights.safetensors")
    tokenizer = transformers.CLIPTokenizer.from_pretrained(pipeline / "tokenizer")
    encoder = transformers.CLIPTextModel.from_pretrained(pipeline / "text_encoder").eval()
    ids = tokenizer("", padding="max_length", max_length=9, truncation=True, return_tensors="pt").input_ids
    assert weights["prompt_ids"].tolist() == ids.tolist() and weights["prompt_ids"][0, -1] == tokenizer.pad_token_id
    with torch.no_grad():
        torch.testing.assert_close(weights["prompt"], encoder(ids)[0])


def test_the_checkpoint_names_what_its_training_began_with(trained: Checkpoint, pipeline: Path, tmp_path: Path) -> None:
    unet = (pipeline / "unet" / "diffusion_pytorch_model.safetensors").read_bytes()
    facts = {"pipeline": str(pipeline), "commit": None, "sha256": hashlib.sha256(unet).hexdigest()}
    assert trained.manifest["pretrained"] == facts
    folder = api.export_checkpoint(trained.path, out=tmp_path / "export")
    assert api.import_checkpoint(folder, out=tmp_path / "again").manifest["pretrained"] == facts


def test_a_training_begins_with_the_pipelines_weights(pipeline: Path, tmp_path: Path) -> None:
    recipe = methods.recipe(str(write_recipe(tmp_path, "symmflow", pipeline, "preserving")))
    made: Any = methods.method("symmflow").untrained(recipe, CARD)
    own = UNet2DConditionModel.from_pretrained(pipeline / "unet")
    z, t = torch.randn(2, 8, 8, 8), torch.rand(2)
    with torch.no_grad():
        expected = own(z[:, :4], 1000 * t, made.prompt.expand(2, -1, -1)).sample
        torch.testing.assert_close(made(z, t)[:, :4], expected)


def test_symmflow_is_evaluated_exported_and_imported_with_equal_outputs(trained: Checkpoint, tmp_path: Path) -> None:
    asked = {"methods": "symmflow", "tasks": ["ss", "sis"], "steps": [1, 2, 5], "limit": 4, "device": "cpu"}
    found = api.run(**asked, checkpoint=trained.path, out=tmp_path / "r")  # type: ignore[arg-type]
    assert [r.status for r in found] == ["ok"] * 6
    folder = api.export_checkpoint(trained.path.parent, out=tmp_path / "export", results=tmp_path / "r")
    page = (folder / "README.md").read_text()
    assert "trained 5 of 5 steps" in page and CARD.licence in page and "digit-scenes/symmflow[tiny]" in page
    figure = found[0].metrics["pixel_accuracy"]
    assert f"| ss | digit-scenes test, 4 | 1 | euler | pixel_accuracy | {figure.value:.4g} |" in page
    assert UNet2DConditionModel.from_pretrained(folder).config.in_channels == 8  # as diffusers opens it
    again = api.import_checkpoint(folder, out=tmp_path / "again")
    assert again.fingerprint == trained.fingerprint and again.manifest["trained_steps"] == 5
    assert torch.equal(synthesized(again), synthesized(trained))
    same = api.run(**asked, checkpoint=again.path, out=tmp_path / "r")  # type: ignore[arg-type]
    assert same.reused == 6


def test_a_latent_model_keeps_the_rules_of_the_interface(trained: Checkpoint) -> None:
    assert not [c for c in check_method("symmflow", "digit-scenes", str(trained.path)) if c.ok is False]


def published(kind: str, pipeline: Path, folder: Path) -> tuple[Path, str]:
    """A random U-Net as it was published, and the method that it is of."""
    torch.manual_seed(1)
    wide = 8 if kind == "symmflow" else 4
    unet = UNet2DConditionModel(sample_size=8, in_channels=wide, out_channels=wide, **UNET)
    if kind == "folder":
        unet.save_pretrained(folder / "unet")
        return folder, "semflow"
    prefix = "unet." if kind == "symmflow" else ""
    torch.save({prefix + name: value for name, value in unet.state_dict().items()}, folder / "face.pt")
    return folder / "face.pt", kind


@pytest.mark.parametrize("kind", ["symmflow", "semflow", "folder"])
def test_published_formats_are_imported(kind: str, pipeline: Path, tmp_path: Path, bench: Any) -> None:
    file, method = published(kind, pipeline, tmp_path)
    recipe = write_recipe(tmp_path, method, pipeline)
    done = bench("import", str(file), "--as", method, "--recipe", str(recipe), "--out", str(tmp_path / "made"))
    assert done.returncode == 0, done.stderr
    made = open_checkpoint(tmp_path / "made")
    weights = load_file(made.path / "weights.safetensors")
    path = file / "unet" / "diffusion_pytorch_model.safetensors" if kind == "folder" else file
    given = load_file(path) if kind == "folder" else torch.load(path, weights_only=True)
    for name, value in given.items():
        assert torch.equal(weights[f"unet.{name.removeprefix('unet.')}"], value)
    assert len(weights) == len(given) + 2 and f"{made.manifest['parameters']:,} parameters" in done.stdout
    assert synthesized(made).isfinite().all()


def test_what_cannot_be_imported_is_refused_in_a_sentence(pipeline: Path, tmp_path: Path) -> None:
    file, _ = published("semflow", pipeline, tmp_path)
    recipe = str(write_recipe(tmp_path, "semflow", pipeline))

    def refused(path: Path | str, said: str, **how: Any) -> None:
        with pytest.raises(InputError, match=said):
            api.import_checkpoint(path, out=tmp_path / "made", **how)
        assert not (tmp_path / "made").exists()

    weights = torch.load(file, weights_only=True)
    refused(file, "name its recipe")
    refused(file, "is a recipe of semflow; import it --as semflow", recipe=recipe, method="symmflow")
    refused(tmp_path / "nothing.pt", "there are no weights at", recipe=recipe)
    refused("semflow-authors", "name the file of semflow-authors too: semflow-authors:face.pt", recipe=recipe)
    torch.save({n: v for n, v in weights.items() if n != "conv_in.bias"}, file)
    refused(file, r"it has no conv_in\.bias", recipe=recipe)
    (tmp_path / "code.pt").write_bytes(pickle.dumps({"conv_in.bias": Path("x")}))
    refused(tmp_path / "code.pt", "could run code", recipe=recipe)
    torch.save({"epoch": 3, **weights}, file)
    refused(file, "epoch in it is no tensor by a name", recipe=recipe)
    torch.save({1: torch.zeros(1)}, file)
    refused(file, "1 in it is no tensor by a name", recipe=recipe)
    torch.save(torch.zeros(1, 7, 12), tmp_path / "prompt.pt")
    torch.save(weights, file)
    refused(file, r"prompt is \[1, 7, 12\] in it and \[1, 9, 12\]", recipe=recipe, prompt=tmp_path / "prompt.pt")


def test_a_prompt_may_be_given_as_a_file(pipeline: Path, tmp_path: Path) -> None:
    file, _ = published("semflow", pipeline, tmp_path)
    torch.save(embedding := torch.randn(1, 9, 12), tmp_path / "prompt.pt")
    recipe = str(write_recipe(tmp_path, "semflow", pipeline))
    made = api.import_checkpoint(file, recipe=recipe, prompt=tmp_path / "prompt.pt", out=tmp_path / "made")
    weights = load_file(made.path / "weights.safetensors")
    assert torch.equal(weights["prompt"], embedding) and (weights["prompt_ids"] == -1).all()


def test_heads_which_no_shape_shows_are_compared(pipeline: Path, tmp_path: Path) -> None:
    folder, _ = published("folder", pipeline, tmp_path)
    config = folder / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"attention_head_dim": 4}))
    with pytest.raises(InputError, match="attention_head_dim is 4 in its configuration and 2 in the network"):
        api.import_checkpoint(folder, recipe=str(write_recipe(tmp_path, "semflow", pipeline)), out=tmp_path / "made")


def test_another_autoencoder_than_the_checkpoints_is_refused(trained: Checkpoint, pipeline: Path) -> None:
    file = pipeline / "vae" / "diffusion_pytorch_model.safetensors"
    before = file.read_bytes()
    try:
        save_file({n: v + 1e-3 for n, v in load_file(file).items()}, file, metadata={"format": "pt"})
        with pytest.raises(InputError, match="is not the one that this checkpoint was made with"):
            methods.method("symmflow").load(trained, CARD, "cpu")
    finally:
        file.write_bytes(before)


def test_methods_of_pixels_and_networks_that_diffusers_lacks_say_so(pipeline: Path, tmp_path: Path) -> None:
    path = tmp_path / "unet.toml"
    text = write_recipe(tmp_path, "symmflow", pipeline).read_text()
    path.write_text(text.replace('"symmflow"', '"unet"').replace("/symmflow[", "/unet["))
    with pytest.raises(InputError, match="unet works on pixels"):
        api.train(recipe=str(path), out=tmp_path / "run", device="cpu")
    bundled = methods.bundled("two-spirals")["symmflow"]
    with pytest.raises(InputError, match="diffusers has no network like that of two-spirals/symmflow"):
        api.export_checkpoint(bundled, out=tmp_path / "out")


def test_pixel_models_are_exported_with_all_that_they_hold(tmp_path: Path) -> None:
    bundled = open_checkpoint(methods.bundled("digit-scenes")["symmflow"])
    folder = api.export_checkpoint(bundled.path, out=tmp_path / "out")
    assert set(load_file(folder / "beside.safetensors")) == {
        f"gain.{n}.{k}" for n in (0, 2) for k in ("weight", "bias")
    }
    again = api.import_checkpoint(folder, out=tmp_path / "again")
    assert torch.equal(synthesized(again), synthesized(bundled))
    (folder / "beside.safetensors").unlink()
    with pytest.raises(InputError, match=r"does not hold all of the recipe's network: it has no gain\.0\.weight"):
        api.import_checkpoint(folder, out=tmp_path / "third")


def test_the_round_trip_is_what_encoding_and_decoding_gives(pipeline: Path, tmp_path: Path, bench: Any) -> None:
    recipe = write_recipe(tmp_path, "symmflow", pipeline)
    done = bench("roundtrip", str(recipe), "--limit", "10", "--split", "test", "--json", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    batch = datasets.load("digit-scenes", "test").batch(range(10))
    vae = AutoencoderKL.from_pretrained(pipeline / "vae").eval()
    colors = torch.tensor(CARD.palette).float() / 127.5 - 1
    with torch.no_grad():
        x = torch.from_numpy(batch.images)
        mse = ((vae.decode(vae.encode(x).latent_dist.mean).sample.clamp(-1, 1) - x) / 2).square().mean(dim=(1, 2, 3))
        masks = torch.from_numpy(batch.labels)
        back = vae.decode(vae.encode(colors[masks].movedim(-1, 1)).latent_dist.mean).sample
        ids = (back.movedim(1, -1)[..., None, :] - colors).square().sum(-1).argmin(-1)
    assert found["psnr"] == pytest.approx((-10 * mse.log10()).mean().item(), abs=1e-3)
    assert found["accuracy"] == pytest.approx((ids == masks).float().mean().item(), abs=1e-3)
    inter = [((ids == c) & (masks == c)).sum() / ((ids == c) | (masks == c)).sum() for c in masks.unique()]
    assert found["miou"] == pytest.approx(torch.stack(inter).mean().item(), abs=1e-3)
    assert found["latents"] == [4, 8, 8] and list(found["iou"]) == list(CARD.classes)
    with pytest.raises(InputError, match="works on pixels"):
        api.roundtrip("digit-scenes/symmflow")


def test_an_evaluation_fetches_no_autoencoder_until_its_user_asks(
    pipeline: Path, tmp_path: Path, hub: Any, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    vae = {file.name: file.read_bytes() for file in (pipeline / "vae").iterdir()}
    hub.put("models/owner/vae", vae)
    recipe = write_recipe(tmp_path, "semflow", pipeline)
    recipe.write_text(recipe.read_text().replace(f'weights = "{pipeline}"', 'weights = "owner/vae"'))
    made = api.train(recipe=str(recipe), out=tmp_path / "run", device="cpu", max_steps=1)  # names it, and fetches it
    request = ("-m", "semflow", "-t", "ss", "-d", "digit-scenes", "--checkpoint", str(made.path), "--steps", "1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    asked = len(hub.asked)
    assert asked
    limits = ("--limit", "2", "--device", "cpu", "--out", str(tmp_path / "r"))
    refused = bench("run", *request, *limits)
    assert refused.returncode in (1, 2) and len(hub.asked) == asked
    assert "'owner/vae' is not on this machine" in refused.stderr and "bench data get --for" in refused.stderr
    done = bench("data", "get", "--for", *request)
    assert done.returncode == 0 and "weights owner/vae: " in done.stdout, done.stderr
    hub.close()
    ran = bench("run", *request, *limits)
    assert ran.returncode == 0, ran.stderr


def test_facts_of_an_export_that_nothing_could_have_written_are_refused(tmp_path: Path) -> None:
    folder = api.export_checkpoint(methods.bundled("digits")["symmflow"], out=tmp_path / "out")
    facts = json.loads((folder / "symmbench.json").read_text())
    for wrong in ({"trained_steps": "many"}, {"data": []}, {"pretrained": 1}, {"recipe": 3}):
        (folder / "symmbench.json").write_text(json.dumps(facts | wrong))
        with pytest.raises(InputError, match=r"symmbench\.json cannot be read"):
            api.import_checkpoint(folder, out=tmp_path / "made")
        assert not (tmp_path / "made").exists()
