"""Pretrained weights: fetched, verified, kept."""

from pathlib import Path

import pytest

from symmbench.bench.judges import weights
from symmbench.symmflow.errors import InputError


def test_weights_are_fetched_verified_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib
    import http.server
    import threading
    from functools import partial

    content = b"some weights" * 1000
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "w.pth").write_bytes(content)
    monkeypatch.setenv("SYMMBENCH_WEIGHTS", str(tmp_path / "kept"))
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/w.pth"
    entry = weights.Weights("toy", "w.pth", url, hashlib.sha256(content).hexdigest(), "nothing")
    monkeypatch.setitem(weights.KNOWN, "toy", entry)
    steps: list[tuple[int, int]] = []
    try:
        path = weights.get("toy", lambda done, total: steps.append((done, total)))
        assert path.read_bytes() == content and steps[-1] == (len(content), len(content))
        monkeypatch.setitem(weights.KNOWN, "liar", weights.Weights("liar", "l.pth", url, "00", "nothing"))
        with pytest.raises(InputError, match="wrong SHA-256"):
            weights.get("liar")
        assert not (tmp_path / "kept" / "l.pth").exists() and not list((tmp_path / "kept").glob(".*"))
    finally:
        server.shutdown()
        server.server_close()
    assert weights.get("toy") == path  # no server needed any more
    monkeypatch.setitem(weights.KNOWN, "gone", weights.Weights("gone", "g.pth", url, "00", "nothing"))
    with pytest.raises(InputError, match="by hand"):
        weights.get("gone")
