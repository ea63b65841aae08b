"""The small world that the fuzzer's requests are about: stores, checkpoints, a training, models."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from symmbench import datasets, methods
from symmbench.bench import api

WRITES = ("-o", "--out", "--plot")


class World:
    """Things that are whole, in `given`, and an empty folder, `cwd`, to be in."""

    def __init__(self, root: Path) -> None:
        self.root, self.given, self.cwd = root, root / "in" / "given", root / "in" / "cwd"
        self.given.mkdir(parents=True)
        self._make()
        shutil.copytree(self.given, root.parent / "whole", symlinks=True)

    def _make(self) -> None:
        out = self.given / "results"
        few: dict[str, Any] = {"device": "cpu", "batch_size": 4}
        for store in (out, self.given / "first"):  # what was measured first is the baseline
            few["out"] = store
            api.run(methods="symmflow", tasks="cls", datasets="two-spirals", steps=(1, 2), limit=40, **few)
            api.run(methods="cnn", tasks="cls", limit=12, **few)
        few["out"] = out
        api.run(methods=("unet", "symmflow"), tasks="ss", steps=1, limit=8, **few)
        api.run(methods="symmflow", tasks="sis", steps=1, limit=6, samples_per_mask=2, **few)
        api.save_baseline(self.given / "baseline.zip", self.given / "first")
        shutil.copytree(methods.bundled("digits")["cnn"], self.given / "cnn")
        shutil.copytree(methods.bundled("digits")["symmflow"], self.given / "digits")
        shutil.copytree(methods.bundled("two-spirals")["symmflow"], self.given / "spirals")
        recipe = (methods.registry.RECIPES / "two-spirals" / "symmflow.toml").read_text()
        (self.given / "tiny.toml").write_text(recipe)
        api.train(recipe=str(self.given / "tiny.toml"), max_steps=2, out=self.given / "run", device="cpu")
        (self.given / "floors.toml").write_text(
            '[accuracy]\nabsolute = 0.02\n[fid]\nrelative = 0.1\n[relative_time]\ntier = "advisory"\n'
        )
        (self.given / "few.toml").write_text('version = 2\n[metrics]\ncls = ["accuracy"]\nss = ["miou"]\n')
        (self.given / "empty").mkdir()
        foreign_model(self.given / "model")
        api.export_checkpoint(self.given / "digits", out=self.given / "exported")
        (self.given / "latent.toml").write_text(recipe_in_latents(self.given / "vae"))

    def fresh(self) -> Path:
        """The folder to be in, empty."""
        shutil.rmtree(self.cwd, ignore_errors=True)
        self.cwd.mkdir()
        return self.cwd

    def restore(self) -> None:
        """After something was written where it should not."""
        for path in self.root.iterdir():
            if path.name != "in":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.rmtree(self.root / "in")
        shutil.copytree(self.root.parent / "whole", self.given, symlinks=True)

    def cells(self) -> list[str]:
        return [str(path.parent) for path in sorted(self.given.glob("results/*/*/*/record.json"))]

    def outs(self, arguments: Sequence[str]) -> list[Path]:
        """Where a call may write."""
        found = [value for flag, value in pairwise(arguments) if flag in WRITES]
        found += [a.partition("=")[2] for a in arguments if a.partition("=")[0] in WRITES]
        found += [a[2:] for a in arguments if a.startswith("-o") and len(a) > 2]
        if list(arguments[:1]) == ["baseline"]:
            found += arguments[2:3]
        if "--write" in arguments or "--force" in arguments:  # into the store that it is given
            found += [a for a in arguments if a.startswith("../given/results")]
        return [Path(os.path.normpath(self.cwd / name)) for name in found if "\0" not in name]


def foreign_model(folder: Path) -> None:
    """A tiny segmenter as transformers saves it, where that is installed; else an empty folder."""
    folder.mkdir()
    try:
        import transformers as t
    except ImportError:
        return
    import torch

    torch.manual_seed(0)
    classes = datasets.card("digit-scenes").classes
    labels = {"id2label": dict(enumerate(classes)), "label2id": {c: i for i, c in enumerate(classes)}}
    sizes = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "decoder_hidden_size": 16}
    t.SegformerForSemanticSegmentation(t.SegformerConfig(**sizes, **labels)).save_pretrained(folder)
    t.SegformerImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)


def recipe_in_latents(folder: Path) -> str:
    """A recipe for digit-scenes in the latents of a tiny autoencoder, which is saved there; by a relative path."""
    import torch
    from diffusers import AutoencoderTiny

    torch.manual_seed(0)
    widths = {"encoder_block_out_channels": (8, 8), "decoder_block_out_channels": (8, 8)}
    AutoencoderTiny(**widths, num_encoder_blocks=(1, 1), num_decoder_blocks=(1, 1)).save_pretrained(folder)
    latents = f'codec = "autoencoder-tiny"\nweights = "../given/{folder.name}"\nchannels = 4\nfactor = 2\n'
    head = 'name = "digit-scenes/symmflow[latent]"\nmethod = "symmflow"\ndataset = "digit-scenes"\n'
    tables = "[optimizer]\nlr = 1e-3\n[schedule]\nsteps = 2\n[train]\nbatch = 2\n"
    return f"{head}[latents]\n{latents}[network]\nchannels = 8\nmultipliers = [1]\nattention = []\n{tables}"
