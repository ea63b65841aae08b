"""How long `bench train --dry-run` takes on the papers' largest recipes: a promise of 15 seconds, of a whole process.

python tests/benchmarks/dry_run.py
"""

from __future__ import annotations

import subprocess
import sys
import time

LIMIT = 15.0
RECIPES = ("celebamask-hq/symmflow", "coco-stuff/semflow")


def seconds(recipe: str) -> float:
    begun = time.perf_counter()
    command = [sys.executable, "-m", "symmbench.bench", "train", "-r", recipe, "--dry-run", "--json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


if __name__ == "__main__":
    taken = {recipe: min(seconds(recipe) for _ in range(2)) for recipe in RECIPES}
    for recipe, time_ in taken.items():
        print(f"{recipe}: {time_:.1f} s")
    if max(taken.values()) > LIMIT:
        sys.exit(f"more than {LIMIT:.0f} s")
