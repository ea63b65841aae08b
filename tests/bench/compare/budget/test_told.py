"""What a budget calls things, what it leaves out, and which commands it names: on made-up cells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from symmbench import methods
from symmbench.bench.compare.budget import blocks, budget, published
from symmbench.bench.compare.budget.changes import DEFINITION, PROTOCOL, RULED, changes
from symmbench.bench.compare.budget.remedy import remedy
from symmbench.bench.compare.departures import departures
from symmbench.bench.protocols import Rules, rules
from symmbench.bench.records import Code
from symmbench.bench.run.plan import checkpoint_facts
from symmbench.reports.published import of
from symmbench.symmflow.errors import InputError


def under(name: str) -> dict[str, Any]:
    return {"protocol": {"name": "p", "hash": name}}


def test_what_rules_decide_is_said_in_their_word(results: Any) -> None:
    assert PROTOCOL.keys() >= RULED.keys() and Rules.model_fields.keys() >= set(RULED.values())
    for name, where in (("h", "view"), ("o", "original")):
        said = rules("harness").model_copy(update={"scored_at": where})
        results.protocol(name, task="ss", masks=True, rules=said, policy={"scored at": f"the {where} size"})
        results.add("a", "ss", results.confusion(0.5), **under(name))
    (found,) = changes("miou", *results.cells).values()
    assert str(found) == "scored size: view -> original"


def test_of_a_figure_the_split_departs_too(results: Any) -> None:
    results.classifier("symmflow", 60, 1)
    (record,) = [cell.record for cell in results.cells]
    p = next(p for p in of("cls", "two-spirals") if p.split == "test")
    assert departures(record, replace(p, split="train")) == ["the test split, not train", *departures(record, p)]


def code(**files: str) -> Code:
    return Code(
        digest=str(files), of=("methods:a",), files={f"symmbench/{name}.py": said for name, said in files.items()}
    )


def test_one_cell_by_two_machines_leaves_its_gap_unexplained(results: Any) -> None:
    for right, torch in ((60, "2.1"), (70, "2.2")):
        results.classifier("a", right, 1, provenance={"packages": {"torch": torch}, "cpu": "AMD"})
    found = budget(*results.cells, results.cells)
    (part,) = found.parts
    assert part.said == ("torch: 2.1 -> 2.2",) and part.kind == found.whole.kind == "unexplained"
    assert found.unexplained == part.value == found.gap == pytest.approx(10 / results.n)
    assert budget(results.cells[0], results.cells[0], results.cells).parts == ()


def test_other_code_is_a_part_of_its_own_by_the_name_of_its_file(results: Any) -> None:
    """Of the outputs and of the figures alike; a file that one method alone has is that method's."""
    for field in ("outputs", "scoring"):
        del results.cells[:]
        for right, said in ((60, "1"), (70, "2")):
            results.classifier("a", right, 1, **{field: code(both=said)})
        (part,) = budget(*results.cells, results.cells).parts
        assert part.value == pytest.approx(10 / results.n) and "(both.py changed)" in part.said[0]
    del results.cells[:]
    for method in ("a", "b"):
        results.classifier(method, 60, 1, outputs=code(both="1", **{method: "1"}).model_copy(update={"of": (method,)}))
    assert changes("accuracy", *results.cells).keys() == {"method", "training run"}


def test_a_cell_on_the_way_by_other_code_than_the_ends_measures_nothing(results: Any) -> None:
    own: dict[str, Any] = {"outputs": code(both="1")}
    results.protocol("h")
    results.classifier("a", 60, 1, **own)
    results.classifier("a", 90, 1, precision="bf16", outputs=code(both="2"))
    results.classifier("a", 70, 1, precision="bf16", seed=1, **own)
    near, _, far = results.cells
    found = budget(near, far, results.cells)
    (part,) = found.parts
    assert part.kind == "unexplained" and part.names == ("precision", "seed")
    assert any("code is that of neither end" in note for note in found.notes)
    results.classifier("a", 65, 1, precision="bf16", **own)
    found = budget(near, far, results.cells)
    assert [part.names for part in found.parts] == [("precision",), ("seed",)] and found.unexplained == 0
    assert not any("Left out" in note for note in found.notes)


def test_a_cell_without_its_protocol_is_left_out_unless_it_is_an_end(results: Any) -> None:
    for name, n in (("h", 60), ("o", 120)):
        results.protocol(name, n=n)
        results.classifier("a", n, 1, **under(name))
    near, far = results.cells
    results.classifier("a", 60, 1, **under("lost"))
    found = budget(near, far, results.cells)
    assert [part.names for part in found.parts] == [("sample count",)]
    assert "lacks the protocol" in found.notes[-1]
    with pytest.raises(InputError, match="lacks the protocol"):
        budget(near, results.cells[-1], results.cells)


def test_from_a_paper_s_figure_words_and_order_go_the_way_that_values_go(results: Any) -> None:
    for name, n in (("h", 50), ("o", results.n)):
        results.protocol(name, task="cls", dataset="two-spirals", n=n)
    cell: dict[str, Any] = {"dataset": "two-spirals", "solver": "euler"}
    results.classifier("symmflow", 60, 2, **cell, **under("h"), limit=50, precision="bf16")
    results.classifier("symmflow", 90, 2, **cell, **under("lost"))
    results.classifier("symmflow", 70, 2, **cell, **under("o"), precision="bf16")
    results.classifier("symmflow", 80, 2, **cell, **under("o"))
    few = results.cells[0]
    there, back = (published.to_published(few, results.cells, None, backwards=way) for way in (False, True))
    assert [part.said[0] for part in there.parts[:-1]] == ["sample count: 50 -> 120", "precision: bf16 -> fp32"]
    assert {part.said[0]: part.value for part in back.parts[1:]} == {
        "precision: fp32 -> bf16": pytest.approx(-10 / results.n),
        "sample count: 120 -> 50": pytest.approx(-10 / results.n),
    }
    order = [" and ".join(part.names) for part in back.parts[1:]]
    assert f"In this order: {', then '.join(order)}." in back.notes[0]
    assert back.gap == pytest.approx(sum(part.value for part in back.parts)) == pytest.approx(-there.gap)
    assert (back.near, back.far) == (there.far, there.near)


def test_own_and_bundled_weights_of_one_recipe_are_told_by_fingerprint(results: Any) -> None:
    bundled = checkpoint_facts(methods.own_checkpoint("cnn", "digits"))
    results.protocol("h")
    for seed, weights in enumerate((bundled.fingerprint, "abcdef" * 10, "fedcba" * 10)):
        facts = bundled.model_copy(update={"fingerprint": weights})
        results.classifier("cnn", 60 + seed, 1, dataset="digits", checkpoint=facts, seed=seed)
    theirs, own, other = results.cells
    assert "--checkpoint" not in remedy(theirs, own, "seed").command
    for found in (remedy(own, theirs, "seed"), remedy(theirs, own, "training run")):
        assert "--checkpoint runs/digits/cnn" in found.command and "abcdef" in found.first
    back = remedy(own, theirs, "training run")
    assert back.command.startswith("bench run -m cnn -d digits") and not back.first
    assert "--checkpoint" not in back.command and "--seeds 1" in back.command
    assert remedy(own, other, "training run").command == ""


def test_what_no_command_isolates_is_said_and_has_none(results: Any) -> None:
    """Each of these would be measured by the command of the near cell itself."""
    near = {"judges": {"aligner": "unet:1", "extractor": "inception:1"}}
    far = {"judges": {"aligner": "unet:2", "extractor": "inception:2"}, "policy": {"ignored pixels": 254}}
    results.protocol("h", **near, metrics={"accuracy": 1})
    results.protocol("o", **far, metrics={"accuracy": 99}, version=2, content_sha256="1", shape=(1,), reference="2")
    results.classifier("a", 60, 1)
    results.classifier("a", 70, 1, **under("o"), noise="m", version=2)
    a, b = results.cells
    found = budget(a, b, results.cells)
    (part,) = found.parts
    none = {"version of the method", "noise", "version of the rules", "data", "view", "class policy", DEFINITION}
    assert {one.name for one in part.remedies if not one.command} == none == set(part.names)
    for name in ("aligner", "extractor", "lpips", "reference", "code of the outputs"):
        assert remedy(a, b, name).command == ""
    (note,) = [note for note in blocks(found)[0].notes if "No command here measures alone" in note]
    assert all(name in note for name in none) and "To measure" not in str(blocks(found)[0].notes)
    assert remedy(b, a, DEFINITION).command.startswith("bench rescore")  # accuracy is in its first version here


def test_a_reference_moves_distances_of_sets_alone(results: Any) -> None:
    for name, policy in (("h", "real"), ("o", "given")):
        results.protocol(name, task="sis", masks=True, policy={"reference": policy}, metrics={"fid": 1})
        results.add("a", "sis", results.confusion(0.5), **under(name))
    assert changes("fid", *results.cells).keys() == {"reference"}
    assert changes("alignment_miou", *results.cells) == {}
