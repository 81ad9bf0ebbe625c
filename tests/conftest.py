"""What holds for all tests: shapes are checked, randomness is seeded, the user's cache is left alone."""

import os
import random
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

import tests.shapes  # noqa: F401  (the hook finds it by name)

# Small matrices gain nothing from threads, and tests that run beside each other lose; before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Annotated shapes are checked at every call in tests; users pay nothing. Before any of these modules is imported.
CHECKED = ["seqloom.nn", "seqloom.models", "seqloom.objectives", "seqloom.decoding"]
assert not any(name.startswith(tuple(CHECKED)) for name in sys.modules), (
    "imported before the hook: shapes would go unchecked"
)
install_import_hook(CHECKED, "tests.shapes.check_shapes")

# How long an example takes depends on who else computes.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The mirror of data sets beside the checkout; tests that need it are skipped elsewhere."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs a mirror of data sets in {folder.parent.name}/{folder.name} beside the checkout")
    return folder


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tests cache, one folder for all of them."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_folder))


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
