"""Figures of too few images: tables, verdicts and gate say that there is no interval, and why."""

from pathlib import Path

from symmbench.bench import api

FEW = "too few images: half of the classes lie in fewer than 3"


def test_six_scenes_have_a_mean_iou_and_no_interval(tmp_path: Path) -> None:
    out = tmp_path / "results"
    asked = {"tasks": "ss", "datasets": "digit-scenes", "limit": 6, "out": out, "device": "cpu"}
    found = api.run(methods=["unet", "symmflow"], steps=1, **asked)  # type: ignore[arg-type]
    (table,) = found.blocks()
    assert f"no interval for miou, mean_f1, mean_accuracy: {FEW}." in table.notes
    assert "percent where a figure is a share." in table.notes
    for record in found:
        miou, pixels = record.metrics["miou"], record.metrics["pixel_accuracy"]
        assert {miou.low, miou.high, pixels.low, pixels.high} == {None}
    judged = api.compare(out, baseline="unet")
    (verdicts,) = [block for block in judged.blocks if block.kind == "verdicts"]
    assert [row[3] for row in verdicts.rows] == ["pixel_accuracy"]
    assert f"miou of symmflow@1 and unet: {FEW}." in verdicts.notes
    (spread,) = [block for block in api.compare(out, spread="miou").blocks if block.kind == "spread"]
    assert [row[2] for row in spread.rows] == ["–", "–"]
