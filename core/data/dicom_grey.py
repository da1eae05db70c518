"""From the numbers that a DICOM file stores to 8 bits of grey, as a viewer shows them.

In this order: unused bits are dropped, the rescale (or its table) is applied, then the first window of the file, or
its VOI table, or a stretch between percentiles; MONOCHROME1 is inverted; padding becomes black.
Source: DICOM PS3.3 C.7.6.3, C.11.1 and C.11.2 (the three window functions are those of C.11.2.1.2 and C.11.2.1.3).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import ImageRefused
from core.language import said, said_n

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PERCENTILES = (0.5, 99.5)
WIDEST_TABLE = 1 << 17  # values of 16 bits are mapped by a table, wider ones one by one
AT_ONCE = 1 << 18
SAMPLED = 4_000_000
_STRETCHED = said(
    "stretched from the {low} to the {high} percentile",
    low=PERCENTILES[0],
    high=PERCENTILES[1],
)


@dataclass(frozen=True, slots=True)
class GreyPlan:
    """What the file says about its grey values.

    `value_of` holds rescale or modality table, `window_of` window or VOI table (both may be the file itself);
    `stored_bits` and `signed` describe an integer pixel, `padding` the range of values that are no picture.
    """

    value_of: "Dataset"
    window_of: "Dataset"
    stored_bits: int
    high_bit: int
    signed: bool
    inverted: bool
    padding: tuple[int, int] | None


def grey_pixels(stored: np.ndarray, plan: GreyPlan) -> tuple[np.ndarray, str]:
    """8 bits of grey, and in words how they were made.

    Args:
        stored: (H, W) integers or floating-point numbers as decoded.
    Returns: uint8 (H, W) with black 0 and white 255, and "the file's window 400 wide around 40".
    Raises: ImageRefused when no pixel is a finite number, or a table of the file cannot be used.
    """
    if stored.dtype.kind == "f":
        return _row_by_row(stored, plan)
    used = _used_bits(stored, plan)
    low, high = int(used.min()), int(used.max())
    if high - low >= WIDEST_TABLE:
        return _row_by_row(used, plan)
    # Few different values: map each once, then look every pixel up.
    table = np.arange(low, high + 1, dtype=np.int64)
    if low:
        used = (used.astype(np.int32) if used.dtype.itemsize < 4 else used) - low
    counts = _counted(used.ravel(), len(table))
    counts[_padding(table, plan)] = 0
    values = _rescaled(table, plan)
    mapping, words = _mapping(values, counts, plan)
    shown = _inverted(mapping(values), plan)
    shown[_padding(table, plan)] = 0
    return _looked_up(shown, used.ravel()).reshape(stored.shape), words


def _row_by_row(used: np.ndarray, plan: GreyPlan) -> tuple[np.ndarray, str]:
    """Numbers too different for a table, some rows at a time: each takes 8 bytes on its way."""
    sample = used.ravel()[:: 1 + used.size // SAMPLED]
    mapping, words = _mapping(_rescaled(sample[~_padding(sample, plan)], plan), None, plan)
    shown = np.empty(used.shape, np.uint8)
    rows = max(1, AT_ONCE // used.shape[1])
    for top in range(0, len(used), rows):
        part = used[top : top + rows]
        shown[top : top + rows] = _inverted(mapping(_rescaled(part, plan)), plan)
        shown[top : top + rows][_padding(part, plan)] = 0
    return shown, words


def _padding(values: np.ndarray, plan: GreyPlan) -> np.ndarray:
    """Where `values`, as stored, are no picture."""
    if plan.padding is None or values.dtype.kind == "f":
        return np.zeros(values.shape, bool)
    return (values >= plan.padding[0]) & (values <= plan.padding[1])


def _counted(at: np.ndarray, size: int) -> np.ndarray:
    """How often each whole number from 0 to `size` - 1 stands in `at`: float64 (size,)."""
    counts = np.zeros(size)
    for start in range(0, len(at), AT_ONCE):  # NumPy makes 8 bytes of every value: not of all at once
        counts += np.bincount(at[start : start + AT_ONCE], minlength=size)
    return counts


def _looked_up(table: np.ndarray, at: np.ndarray) -> np.ndarray:
    """`table` at every place of `at`, both one-dimensional."""
    found = np.empty(len(at), table.dtype)
    for start in range(0, len(at), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        np.take(table, at[part], out=found[part], mode="clip")  # no place is outside; "clip" needs no second copy
    return found


def linear(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values from `low` to `high` onto 0 to 255, cut at both ends; what is no number becomes 0. uint8."""
    with np.errstate(invalid="ignore", over="ignore"):
        shares = np.clip((values - low) / (high - low), 0.0, 1.0)
    return _to_bytes(shares)


def _to_bytes(shares: np.ndarray) -> np.ndarray:
    return np.round(np.nan_to_num(shares, nan=0.0) * 255.0).astype(np.uint8)


def percentile_range(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """The two percentiles of the finite values; where they are equal, the smallest and the largest of them.

    Args:
        weights: how often each value counts, of the same shape.
    Raises: ImageRefused when there is none.
    """
    finite = np.isfinite(values)
    counted = finite if weights is None else finite & (weights > 0)
    if not counted.any():
        raise ImageRefused(said("none of its pixels holds a value that can be shown"))
    if weights is None:
        low, high = np.percentile(values[counted], PERCENTILES)
    else:
        order = np.argsort(values[counted], kind="stable")
        ranked, shares = values[counted][order], np.cumsum(weights[counted][order])
        low, high = (ranked[np.searchsorted(shares, p / 100 * shares[-1])] for p in PERCENTILES)
    if high <= low:
        low, high = values[counted].min(), values[counted].max()
    return float(low), float(high)


def _used_bits(stored: np.ndarray, plan: GreyPlan) -> np.ndarray:
    """The stored bits alone: what lies beside them may be an overlay (PS3.5 section 8.1.1)."""
    width = stored.dtype.itemsize * 8
    shift = plan.high_bit + 1 - plan.stored_bits
    if plan.stored_bits >= width:
        return stored
    unsigned = stored.view(f"u{stored.dtype.itemsize}") if stored.dtype.kind == "i" else stored
    left = width - plan.stored_bits - shift
    pushed = unsigned << np.array(left, unsigned.dtype)
    signed_type = f"{'i' if plan.signed else 'u'}{stored.dtype.itemsize}"
    return pushed.view(signed_type) >> np.array(width - plan.stored_bits, signed_type)


def _rescaled(values: np.ndarray, plan: GreyPlan) -> np.ndarray:
    if plan.value_of.get("ModalityLUTSequence"):
        from pydicom.pixels.processing import apply_modality_lut

        return _by_table(apply_modality_lut, values, plan.value_of).astype(np.float64)
    slope, intercept = number(plan.value_of, "RescaleSlope", 1.0), number(plan.value_of, "RescaleIntercept", 0.0)
    return values * slope + intercept


def _mapping(
    values: np.ndarray, weights: np.ndarray | None, plan: GreyPlan
) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """How rescaled values become 0 to 255, not yet inverted, and that in words.

    Args:
        values: every value that there is with how often it occurs, or a sample without `weights`.
    """
    center, width = number(plan.window_of, "WindowCenter", None), number(plan.window_of, "WindowWidth", None)
    function = str(plan.window_of.get("VOILUTFunction") or "LINEAR").upper()
    low, high = percentile_range(values, weights)
    if center is not None and width is not None and width > 0 and (width >= 1 or function != "LINEAR"):
        words = said("the file's own window, {width:g} wide around {center:g}", width=width, center=center)
        return lambda given: _to_bytes(_windowed(given, center, width, function)), words
    if plan.window_of.get("VOILUTSequence") and weights is not None:
        return lambda given: _by_voi_table(given, plan.window_of), said("the file's own table (VOI LUT)")
    bits = plan.stored_bits
    if bits <= 8 and weights is not None and not plan.signed and _is_identity(plan):
        most = (1 << bits) - 1
        return lambda given: _to_bytes(given / most), said_n("its {n} bit as stored", "its {n} bits as stored", bits)
    if high <= low:
        return lambda given: np.zeros(given.shape, np.uint8), said("all pixels are equal")
    return lambda given: linear(given, low, high), said(
        "{stretched}, because the file names no window", stretched=_STRETCHED
    )


def _by_voi_table(values: np.ndarray, source: "Dataset") -> np.ndarray:
    from pydicom.pixels.processing import apply_voi

    looked_up = _by_table(apply_voi, np.round(values).astype(np.int64), source)
    bits = int(source.VOILUTSequence[0].LUTDescriptor[2])
    largest = (1 << bits) - 1 if 8 <= bits <= 16 else int(looked_up.max()) or 1
    return _to_bytes(np.clip(looked_up / largest, 0, 1))


def _is_identity(plan: GreyPlan) -> bool:
    if plan.value_of.get("ModalityLUTSequence"):
        return False
    return number(plan.value_of, "RescaleSlope", 1.0) == 1 and number(plan.value_of, "RescaleIntercept", 0.0) == 0


def _windowed(values: np.ndarray, center: float, width: float, function: str) -> np.ndarray:
    if function == "SIGMOID":
        with np.errstate(over="ignore"):
            return 1.0 / (1.0 + np.exp(-4.0 * (values - center) / width))
    if function == "LINEAR_EXACT":
        return np.clip((values - center) / width + 0.5, 0.0, 1.0)
    if width == 1:
        return (values > center - 0.5).astype(np.float64)
    return np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0.0, 1.0)


def _inverted(shown: np.ndarray, plan: GreyPlan) -> np.ndarray:
    return 255 - shown if plan.inverted else shown


def _by_table(function: Callable[..., Any], values: np.ndarray, source: "Dataset") -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return np.asarray(function(values, source))
        except (AttributeError, IndexError, KeyError, NotImplementedError, TypeError, ValueError) as error:
            raise ImageRefused(said("its table of grey values (LUT) is damaged")) from error


def number(source: "Dataset", keyword: str, default: float | None) -> Any:
    """The first finite number of an element, or `default` where there is none."""
    try:
        value = source.get(keyword)
        if value is None or value == "":
            return default
        first = float(value[0] if hasattr(value, "__getitem__") and not isinstance(value, str) else value)
    except (TypeError, ValueError, IndexError, AttributeError, NotImplementedError, OverflowError):
        return default
    return first if np.isfinite(first) else default
