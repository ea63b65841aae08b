"""mmsegmentation behind the interface: its own losses, its own weights, what is refused."""

from pathlib import Path

import pytest
import torch

from symmbench import datasets, methods
from symmbench.methods import mmseg
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
    from symmbench.bench.conformance import check_method

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
    network = mmseg.build(mmseg.read_config(CONFIG, {"model.decode_head.dropout_ratio": 0.0}), 11).eval()
    images, labels = scenes(4)
    labels[:, :8] = 255
    with torch.no_grad():
        found = network(images, labels)
        expected = torch.nn.functional.cross_entropy(network(images), labels, ignore_index=255)
    # mmsegmentation averages over all pixels, the void ones too
    torch.testing.assert_close(found, expected * (labels != 255).float().mean(), rtol=1e-4, atol=1e-5)


def test_weights_of_mmsegmentation_load_and_code_in_them_does_not(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = mmseg.build(mmseg.read_config(CONFIG, {}), 11).eval()
    torch.save({"state_dict": network.model.state_dict(), "meta": {"epoch": 1}}, tmp_path / "own.pth")
    opened = methods.checkpoint(f"mmseg:{CONFIG}", "digit-scenes", str(tmp_path / "own.pth"))
    method = methods.method("mmseg").load(opened, CARD, "cpu")
    images, _ = scenes(2)
    with torch.inference_mode():
        made = next(method.segment(images, steps=(None,), solver="none", noise=Draws(0, ["a", "b"]))).classes
        assert torch.equal(made, network(images).argmax(1))
    torch.save({"state_dict": {}, "meta": Path("/")}, tmp_path / "code.pth")
    with pytest.raises(InputError, match="a pickle can run code"):
        _load(f"mmseg:{CONFIG}", tmp_path / "code.pth")
    torch.save({"state_dict": {}}, tmp_path / "foreign.pth")
    with pytest.raises(InputError, match="do not fit"):
        _load(f"mmseg:{CONFIG}", tmp_path / "foreign.pth")


def _load(name: str, file: Path) -> None:
    methods.method("mmseg").load(methods.checkpoint(name, "digit-scenes", str(file)), CARD, "cpu")


def test_refusals_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs its weights: --checkpoint"):
        methods.checkpoint(f"mmseg:{CONFIG}", "digit-scenes")
    with pytest.raises(InputError, match="did you mean 'segformer/segformer_mit-b0"):
        mmseg.config_path("segformer/segformer_mit-b0_8xb2-160k_ade20k-512x51.py")
    with pytest.raises(InputError, match="overrides do not fit"):
        mmseg.read_config(CONFIG, {"model.backbone.type.no": 1})
