"""Where things lie: results, models, data, weights and caches.

The environment comes first, then the repository, then the user's own cache folder. Importing this
module creates nothing; whoever writes calls `ensure_folder`.
"""

import os
from pathlib import Path

import platformdirs

REPOSITORY = Path(__file__).resolve().parent.parent


def _folder(variable: str, default: Path) -> Path:
    value = os.environ.get(variable, "").strip()
    return Path(value).expanduser() if value else default


def results_folder() -> Path:
    """Stored runs; `MEDLENS_RESULTS` overrides."""
    return _folder("MEDLENS_RESULTS", REPOSITORY / "results")


def models_folder() -> Path:
    """Models that the app and `predict` can use; `MEDLENS_MODELS` overrides."""
    return _folder("MEDLENS_MODELS", REPOSITORY / "models")


def plans_folder() -> Path:
    """The plans that ship with the library."""
    return REPOSITORY / "core" / "training" / "plans"


def data_folder() -> Path:
    """Downloaded public data sets, one folder per key; `MEDLENS_DATA` overrides."""
    return _folder("MEDLENS_DATA", Path(platformdirs.user_data_dir("medlens")) / "data")


def cache_folder() -> Path:
    """Feature caches and other things that can be made again; `MEDLENS_CACHE` overrides."""
    return _folder("MEDLENS_CACHE", Path(platformdirs.user_cache_dir("medlens")))


def notes_folder() -> Path:
    """What a reader writes about runs, one file per run; never inside a run."""
    return Path(platformdirs.user_data_dir("medlens")) / "notes"


def certificate_folder() -> Path:
    """The certificate of `serve --https`, made on this machine for itself; `MEDLENS_HTTPS` overrides."""
    return _folder("MEDLENS_HTTPS", Path(platformdirs.user_data_dir("medlens")) / "https")


def weights_folder() -> Path | None:
    """Folder with `<architecture>_notop.weights.h5` files (`MEDLENS_WEIGHTS`), or None when not set."""
    value = os.environ.get("MEDLENS_WEIGHTS", "").strip()
    return Path(value).expanduser() if value else None


def ensure_folder(folder: Path) -> Path:
    """Create `folder` with its parents and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder
