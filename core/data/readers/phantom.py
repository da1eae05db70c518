"""Reader of the phantoms: a table made of addresses, with no file behind it."""

from collections.abc import Mapping
from pathlib import Path

from core.data.phantom import phantom_rows
from core.data.phantom_path import DEFAULT_SIZE_PX, MAX_SIZE_PX, MIN_SIZE_PX
from core.data.readers.common import ReadResult, check_options
from core.data.sources import content_hash
from core.errors import SpecInvalid
from core.language import said
from core.types import DatasetSpec

DEFAULT_PATIENTS = 800
MAX_PATIENTS = 100_000  # at 1 ms a patient, a table of two minutes
MAX_SEED = 999_999_999  # what an address can hold


def read(spec: DatasetSpec, root: Path, options: Mapping[str, int | float | str]) -> ReadResult:
    """The phantom data set; `root` is not looked at.

    Options: `patients` (default 800, about 2.3 images each), `seed` (default 0), `size_px` (default 224).
    Raises: SpecInvalid for an unknown option or a value that is no whole number in range.
    """
    check_options(spec, options, ("patients", "seed", "size_px"))
    patients = _whole(options, "patients", DEFAULT_PATIENTS, 1, MAX_PATIENTS)
    seed = _whole(options, "seed", 0, 0, MAX_SEED)
    size_px = _whole(options, "size_px", DEFAULT_SIZE_PX, MIN_SIZE_PX, MAX_SIZE_PX)
    rows = phantom_rows(patients, seed, size_px)
    rows["content_hash"] = [content_hash(path) for path in rows["path"]]
    return ReadResult(
        spec=spec, rows=rows, notes=(said("Synthetic: every image is drawn by the generator of this project."),)
    )


def _whole(options: Mapping[str, int | float | str], name: str, default: int, low: int, high: int) -> int:
    value = options.get(name, default)
    try:
        number = int(value)
        if number != float(value) or not low <= number <= high:
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise SpecInvalid(
            said(
                "phantom: option {name} is {value}; expected a whole number, {low:,} to {high:,}.",
                name=name,
                value=repr(value),
                low=low,
                high=high,
            )
        ) from error
    return number
