"""Which judge is chosen, why there is none, and judges of other packages."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from symmbench import datasets, methods
from symmbench.bench.judges import Found, Role, choose
from symmbench.bench.records import read_record
from symmbench.bench.records.missing import Missing
from symmbench.symmflow.checkpoint import open_checkpoint
from symmbench.symmflow.errors import InputError


@pytest.mark.parametrize(
    ("role", "dataset", "identity"),
    [
        ("extractor", "digits", "digits-cnn:{digit-presence/cnn}"),
        ("extractor", "digit-scenes", "digits-cnn:{digit-presence/cnn}"),
        ("extractor", "mnist", "digits-cnn:{digit-presence/cnn}"),
        ("aligner", "digits", "digits/cnn:{digits/cnn}"),
        ("aligner", "digit-scenes", "digit-scenes/unet:{digit-scenes/unet}"),
    ],
)
def test_the_bundled_judges_are_found_without_anything_fetched(role: Role, dataset: str, identity: str) -> None:
    name, of = identity.rstrip("}").split(":{")
    dataset_of, method = of.split("/")
    chosen = choose(role, datasets.card(dataset))
    assert isinstance(chosen, Found) and chosen.role == role
    assert chosen.identity == f"{name}:{methods.own_checkpoint(method, dataset_of).fingerprint}"


@pytest.mark.parametrize(
    ("role", "dataset", "reason"),
    [
        (
            "extractor",
            "fashion-mnist",
            "no weights of inception or mobilenet-v2 on this machine (`bench data get inception`)",
        ),
        ("lpips", "digit-scenes", "AlexNet's weights are not on this machine (`bench data get lpips-alex`)"),
        ("lpips", "digits", "AlexNet needs images of at least 32x32"),
        (
            "aligner",
            "fashion-mnist",
            "no independent classifier is bundled for fashion-mnist (--judge cnn --judge-checkpoint FOLDER names one "
            "trained here)",
        ),
        ("extractor", "two-spirals", "no extractor suits two-spirals"),
        ("aligner", "two-spirals", "no judge suits two-spirals"),
    ],
)
def test_why_there_is_no_judge(role: Role, dataset: str, reason: str) -> None:
    found = choose(role, datasets.card(dataset))
    assert isinstance(found, Missing) and str(found) == reason


def test_a_segmenter_is_missed_where_there_are_masks() -> None:
    card = replace(datasets.card("digit-scenes"), name="other-scenes")
    said = "no independent segmenter is bundled for other-scenes (--judge hf:FOLDER or mmseg:CONFIG names one; "
    assert str(choose("aligner", card)) == f"{said}--judge unet --judge-checkpoint FOLDER one trained here)"


def test_a_judge_that_a_card_names_and_nobody_has_stops_no_other() -> None:
    card = replace(datasets.card("digits"), judges=("elsewhere", "digits-cnn"))
    assert isinstance(choose("extractor", card), Found)
    found = choose("extractor", replace(card, judges=("elsewhere", "inception", "mobilenet-v2")))
    assert str(found) == (
        "no weights of inception or mobilenet-v2 on this machine (`bench data get inception`); "
        "unknown judge 'elsewhere'; choose one of: cnn, digits-cnn, inception, lpips-alex, mobilenet-v2, unet"
    )


def test_an_extractor_wanted_by_name_is_that_one_or_an_error() -> None:
    card = datasets.card("fashion-mnist")
    wanted = choose("extractor", card, "digits-cnn")  # not among the card's own
    assert isinstance(wanted, Found) and wanted.name == "digits-cnn"
    for name, said in {
        "mobilenet-v2": r"extractor mobilenet-v2 cannot be used: no weights .* \(`bench data get mobilenet-v2`\)",
        "inceptoin": "unknown extractor 'inceptoin'; did you mean 'inception'",
        "unet": "unknown extractor 'unet'; choose one of: digits-cnn, inception, mobilenet-v2",
    }.items():
        with pytest.raises(InputError, match=said):
            choose("extractor", card, name)
    with pytest.raises(InputError, match="it does not suit two-spirals"):
        choose("extractor", datasets.card("two-spirals"), "digits-cnn")


THEIRS = """
import numpy as np
from pathlib import Path
from symmbench.bench.judges import Found, Judge

class Colour(Judge):
    name, role = "colour", "extractor"

    def find(self, card):
        return Found(self.name, self.role, "colour:1", Path(__file__))

    def load(self, found, card, device):
        moments = lambda x: [x.mean(axis=(2, 3)), x.std(axis=(2, 3))]
        return lambda images: np.concatenate(moments(images), axis=1, dtype=np.float32)

COLOUR = Colour()
number = 7
"""


def test_a_judge_of_another_package(bench: Any, third_party: Any, tmp_path: Path) -> None:
    third_party(THEIRS, judges={"colour": "theirs:COLOUR", "seven": "theirs:number", "gone": "not_installed:X"})
    asked = ("run", "-t", "sis", "-d", "digits", "--steps", "1", "--limit", "60", "--json", "--extractor")
    done = bench(*asked, "colour")
    (record,) = json.loads(done.stdout)
    assert record["metrics"]["fid[colour]"]["value"] > 0 and record["metrics"]["alignment_accuracy_real"]["value"] > 0.9
    (protocol,) = (tmp_path / "results" / "protocols").glob("*.json")
    assert json.loads(protocol.read_text())["judges"]["extractor"] == "colour:1"
    (other,) = json.loads(bench(*asked, "auto").stdout)
    gap = json.loads(bench("gap", record["key"], other["key"], "--json").stdout)
    (part,) = gap["parts"]
    assert (part["names"], part["kind"], gap["unexplained"]) == (["extractor"], "measured", 0)
    values = other["metrics"]["fid[digits-cnn]"]["value"], record["metrics"]["fid[colour]"]["value"]
    assert part["value"] == pytest.approx(values[0] - values[1])
    for name, said in {
        "gone": "judge 'gone' (not_installed:X) cannot be imported: ModuleNotFoundError",
        "seven": "judge 'seven' (theirs:number) is of type int, no instance of Judge; mend the package",
        "color": "unknown extractor 'color'; did you mean 'colour'",
    }.items():
        refused = bench(*asked, name)
        assert refused.returncode == 2 and said in " ".join(refused.stderr.split()), refused.stderr


def test_a_judge_that_cannot_be_used_says_what_could() -> None:
    """In the word of the option that named it."""
    other = replace(datasets.card("digit-scenes"), name="other-scenes")
    with pytest.raises(InputError) as unbundled:
        choose("aligner", other, "unet")
    assert str(unbundled.value) == (
        "judge unet cannot be used: no independent segmenter is bundled for other-scenes (--judge hf:FOLDER or "
        "mmseg:CONFIG names one; --judge unet --judge-checkpoint FOLDER one trained here)."
    )
    with pytest.raises(InputError, match=r"^unknown judge 'x'; choose one of: .*hf:FOLDER, mmseg:CONFIG"):
        choose("aligner", other, "x")
    with pytest.raises(InputError, match=r"^unknown extractor 'x'; choose one of: .*") as refused:
        choose("extractor", other, "x")
    assert "hf:" not in str(refused.value)  # only alignment is judged by models of others


@pytest.mark.parametrize("failing", ["torch.OutOfMemoryError('CUDA out of memory.')", "MemoryError()"])
def test_a_judge_without_memory_fails_its_cell_in_a_sentence(bench: Any, third_party: Any, failing: str) -> None:
    full = f"def load(self, found, card, device):\n        import torch\n        raise {failing}\n"
    third_party(THEIRS.replace("def load(self, found, card, device):", full), judges={"colour": "theirs:COLOUR"})
    asked = ("run", "-t", "cls,sis", "-d", "digits", "--steps", "1", "--limit", "60", "--extractor", "colour", "--json")
    done = bench(*asked, "--device", "cpu")
    records = {record["task"]: record for record in json.loads(done.stdout)}
    assert done.returncode == 1 and records["cls"]["status"] == "ok" and records["sis"]["status"] == "failed"
    last = records["sis"]["reason"].strip().splitlines()[-1]
    assert last.startswith("MemoryError: extractor colour has not enough memory on cpu beside the method; free some")


def test_a_training_of_ones_own_judges(bench: Any, tmp_path: Path) -> None:
    """By name and fingerprint, of another seed than what is compared; and the record is reproduced with it."""
    short = ("--set", "schedule.steps=2", "--set", "schedule.warmup=1", "--set", "train.precision=fp32")
    assert bench("train", "-r", "digits/cnn", *short, "--set", "train.seed=7", "--out", "judge").returncode == 0
    asked = ("run", "-m", "fm", "-t", "sis", "-d", "digits", "--steps", "1", "--limit", "8")
    done = bench(*asked, "--judge", "cnn", "--judge-checkpoint", "judge")
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "results").glob("digits/sis/*/record.json")
    record = read_record(path)
    own = open_checkpoint(tmp_path / "judge" / "checkpoint")
    assert record.judge is not None and record.judge.name == "cnn"
    assert record.judge.checkpoint == "judge", "as seen from where it was asked: others have other folders"
    assert record.judge.identity == f"digits/cnn:{own.fingerprint}"
    assert own.fingerprint != methods.own_checkpoint("cnn", "digits").fingerprint
    seen = record.details["seen"]
    assert set(seen) == {"syntheses", "real"} and all(abs(sum(one.values()) - 1) < 1e-9 for one in seen.values())
    again = bench("reproduce", str(path))
    assert again.returncode == 0, again.stdout + again.stderr
    for wrong, said in {
        (
            "cnn",
            "--judge-checkpoint",
            "judge",
            "--judge-set",
            "window=512",
        ): "judge cnn has no options; drop --judge-set",
        ("cnn", "--judge-checkpoint", "nowhere"): "nowhere",
        ("cnn", "--judge-checkpoint", str(methods.own_checkpoint("unet", "digit-scenes").path)): "unet",
    }.items():
        refused = bench(*asked, "--judge", *wrong)
        assert refused.returncode == 2 and said in " ".join(refused.stderr.split()), refused.stderr
