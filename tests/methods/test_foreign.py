"""Models of other projects behind the interface: transformers and Stable Diffusion, built here, tiny."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_sd import save_text_encoder
from tiny_segmenters import save_segmenter

from symmbench import datasets, methods
from symmbench.bench.checks.conformance import check_method
from symmbench.bench.records import Store
from symmbench.bench.run.plan import plan
from symmbench.bench.run.reproduce import reproduce
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import sweep
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws

CARD = datasets.card("digit-scenes")
transformers = pytest.importorskip("transformers", reason="transformers is not installed (pip install 'symmbench[hf]')")


def scenes(count: int = 3) -> torch.Tensor:
    return torch.from_numpy(datasets.load("digit-scenes", "test").batch(range(count)).images)


@pytest.fixture(scope="module", params=["segformer", "maskformer", "mask2former"])
def hf_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with its image processor, as `save_pretrained` writes them."""
    return save_segmenter(request.param, tmp_path_factory.mktemp(request.param), CARD.classes, 64)


def test_transformers_segmenters_keep_the_rules_of_the_interface(hf_folder: Path) -> None:
    failed = [c for c in check_method(f"hf:{hf_folder}", "digit-scenes") if c.ok is False]
    assert not failed


def test_transformers_segmenters_do_what_their_own_pipeline_does(hf_folder: Path) -> None:
    from PIL import Image

    images = scenes()
    method = methods.method("hf").load(methods.checkpoint(f"hf:{hf_folder}", "digit-scenes"), CARD, "cpu")
    with torch.inference_mode():
        ours = next(method.segment(images, methods.Sampling(Draws(0, ["a"] * 3)))).classes
    assert ours.unique().numel() > 1
    pictures = [Image.fromarray(((i.numpy().transpose(1, 2, 0) + 1) * 127.5).round().astype(np.uint8)) for i in images]
    processor = transformers.AutoImageProcessor.from_pretrained(hf_folder)
    made = method.net(**{"pixel_values": processor(images=pictures, return_tensors="pt")["pixel_values"]})
    theirs = torch.stack(list(processor.post_process_semantic_segmentation(made, target_sizes=[(32, 32)] * 3)))
    assert (ours != theirs).float().mean() <= 0.001


def test_foreign_models_that_do_not_fit_are_refused(hf_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no config\.json"):
        methods.checkpoint(f"hf:{tmp_path}", "digit-scenes")
    with pytest.raises(InputError, match="there is no folder"):
        methods.checkpoint(f"hf:{tmp_path}/no/where", "digit-scenes")
    with pytest.raises(InputError, match="name the model"):
        methods.checkpoint("hf", "digit-scenes")
    with pytest.raises(InputError, match="takes nothing after a colon"):
        methods.checkpoint("symmflow:here", "digit-scenes")
    few = tmp_path / "few"
    few.mkdir()
    for file in hf_folder.iterdir():
        (few / file.name).write_bytes(file.read_bytes())
    config = json.loads((few / "config.json").read_text())
    config |= {"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 0, "b": 1}}
    (few / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"2 classes|no segmentation model"):
        methods.method("hf").load(methods.checkpoint(f"hf:{few}", "digit-scenes"), CARD, "cpu")
    turned = list(reversed(CARD.classes))
    config |= {"id2label": dict(enumerate(turned)), "label2id": {c: i for i, c in enumerate(turned)}}
    (few / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=f"in another order: 0 is '{turned[0]}' there and '{CARD.classes[0]}' here"):
        methods.method("hf").load(methods.checkpoint(f"hf:{few}", "digit-scenes"), CARD, "cpu")


@pytest.fixture(scope="module", params=["epsilon", "v_prediction"])
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion pipeline in diffusers' layout, a few thousand random weights."""
    from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel

    folder = tmp_path_factory.mktemp("sd")
    torch.manual_seed(0)
    UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=12, attention_head_dim=4,
    ).save_pretrained(folder / "unet")  # fmt: skip
    AutoencoderKL(
        block_out_channels=(4, 8), down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
        latent_channels=4, norm_num_groups=4,
    ).save_pretrained(folder / "vae")  # fmt: skip
    save_text_encoder(folder, words=77)
    DDPMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, prediction_type=request.param
    ).save_pretrained(folder / "scheduler")
    return folder


def load_pipeline(folder: Path, **inference: Any) -> Any:
    card = datasets.card("digits")
    return methods.method("sd-classifier").load(
        methods.checkpoint(f"sd-classifier:{folder}", "digits"), card, "cpu", inference
    )


def test_zero_shot_classifier_keeps_the_rules_of_the_interface(pipeline: Path) -> None:
    failed = [c for c in check_method(f"sd-classifier:{pipeline}", "digits") if c.ok is False]
    assert not failed


def test_a_record_of_a_foreign_model_can_be_made_again(hf_folder: Path, tmp_path: Path) -> None:
    asked = Request(methods=[f"hf:{hf_folder}"], tasks=["ss"], limit=3, batch_size=3, out=tmp_path / "out")
    (record,) = sweep(plan(asked), asked).records
    assert record.method == f"hf:{hf_folder.name}" and (record.checkpoint.parameters or 0) > 1000
    (cell,) = Store(asked.out).items()
    assert reproduce(cell.folder).verdict == "bit for bit"
    moved = shutil.copytree(hf_folder, tmp_path / "moved")
    assert reproduce(cell.folder, checkpoint=str(moved)).verdict == "bit for bit"


@pytest.mark.parametrize(("method", "task", "dataset", "extra"), [
    ("mmseg", "ss", "digit-scenes", "mmseg"),
    ("hf", "ss", "digit-scenes", "hf"),
    ("sd-classifier", "cls", "digits", "hf"),
])  # fmt: skip
def test_a_missing_extra_names_its_install(
    method: str, task: str, dataset: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = methods.method(method)
    monkeypatch.setattr(sys.modules[kind.__module__], "find_spec", lambda name: None)
    support = kind.supports(task, None if kind.stepless else 25, datasets.card(dataset))
    assert not support and f"pip install 'symmbench[{extra}]'" in support.reason


def by_hand(pipeline: Path, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Scaled means of the VAE's posterior, and the prompts' states, with the pipeline's own parts."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    vae = AutoencoderKL.from_pretrained(pipeline, subfolder="vae")
    side = UNet2DConditionModel.from_pretrained(pipeline, subfolder="unet").config.sample_size
    side *= 2 ** (len(vae.config.block_out_channels) - 1)
    large = torch.nn.functional.interpolate(images, size=(side, side), mode="bicubic", antialias=True).clamp(-1, 1)
    latents = vae.encode(large.repeat(1, 3, 1, 1)).latent_dist.mean * vae.config.scaling_factor
    tokenizer = CLIPTokenizer.from_pretrained(pipeline, subfolder="tokenizer")
    words = [f"a blurry photo of a {name}." for name in datasets.card("digits").classes]
    ids = tokenizer(words, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    return latents, CLIPTextModel.from_pretrained(pipeline, subfolder="text_encoder")(ids)[0]


def test_zero_shot_classifier_against_a_plain_loop(pipeline: Path) -> None:
    """One stage, every class at every timestep, one image at a time, with the parts used by hand."""
    method = load_pipeline(pipeline, keep=[1], samples=[3])
    batch = datasets.load("digits", "test").batch(range(2))
    images, draws = torch.from_numpy(batch.images), Draws(0, batch.ids)
    with torch.inference_mode():
        found = next(method.classify(images, methods.Sampling(draws, (30,))))
        assert method.prompts.shape[:2] == (10, 77)  # padded as the text encoder was trained
        a = method.diffusion._scheduler.alphas_cumprod
        latents, prompts = by_hand(pipeline, images)
        for i in range(2):
            latent = latents[i : i + 1]
            errors = []
            for c in range(10):
                total = 0.0
                for k in (166, 500, 833):
                    noise = draws.normal(latent.shape[1:], f"eps/{k}")[i : i + 1]
                    z = a[k].sqrt() * latent + (1 - a[k]).sqrt() * noise
                    out = method.net(z, k, encoder_hidden_states=prompts[c : c + 1]).sample
                    if method.predicts == "v_prediction":
                        out = a[k].sqrt() * out + (1 - a[k]).sqrt() * z
                    total += float((out - noise).abs().mean())
                errors.append(total / 3)
            np.testing.assert_allclose(found.scores[i].numpy(), -np.array(errors), rtol=1e-4)


def test_zero_shot_prompts_and_refusals(pipeline: Path, tmp_path: Path) -> None:
    assert not torch.equal(load_pipeline(pipeline).prompts, load_pipeline(pipeline, prompt="a photo of {}").prompts)
    with pytest.raises(InputError, match="prompt"):
        load_pipeline(pipeline, prompt="no place for the class")
    turned = tmp_path / "zero-snr"
    shutil.copytree(pipeline, turned)
    config = json.loads((turned / "scheduler" / "scheduler_config.json").read_text())
    (turned / "scheduler" / "scheduler_config.json").write_text(json.dumps(config | {"rescale_betas_zero_snr": True}))
    with pytest.raises(InputError, match="rescales or lists its betas"):
        load_pipeline(turned)
    with pytest.raises(InputError, match=r"has no unet/\*\.json"):
        methods.checkpoint(f"sd-classifier:{tmp_path}", "digits")
    with pytest.raises(InputError, match="not trained here"):
        methods.method("sd-classifier").network(methods.recipe("digits/symmflow"), CARD)
