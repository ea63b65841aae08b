"""Data sets in files from end to end: sizes are protocols of their own, figures are those that numpy counts."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layouts import camvid, pictures
from PIL import Image

from symmbench import datasets, methods
from symmbench.bench import api
from symmbench.bench.judges.aligners import UNET
from symmbench.bench.judges.judge import Found
from symmbench.bench.protocols import Protocol
from symmbench.bench.records import Record, Store
from symmbench.bench.run.evaluate import Evaluator
from symmbench.bench.run.job import Job
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.symmflow.checkpoint import save_checkpoint
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.pixels import IGNORE
from symmbench.symmflow.recipe import Recipe

RECIPE: dict[str, Any] = {
    "name": "own/unet",
    "method": "unet",
    "network": {"channels": 8, "multipliers": [1], "depth": 1, "attention": [], "head_channels": 8},
    "optimizer": {"lr": 1e-3},
    "schedule": {"steps": 2},
    "train": {"batch": 2},
}


def checkpoint(folder: Path, name: str, root: Path | None = None, **data: Any) -> Path:
    """An untrained U-Net for a data set, whose predictions vary."""
    import torch

    recipe = Recipe.model_validate(RECIPE | {"dataset": name, "data": data})
    torch.manual_seed(0)
    seen = datasets.named(name, recipe.data.size, recipe.data.crop)
    network = methods.method("unet").network(recipe, datasets.card(seen, root))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    save_checkpoint(folder, network.state_dict(), recipe, "step,loss\n", trained_steps=0)
    return folder


def own(root: Path, count: int = 12) -> Path:
    for i in range(count):
        pictures.save(pictures.image(i, 24, 32), root / "images" / f"s{i}.png")
        mask = pictures.mask(i, 24, 32, [0, 1, 2, 3], cells=(5, 7))
        mask[:2] = IGNORE
        pictures.save(mask, root / "masks" / f"s{i}.png")
    return root


def miou(truths: list[np.ndarray], predictions: list[np.ndarray], classes: int) -> float:
    """By hand: intersections and unions over the whole set, mean over the classes that the truth has."""
    truth, predicted = (np.concatenate([x.ravel() for x in xs]) for xs in (truths, predictions))
    truth, predicted = truth[truth != IGNORE], predicted[truth != IGNORE]
    shares = []
    for k in range(classes):
        if (truth == k).any():
            both = ((truth == k) & (predicted == k)).sum()
            shares.append(both / ((truth == k) | (predicted == k)).sum())
    return float(np.mean(shares))


def predicted(record: Record, out: Path) -> dict[str, np.ndarray]:
    (stored,) = [one for one in Store(out).items() if one.record.key == record.key]
    return dict(stored.evidence.masks())


def up(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Each pixel that whose centre is nearest, the second of two as near."""

    def positions(before: int, after: int) -> list[int]:
        centres = [Fraction(2 * i + 1, 2 * after) * before for i in range(after)]
        return [min(range(before), key=lambda p: (abs(p + Fraction(1, 2) - c), -p)) for c in centres]

    return mask[np.ix_(*(positions(b, a) for b, a in zip(mask.shape, size, strict=True)))]


def protocol(record: Record, out: Path) -> Protocol:
    return Store(out).protocol(record)


def test_a_folder_is_measured_with_one_flag(bench: Any, tmp_path: Path) -> None:
    root = own(tmp_path / "street")
    weights = checkpoint(tmp_path / "weights", f"folder:{root}")
    arguments = ("-m", "unet", "-t", "ss", "-d", "folder:street", "--checkpoint", str(weights), "--workers", "1")
    done = bench("run", *arguments, "--batch-size", "5", "--json")
    assert done.returncode == 0, done.stderr
    (record,) = [Record.model_validate(row) for row in json.loads(done.stdout)]
    made = predicted(record, tmp_path / "results")
    truths = [np.asarray(Image.open(root / "masks" / f"{name}.png")) for name in made]
    assert len(made) == 12
    assert record.metrics["miou"].value == pytest.approx(miou(truths, list(made.values()), 4), abs=1e-9)
    assert record.dataset == "folder:street" and "grey values are class ids (0-3), 255 is void" in " ".join(
        done.stderr.split()
    )
    again = bench("run", *arguments, "--batch-size", "5", "--json")
    assert "nothing to evaluate" not in again.stdout and json.loads(again.stdout) == json.loads(done.stdout)


def test_a_job_finds_its_folder_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own(Path("street"))
    checkpoint(Path("made"), "folder:street", size="16")
    asked = Request(methods=["unet"], tasks=["ss"], datasets=["folder:street"], size="16", checkpoint="made", limit=2)
    (job,) = plan(asked).jobs
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    opened = Evaluator.open(Job.model_validate_json(job.model_dump_json()), "cpu")
    assert job.data_root == tmp_path / "street" and len(opened.data) == 2


def test_sizes_and_crops_are_protocols_of_their_own(tmp_path: Path) -> None:
    root, out = camvid.tutorial(tmp_path), tmp_path / "results"
    asked: dict[str, Any] = {"methods": "unet", "tasks": "ss", "datasets": "camvid", "data_root": root, "out": out}
    hashes = set()
    for size, crop in (("24x32", "whole"), ("24x32", "center"), ("12x16", "whole")):
        weights = checkpoint(tmp_path / f"{size}{crop}", "camvid", root, size=size, crop=crop)
        (record,) = api.run(**asked, size=size, crop=crop, checkpoint=weights)
        found = protocol(record, out)
        hashes.add(found.hash)
        name = str(datasets.view(size, crop))
        assert record.dataset == found.dataset == f"camvid@{name}" and found.name == f"camvid@{name}/ss@1"
        assert found.shape == (3, *datasets.view(size).size) and "bicubic" in found.policy["preprocessing"]
        assert found.content_sha256 == datasets.manifest(found.dataset, "test", root).content_sha256
    assert len(hashes) == 3
    with pytest.raises(InputError, match=r"was trained on camvid@12x16, not on camvid@24x32; choose"):
        api.run(**asked, size="24x32", checkpoint=weights)


def test_a_training_judges_at_the_size_that_it_saw(tmp_path: Path) -> None:
    root = camvid.tutorial(tmp_path)
    judge = UNET.of(str(checkpoint(tmp_path / "judge", "camvid", root, size="24x32")))
    found = judge.find(datasets.card("camvid@24x32", root))
    assert isinstance(found, Found) and found.identity.startswith("own/unet:")
    for other in ("camvid", "camvid@12x16"):
        with pytest.raises(InputError, match=f"was not trained here on {other}; name one that was"):
            judge.find(datasets.card(other, root))


def test_masks_are_scored_at_the_original_size_where_that_is_asked_for(tmp_path: Path) -> None:
    root, out = camvid.tutorial(tmp_path), tmp_path / "results"
    for name in camvid.SPLITS["test"][:2]:  # originals of different sizes
        pictures.save(pictures.image(1, 30, 44), root / "test" / f"{name}.png")
        pictures.save(camvid.truth(name, 30, 44), root / "testannot" / f"{name}.png")
    weights = checkpoint(tmp_path / "weights", "camvid", root, size="24x32")
    asked: dict[str, Any] = {"methods": "unet", "tasks": "ss", "datasets": "camvid@24x32", "data_root": root}
    asked |= {"out": out, "checkpoint": weights, "workers": 0}
    (at_view,) = api.run(**asked)
    (explicit,) = api.run(**asked, scored_at="view")
    (at_original,) = api.run(**asked, scored_at="original")
    assert explicit.key == at_view.key != at_original.key
    assert "scored at" not in protocol(at_view, out).policy and "scored at" in protocol(at_original, out).policy
    truths = []
    for name in camvid.SPLITS["test"]:
        value = np.asarray(Image.open(root / "testannot" / f"{name}.png"))
        truths.append(np.where(value == 11, IGNORE, value))
    made = list(predicted(at_original, out).values())
    brought = [up(mask, truth.shape) for mask, truth in zip(made, truths, strict=True)]
    seen = [up(truth, (24, 32)) for truth in truths]
    assert at_original.metrics["miou"].value == pytest.approx(miou(truths, brought, 11), abs=1e-9)
    assert at_view.metrics["miou"].value == pytest.approx(miou(seen, made, 11), abs=1e-9)
    (stored,) = [one for one in Store(out).items() if one.record.key == at_original.key]
    counts = stored.evidence.table("confusion")
    assert counts["pixels"].sum() == sum((truth != IGNORE).sum() for truth in truths)
    assert len(counts) <= 4 * 11 * 11  # however large the originals are


def test_what_has_no_original_size_is_refused(tmp_path: Path) -> None:
    root = camvid.tutorial(tmp_path)
    with pytest.raises(InputError, match="sees parts of images, which have no original size"):
        api.run(methods="unet", datasets="camvid@24x32-center", tasks="ss", data_root=root, scored_at="original")
    with pytest.raises(InputError, match="--scored-at"):
        api.run(methods="unet", tasks="ss", scored_at="the top")


def test_figures_of_a_folder_are_scored_again_without_it(tmp_path: Path) -> None:
    root, out = own(tmp_path / "street"), tmp_path / "results"
    weights = checkpoint(tmp_path / "weights", f"folder:{root}")
    (record,) = api.run(methods="unet", tasks="ss", datasets=f"folder:{root}", out=out, checkpoint=weights)
    root.rename(tmp_path / "gone")
    outcome = api.rescore(out)
    assert len(outcome.made) == 1 and not outcome.made[0].changed and not outcome.left
    again = api.reproduce(
        out / "folder-street" / "ss" / Store(out).path(record.cell).name,
        checkpoint=weights,
        data_root=tmp_path / "gone",
    )
    assert again.verdict == "bit for bit"


def test_a_folder_for_data_that_have_no_files_is_refused(bench: Any, tmp_path: Path) -> None:
    done = bench("run", "-m", "cnn", "-t", "cls", "--limit", "4", "--data-root", str(tmp_path))
    assert done.returncode == 2 and "digits has no files: code makes it. Drop --data-root" in done.stderr


def test_training_sees_the_size_of_its_recipe_and_prepared_images_alike(tmp_path: Path) -> None:
    import torch

    root = camvid.tutorial(tmp_path)
    recipe = Recipe.model_validate(RECIPE | {"dataset": "camvid", "data": {"size": "24x32", "flip": 0.5}})
    made = []
    for number, workers in enumerate((0, 1, 0)):
        if number == 2:
            assert [
                p.samples for p in api.prepare("camvid", data_root=root, size="24x32", split="train", workers=0)
            ] == [4]
        opened = api.train(recipe=recipe, data_root=root, workers=workers, out=tmp_path / f"run{number}", device="cpu")
        made.append(methods.method("unet").load(opened, datasets.card("camvid@24x32"), "cpu").networks[0].state_dict())
    assert all(torch.equal(made[0][name], other[name]) for other in made[1:] for name in made[0])
