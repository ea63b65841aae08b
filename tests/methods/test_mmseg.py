"""mmsegmentation behind the interface: its own losses, its own weights, what is refused."""

from pathlib import Path

import pytest
import torch

from symmbench import datasets, methods
from symmbench.methods.parts.mmseg_config import config_path, read_config
from symmbench.methods.parts.mmseg_network import build
from symmbench.symmflow.checkpoint import save_checkpoint
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws

pytest.importorskip(
    "mmcv", reason="mmsegmentation is not installed (pip install 'symmbench[mmseg]')", exc_type=ImportError
)
CARD = datasets.card("digit-scenes")
CONFIG = "segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py"
RECIPES = [name for name in methods.recipe_names() if "mmseg[" in name]


def scenes(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    batch = datasets.load("digit-scenes", "test").batch(range(count))
    return torch.from_numpy(batch.images), torch.from_numpy(batch.labels)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_train_and_segment(name: str, tmp_path: Path) -> None:
    from symmbench.bench.checks.conformance import check_method

    recipe = methods.recipe(name)
    torch.manual_seed(0)
    network = methods.method("mmseg").network(recipe, CARD)
    images, labels = scenes(8)
    optimizer, losses = torch.optim.AdamW(network.parameters(), 2e-3), []
    for _ in range(12):
        loss, _ = methods.method("mmseg").objective(recipe, CARD).loss(network, images, labels, Draws(0, ["a"] * 8))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    save_checkpoint(tmp_path / "c", network.state_dict(), recipe, "step,loss\n", trained_steps=12)
    checks = check_method("mmseg", "digit-scenes", str(tmp_path / "c"))
    assert not [c for c in checks if c.ok is False], checks


def test_loss_is_that_of_mmsegmentation_and_void_pixels_do_not_count() -> None:
    torch.manual_seed(0)
    network = build(read_config(CONFIG, {"model.decode_head.dropout_ratio": 0.0}), 11).eval()
    images, labels = scenes(4)
    labels[:, :8] = 255
    with torch.no_grad():
        found = network(images, labels)
        expected = torch.nn.functional.cross_entropy(network(images), labels, ignore_index=255)
    # mmsegmentation averages over all pixels, the void ones too
    torch.testing.assert_close(found, expected * (labels != 255).float().mean(), rtol=1e-4, atol=1e-5)


def test_weights_of_mmsegmentation_load_and_code_in_them_does_not(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build(read_config(CONFIG, {}), 11).eval()
    torch.save({"state_dict": network.model.state_dict(), "meta": {"epoch": 1}}, tmp_path / "own.pth")
    opened = methods.checkpoint(f"mmseg:{CONFIG}", "digit-scenes", str(tmp_path / "own.pth"))
    method = methods.method("mmseg").load(opened, CARD, "cpu")
    images, _ = scenes(2)
    with torch.inference_mode():
        made = next(method.segment(images, methods.Sampling(Draws(0, ["a", "b"])))).classes
        assert torch.equal(made, network(images).argmax(1))
    torch.save({"state_dict": {}, "meta": Path("/")}, tmp_path / "code.pth")
    with pytest.raises(InputError, match="a pickle can run code"):
        _load(f"mmseg:{CONFIG}", tmp_path / "code.pth")
    torch.save({"state_dict": {}}, tmp_path / "foreign.pth")
    with pytest.raises(InputError, match="do not fit"):
        _load(f"mmseg:{CONFIG}", tmp_path / "foreign.pth")


def _load(name: str, file: Path) -> None:
    methods.method("mmseg").load(methods.checkpoint(name, "digit-scenes", str(file)), CARD, "cpu")


def test_a_checkpoint_cannot_run_code(tmp_path: Path) -> None:
    """mmengine imports any dotted type and calls it with what stands beside: not from a recipe's overrides."""
    mark = tmp_path / "ran"
    for kind in ("subprocess.Popen", "os.system", "builtins.print"):
        overrides = {"model.backbone": {"_delete_": True, "type": kind, "args": ["touch", str(mark)]}}
        with pytest.raises(InputError, match="does not register"):
            build(read_config(CONFIG, overrides), 11)
    with pytest.raises(InputError, match="not of the model"):
        read_config(CONFIG, {"custom_imports.imports": ["antigravity"]})
    program = tmp_path / "mine.py"
    program.write_text(f"open({str(mark)!r}, 'w').write('')\nmodel = dict(type='EncoderDecoder')\n")
    recipe = methods.recipe("digit-scenes/mmseg[segformer]", {"options.config": str(program)})
    with pytest.raises(InputError, match="add --trust"):
        methods.method("mmseg").vet(recipe, trust=False)
    (tmp_path / "w.pth").write_bytes(b"")
    with pytest.raises(InputError, match="add --trust"):
        methods.checkpoint(f"mmseg:{program}", "digit-scenes", str(tmp_path / "w.pth"))
    assert not mark.exists()
    methods.method("mmseg").vet(recipe, trust=True)
    with pytest.raises(InputError, match="cannot build"):
        build(read_config(str(program), {}), 11)
    assert mark.exists()


def test_trust_loads_what_mmengine_pickles(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build(read_config(CONFIG, {}), 11)
    torch.save({"state_dict": network.model.state_dict(), "meta": Path("/")}, tmp_path / "whole.pth")
    opened = methods.checkpoint(f"mmseg:{CONFIG}", "digit-scenes", str(tmp_path / "whole.pth"), trust=True)
    assert methods.method("mmseg").load(opened, CARD, "cpu").networks


@pytest.mark.parametrize("config", ["mask2former/mask2former_r50_8xb2-90k_cityscapes-512x1024.py"])
def test_configs_that_need_other_packages_are_refused_in_a_sentence(config: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read|cannot build|does not register"):
        build(read_config(config, {}), 11)


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        "segnext/segnext_mscan-t_1xb16-adamw-160k_ade20k-512x512.py",
        "swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py",
    ],
)
def test_nothing_is_said_on_standard_output(config: str, capfd: pytest.CaptureFixture[str]) -> None:
    """`bench run --json` writes there."""
    build(read_config(config, {}), 11)
    assert capfd.readouterr().out == ""


def test_every_head_of_a_nested_config_has_our_classes() -> None:
    config = "knet/knet-s3_r50-d8_fcn_8xb2-adamw-80k_ade20k-512x512.py"
    network = build(read_config(config, {}), 11).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 11, 64, 64)


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ("cgnet/cgnet_fcn_4xb4-60k_cityscapes-680x680.py", 4),  # insists on tuples, has weights of 19 classes
        ("mobilenet_v3/mobilenet-v3-d8-s_lraspp_4xb4-320k_cityscapes-512x1024.py", 16),
        ("ddrnet/ddrnet_23-slim_in1k-pre_2xb6-120k_cityscapes-1024x1024.py", 4),
    ],
)
def test_families_with_values_of_their_own_train(config: str, scale: int) -> None:
    torch.manual_seed(0)
    network = build(read_config(config, {}), 11, scale)
    images, labels = scenes(2)
    loss = network(images, labels)
    loss.backward()
    assert loss.isfinite()


def test_what_a_model_cannot_take_is_said_in_a_sentence() -> None:
    small = "mobilenet_v3/mobilenet-v3-d8-s_lraspp_4xb4-320k_cityscapes-512x1024.py"
    with pytest.raises(InputError, match=r"32x32 pixels are too few .* raise options\.scale"):
        build(read_config(small, {}), 11)(*scenes(2))
    network = build(read_config("pidnet/pidnet-s_2xb6-120k_1024x1024-cityscapes.py", {}), 11, scale=4)
    with pytest.raises(InputError, match=r"asks for more than images and masks .*gt_edge_map"):
        network(*scenes(2))


def test_helpers_that_mmsegmentation_registers_are_known() -> None:
    config = "deeplabv3plus/deeplabv3plus_r18-d8_4xb2-80k_cityscapes-512x1024.py"
    sampler = {"model.decode_head.sampler": {"type": "OHEMPixelSampler", "thresh": 0.7, "min_kept": 100}}
    assert build(read_config(config, sampler), 11)


def test_refusals_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs its weights: --checkpoint"):
        methods.checkpoint(f"mmseg:{CONFIG}", "digit-scenes")
    with pytest.raises(InputError, match="did you mean 'segformer/segformer_mit-b0"):
        config_path("segformer/segformer_mit-b0_8xb2-160k_ade20k-512x51.py")
    with pytest.raises(InputError, match="overrides do not fit"):
        read_config(CONFIG, {"model.backbone.type.no": 1})
