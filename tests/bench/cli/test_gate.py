"""`bench gate` and `bench baseline save` on what `bench run` made."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def damaged(folder: Path) -> Path:
    """The bundled SymmFlow of digits with noise on its weights, as whole as a checkpoint can be."""
    import torch
    from safetensors.torch import load_file

    from symmbench import methods
    from symmbench.symmflow.checkpoint import save_checkpoint

    whole = methods.own_checkpoint("symmflow", "digits")
    weights = load_file(whole.path / "weights.safetensors")
    torch.manual_seed(0)
    noisy = {name: value + 0.05 * torch.randn(value.shape).to(value.dtype) for name, value in weights.items()}
    save_checkpoint(folder, noisy, whole.recipe, "step,loss\n", trained_steps=0)
    return folder


def test_a_damaged_checkpoint_another_protocol_and_a_lost_record(bench: Any, tmp_path: Path) -> None:
    asked = ("run", "-t", "cls", "-d", "digits", "--steps", "1", "--limit", "150")
    assert bench(*asked).returncode == 0
    assert bench("baseline", "save", "baseline.zip").returncode == 0
    same = bench("gate", "baseline.zip")
    assert same.returncode == 2 and "the baseline's own records" in same.stderr
    assert bench(*asked, "-o", "same").returncode == 0
    same = bench("gate", "baseline.zip", "same")
    assert same.returncode == 0, same.stdout
    assert bench(*asked, "--checkpoint", str(damaged(tmp_path / "damaged")), "-o", "worse").returncode == 0
    worse = bench("gate", "baseline.zip", "worse", "--format", "github")
    assert worse.returncode == 1
    assert "::error title=regression%3A digits/cls symmflow steps=1 seed=0 accuracy::" in worse.stdout
    assert bench(*asked[:-1], "100", "-o", "other").returncode == 0
    other = bench("gate", "baseline.zip", "other")
    assert other.returncode == 3 and "these fields differ: n, ids_sha256" in " ".join(other.stdout.split())
    assert "content_sha256" not in other.stdout
    (record,) = (tmp_path / "results").glob("digits/cls/*/record.json")
    record.unlink()
    assert bench(*asked[:3], "-d", "two-spirals", "--steps", "1", "--limit", "100").returncode == 0
    lost = bench("gate", "baseline.zip")
    assert lost.returncode == 2 and "the results have no such cell" in " ".join(lost.stdout.split())
