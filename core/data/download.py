"""Public data sets by their own package: download to a temporary name, verify the checksum, rename.

A failure leaves nothing behind and says how to do it by hand. The `medmnist` package gives addresses and
checksums only; its catalogue is read as text, because importing the package would load PyTorch.
"""

import ast
import hashlib
import http.client
import importlib.util
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.errors import DownloadFailed, SpecInvalid
from core.paths import data_folder
from core.registry.medmnist import MEDMNIST, SIZES_PX, medmnist_set
from core.types import DatasetSpec

Progress = Callable[[int, int], None]  # (bytes received, bytes in all; 0 when the server does not tell)
CHUNK_BYTES = 256 * 1024
TIMEOUT_SECONDS = 60  # without a single byte; a slow line is fine, a dead one is not
ARCHIVES_PAGE = "https://zenodo.org/records/10519652"  # the release that medmnist 3 points to
WITHOUT_PACKAGE = "pip install --no-deps medmnist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A file to fetch: its name here, its address, and the MD5 that its publisher states."""

    file_name: str
    url: str
    md5: str


def medmnist_archive(name: str, size_px: int = 28) -> Archive:
    """Address and checksum of a MedMNIST archive, from the package's catalogue.

    Raises: UnknownKey, SpecInvalid (a size that is not published), DownloadFailed (no package).
    """
    medmnist_set(name)
    if size_px not in SIZES_PX:
        raise SpecInvalid(f"MedMNIST comes in {', '.join(map(str, SIZES_PX))} px, not {size_px}.")
    ending = "" if size_px == SIZES_PX[0] else f"_{size_px}"
    file_name = f"{name}{ending}.npz"
    catalogue = _catalogue(file_name)
    entry = catalogue.get(name, {})
    url, md5 = entry.get(f"url{ending}"), entry.get(f"MD5{ending}")
    if not isinstance(url, str) or not isinstance(md5, str):
        raise DownloadFailed(f"The installed medmnist package has no address for {file_name}. {_by_hand(file_name)}")
    return Archive(file_name=file_name, url=url, md5=md5)


def download_medmnist(
    name: str, folder: Path | None = None, *, size_px: int = 28, progress: Progress | None = None
) -> Path:
    """Fetch a MedMNIST archive into `folder` (default: the data folder's `medmnist`), unless it is there.

    Returns: the archive's path. Raises: as `medmnist_archive`, and DownloadFailed for everything on the way.
    """
    archive = medmnist_archive(name, size_px)
    return fetch(archive, data_folder() / "medmnist" if folder is None else folder, progress)


def fetch(archive: Archive, folder: Path, progress: Progress | None = None) -> Path:
    """Download one file; the final name appears only when the checksum is right.

    Returns: its path; a file that is there with the right checksum is not fetched again.
    Raises: DownloadFailed with the cause and the steps by hand; nothing is left behind.
    """
    target = folder / archive.file_name
    made: list[Path] = []
    try:
        if target.is_file() and _md5_of(target) == archive.md5:
            return target
        made = _make_folders(folder)
        with tempfile.NamedTemporaryFile(
            dir=folder, prefix=f".{archive.file_name}.", suffix=".part", delete=False
        ) as f:
            temporary = Path(f.name)
            try:
                _receive(archive, f, progress)
                f.flush()
                os.fsync(f.fileno())
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
    except (OSError, http.client.HTTPException, ValueError) as error:
        _remove_folders(made)
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise DownloadFailed(f"{archive.url} could not be fetched: {reason}. {_steps(archive, target)}") from error
    except BaseException:  # Ctrl-C as well: nothing stays behind
        _remove_folders(made)
        raise
    return target


def manual_steps(spec: DatasetSpec, folder: Path | None = None) -> str:
    """How to get a data set that no package hands out: address, licence, and the folder to unpack it into."""
    where = data_folder() / spec.key if folder is None else folder
    how = spec.manual_download or f"see {spec.source_url}"
    return (
        f"{spec.title} is not downloaded by this program: its source asks for an account or an agreement.\n"
        f"  1. Get it: {how}\n"
        f"     Source: {spec.source_url}\n"
        f"     Licence: {spec.licence}\n"
        f"  2. Unpack it into {where}, or anywhere and name that folder as --root DIR.\n"
        f"  3. Check it: python -m core data check {spec.key} --root {where}"
    )


def _receive(archive: Archive, stream: IO[bytes], progress: Progress | None) -> None:
    if not archive.url.startswith(("https://", "http://")):
        raise ValueError("the address is neither http nor https")
    request = urllib.request.Request(archive.url, headers={"User-Agent": "medlens"})
    digest, received = hashlib.md5(usedforsecurity=False), 0
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        expected = int(response.headers.get("Content-Length") or 0)
        free = shutil.disk_usage(Path(stream.name).parent).free
        if expected > free:
            raise ValueError(f"it has {expected / 1e6:.0f} MB, but only {free / 1e6:.0f} MB are free")
        while chunk := response.read(CHUNK_BYTES):
            stream.write(chunk)
            digest.update(chunk)
            received += len(chunk)
            if progress is not None:
                progress(received, expected)
    if expected and received != expected:
        raise ValueError(f"the transfer was cut off after {received} of {expected} bytes")
    if digest.hexdigest() != archive.md5:
        raise ValueError(f"the checksum is wrong: {digest.hexdigest()}, expected {archive.md5}")


def _catalogue(file_name: str) -> Mapping[str, Mapping[str, object]]:
    """`INFO` of the installed medmnist package, read from its source without running it."""
    found = importlib.util.find_spec("medmnist")
    if found is None or not found.submodule_search_locations:
        raise DownloadFailed(
            "The medmnist package, which knows the addresses, is not installed: "
            f"{WITHOUT_PACKAGE}. {_by_hand(file_name)}"
        )
    source = Path(next(iter(found.submodule_search_locations))) / "info.py"
    try:
        for node in ast.parse(source.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "INFO" for t in node.targets):
                return dict(ast.literal_eval(node.value))
    except (OSError, ValueError, SyntaxError) as error:
        raise DownloadFailed(f"{source} cannot be read ({error}). {_by_hand(file_name)}") from error
    raise DownloadFailed(f"{source} has no catalogue INFO. {_by_hand(file_name)}")


def _by_hand(file_name: str) -> str:
    return (
        f"By hand: take {file_name} from {ARCHIVES_PAGE} and put it into {data_folder() / 'medmnist'}. "
        f"Sets: {', '.join(MEDMNIST)}."
    )


def _steps(archive: Archive, target: Path) -> str:
    return f"By hand: download {archive.url} (MD5 {archive.md5}) and save it as {target}."


def _md5_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _make_folders(folder: Path) -> list[Path]:
    """Create `folder`; returns the folders that were not there before, innermost first."""
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return made


def _remove_folders(made: list[Path]) -> None:
    for folder in made:
        try:
            folder.rmdir()
        except OSError:  # something else was put there meanwhile, or it is gone
            return
