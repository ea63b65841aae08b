"""The functions take what the commands take: one number, paths as text; what cannot be is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from symmbench.bench import api
from symmbench.bench.run.request import Request
from symmbench.symmflow.errors import InputError


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("asked") / "r"
    api.run(methods="symmflow", tasks="cls", steps=1, limit=6, out=out, device="cpu")
    return out


def test_one_number_and_paths_as_text(results: Path, tmp_path: Path) -> None:
    (tmp_path / "floors.toml").write_text("[accuracy]\nabsolute = 0.02\n")
    (table,) = api.compare(results, steps=1, floors=str(tmp_path / "floors.toml")).tables
    assert [row.steps for row in table.rows] == [1]
    (cell,) = results.glob("*/*/*/record.json")
    assert api.reproduce(str(cell), device="cpu").verdict == "bit for bit"
    with pytest.raises(InputError, match=f"digits has no files: code makes it. Drop --data-root {tmp_path}"):
        api.reproduce(cell, device="cpu", data_root=str(tmp_path))


def test_records_under_another_protocol_go_where_those_of_the_command_go(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("few.toml").write_text('version = 2\n[metrics]\ncls = ["accuracy"]\n')
    found = api.rescore(results, protocol="few.toml")
    assert found.out == Path("results-few") and len(list(found.out.glob("*/*/*/record.json"))) == 1
    with pytest.raises(InputError, match="--write goes without --protocol"):
        api.rescore(results, protocol="few.toml", write=True)
    with pytest.raises(InputError, match="--out goes with --protocol"):
        api.rescore(results, out="elsewhere")


def test_a_picture_is_of_one_thing_and_of_so_many_samples() -> None:
    from PIL import Image

    def height(picture: bytes) -> int:
        import io

        return Image.open(io.BytesIO(picture)).size[1]

    asked = Request(methods=["cnn"], tasks=["cls"], device="cpu")
    assert height(api.sample(asked, count=1)) < height(api.sample(asked, count=2)) < 300
    with pytest.raises(InputError, match="a picture is of one method, task, data set and seed"):
        api.sample(methods=["cnn", "symmflow"], tasks="cls", steps=1, count=1)
    with pytest.raises(InputError, match="cnn cannot do sis: it only classifies; ask"):
        api.sample(methods=["cnn", "symmflow"], steps=1, count=1)


@pytest.mark.parametrize("asked", [{"steps": "1,5"}, {"steps": [2.5]}, {"seeds": -1}])
def test_what_is_no_number_of_steps_or_seed_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(InputError, match="must be whole numbers of at least"):
        api.run(methods="symmflow", tasks="cls", limit=2, **asked)  # type: ignore[arg-type]


def test_weights_are_no_data_set() -> None:
    with pytest.raises(InputError, match="inception are weights, verified whenever they are read"):
        api.verify("inception")
