"""NIfTI volumes (`.nii`, `.nii.gz`, versions 1 and 2): one slice as 8-bit pixels, the way a radiologist sees it.

This module runs in a child process with limits (`core.data.sandbox`). The header is read and checked first; a packed
file is then inflated to the size that the header declares, and not further. Free text of the header is never told.

Slices are taken in canonical orientation: an axial one has the patient's front on top and his right on the left, a
coronal one his head on top and his right on the left, a sagittal one his head on top and his front on the left.
Grey values are stretched from the 0.5 to the 99.5 percentile of the whole volume, so that slices compare.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core import limits
from core.data.containers import CUT_OFF, ImageHeader, check_size
from core.data.dicom_grey import PERCENTILES, linear, percentile_range
from core.data.frames import AXES, DEFAULT_AXIS, Decoded, FrameChoice, chosen_number, frame_words
from core.errors import ImageRefused
from core.language import said, said_together

_NUMBERS = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_COLOURS = {128: 3, 2304: 4}  # RGB24 and RGBA32: bytes of a voxel
_HEADER_BYTES = 544  # version 2 has 540, and 4 more say whether extensions follow
_MOST_OFFSET = 16 * 1024**2  # extensions before the voxels, seldom above a few kilobytes
_GZIP = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 20
_SPARE_BYTES = 1024**2  # behind the voxels: some programs fill up a block
_SAMPLES = 1_000_000  # voxels that percentiles are taken from


@dataclass(frozen=True, slots=True)
class _Volume:
    """A checked header. `order[k]` is the stored axis that lies along canonical axis k, `flips[k]` whether reversed."""

    shape: tuple[int, int, int]
    volumes: int
    offset: int
    dtype: np.dtype
    channels: int
    slope: float
    intercept: float
    order: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    is_oriented: bool
    spacing_mm: tuple[float, ...]

    @property
    def volume_bytes(self) -> int:
        return math.prod(self.shape) * self.channels * self.dtype.itemsize

    def canonical_shape(self) -> tuple[int, int, int]:
        x, y, z = (self.shape[axis] for axis in self.order)
        return x, y, z


def read_nifti_header(data: bytes) -> ImageHeader:
    """Size of the default slice, slices per axis and volumes. Raises ImageRefused with the bare reason."""
    return _header_of(_read(data))


def decode_nifti(data: bytes, choice: FrameChoice) -> Decoded:
    """One slice.

    Args:
        choice: axis, slice and volume; the middle axial slice of the first volume by default.
    Returns: pixels uint8 (H, W), or (H, W, 3) of a volume in colour.
    Raises: ImageRefused with the bare reason.
    """
    volume = _read(data)
    header = _header_of(volume)
    axis = choice.axis or DEFAULT_AXIS
    count = dict(header.slices)[axis]
    number = chosen_number(choice.number, count, f"{axis} slice")
    time = chosen_number(choice.volume or 1, volume.volumes, "volume")
    raw = _voxels(data, volume, time - 1)
    shape = (volume.channels, *volume.shape)
    stored = np.frombuffer(raw, volume.dtype).reshape(shape, order="F")
    canonical = stored.transpose(0, *(1 + a for a in volume.order))
    canonical = canonical[:, *(slice(None, None, -1) if flip else slice(None) for flip in volume.flips)]
    picture = _as_seen(canonical, AXES.index(axis), number - 1)
    check_size(picture.shape[2], picture.shape[1])
    words = [frame_words(number, count, choice.number, f"{axis.capitalize()} slice")]
    if volume.volumes > 1:
        words.append(frame_words(time, volume.volumes, choice.volume, "Volume", middle=False))
    if not volume.is_oriented:
        words.append(said("The file does not say how the patient lies: axes are those of the file."))
    if volume.channels > 1:
        pixels = np.ascontiguousarray(picture[:3].transpose(1, 2, 0))
    else:
        pixels, grey_words = _grey(picture[0], canonical[0], volume)
        words.append(grey_words)
    spacing = " x ".join(f"{size:g}" for size in volume.spacing_mm)
    return Decoded(
        pixels=pixels, header=header, frame=number, axis=axis, volume=time, note=said_together(" ", words),
        facts={"spacing_mm": spacing} if spacing else {},
    )  # fmt: skip


def _as_seen(canonical: np.ndarray, axis: int, index: int) -> np.ndarray:
    """A slice (channels, H, W) of a volume (channels, right, front, top), rows from above."""
    rows_and_columns = canonical[(slice(None),) * (1 + axis) + (index,)]  # (channels, first and second other axis)
    return rows_and_columns[:, ::-1, ::-1].transpose(0, 2, 1)


def _grey(picture: np.ndarray, volume_values: np.ndarray, volume: _Volume) -> tuple[np.ndarray, str]:
    step = max(1, round((volume_values.size / _SAMPLES) ** (1 / 3)))
    low, high = percentile_range(_scaled(volume_values[::step, ::step, ::step], volume))
    values = _scaled(picture, volume)
    where = said("of the volume")
    if high <= low and np.isfinite(values).any():  # a few marked voxels in an empty volume
        low, high = percentile_range(values)
        where = said("of the slice")
    if high <= low:
        return np.zeros(values.shape, np.uint8), said("All its voxels are equal.")
    words = said(
        "Grey values: stretched from the {low} to the {high} percentile {where}.",
        low=PERCENTILES[0], high=PERCENTILES[1], where=where,
    )  # fmt: skip
    shown = linear(values, low, high)
    if not np.isfinite(values).all():
        return shown, said_together(" ", [words, said("Voxels that hold no number are black.")])
    return shown, words


def _scaled(values: np.ndarray, volume: _Volume) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float64) * volume.slope + volume.intercept


def _header_of(volume: _Volume) -> ImageHeader:
    shape = volume.canonical_shape()
    slices = tuple((name, shape[k]) for k, name in enumerate(AXES))
    axis = AXES.index(DEFAULT_AXIS)
    width, height = (size for k, size in enumerate(shape) if k != axis)
    check_size(width, height)
    return ImageHeader(
        format="NIfTI", width=width, height=height, frames=shape[axis], bits=8 * volume.dtype.itemsize,
        slices=slices, volumes=volume.volumes,
    )  # fmt: skip


def _read(data: bytes) -> _Volume:
    """The header of a file, packed or not, after every check that needs no voxel."""
    import nibabel

    head = _start_of(data)
    kind = nibabel.Nifti2Header if head[4:8] in (b"n+2\x00", b"ni2\x00") else nibabel.Nifti1Header
    size = 540 if kind is nibabel.Nifti2Header else 348
    if len(head) < size + 4:
        raise ImageRefused(CUT_OFF)
    if head[344:348] == b"ni1\x00" or head[4:8] == b"ni2\x00":
        raise ImageRefused(
            said("it is the header of a volume in two files; save the volume as one .nii or .nii.gz file")
        )
    try:
        header = kind(head[:size], endianness="<" if head[:2] in (b"\x5c\x01", b"\x1c\x02") else ">", check=False)
        # plain Python numbers: those of NumPy would overflow where a file lies about its size
        dim = [int(n) for n in header["dim"]]
        code, offset = int(header["datatype"]), float(header["vox_offset"])
        slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
        spacing = tuple(abs(float(n)) for n in header["pixdim"][1:4])
        order_of_bytes = header.endianness
        with np.errstate(all="ignore"):
            affine = np.asarray(header.get_best_affine(), np.float64)
    except (nibabel.spatialimages.HeaderDataError, ValueError, KeyError, TypeError, struct.error) as error:
        raise ImageRefused(said("the file is damaged (its header contradicts itself)")) from error
    shape, volumes = _sizes(dim)
    if code not in _NUMBERS and code not in _COLOURS:
        raise ImageRefused(
            said(
                "its voxels are of the type {code}, which is not supported; save them as whole or "
                "floating-point numbers",
                code=code,
            )
        )
    if not math.isfinite(slope) or not math.isfinite(intercept):
        raise ImageRefused(said("the file is damaged (the scale of its values is not a finite number)"))
    if not size <= offset <= _MOST_OFFSET:
        raise ImageRefused(
            said("the file is damaged (it says that its voxels begin at byte {offset:,.0f})", offset=offset)
        )
    order, flips, is_oriented = _orientation(affine)
    volume = _Volume(
        shape=shape, volumes=volumes, offset=int(offset), dtype=np.dtype(order_of_bytes + _NUMBERS.get(code, "u1")),
        channels=_COLOURS.get(code, 1), slope=slope or 1.0, intercept=intercept if slope else 0.0, order=order,
        flips=flips, is_oriented=is_oriented, spacing_mm=spacing if all(map(math.isfinite, spacing)) else (),
    )  # fmt: skip
    total = volume.volume_bytes * volumes
    if total > limits.MAX_VOLUME_BYTES:
        raise ImageRefused(
            said(
                "its {listed} voxels have {total:,.0f} MB; accepted are up to {most} MB",
                listed=" x ".join(map(str, (*shape, volumes))), total=total / 1024**2,
                most=limits.MAX_VOLUME_BYTES // 1024**2,
            )
        )  # fmt: skip
    if data[:2] != _GZIP and volume.offset + total > len(data):
        raise ImageRefused(
            said(
                "the file is cut off (its voxels need {total:,} bytes, it has {n:,})",
                total=total, n=len(data) - volume.offset,
            )
        )  # fmt: skip
    return volume


def _sizes(dim: list[int]) -> tuple[tuple[int, int, int], int]:
    """((x, y, z), volumes) of the header's eight numbers."""
    count = dim[0]
    used = dim[1 : count + 1]
    if not 2 <= count <= 7 or any(n < 1 for n in used):
        raise ImageRefused(
            said("the file is damaged (it says its sizes are {listed})", listed=", ".join(map(str, dim)))
        )
    if any(n > 1 for n in used[4:]):
        raise ImageRefused(said("it has {count} dimensions; accepted are volumes of 3, or of 4 with time", count=count))
    x, y, z, volumes = [*used, 1, 1][:4]
    return (x, y, z), volumes


def _orientation(affine: np.ndarray) -> tuple[tuple[int, int, int], tuple[bool, bool, bool], bool]:
    """The stored axis along each canonical one (right, front, top), whether it is reversed, whether all is known."""
    from nibabel.orientations import io_orientation

    try:
        found = io_orientation(affine) if np.isfinite(affine).all() else np.full((3, 2), np.nan)
    except (ValueError, np.linalg.LinAlgError):
        found = np.full((3, 2), np.nan)
    if not np.isfinite(found).all() or sorted(found[:, 0]) != [0, 1, 2]:
        return (0, 1, 2), (False, False, False), False
    order, flips = [0, 0, 0], [False, False, False]
    for stored, (canonical, sign) in enumerate(found):
        order[int(canonical)], flips[int(canonical)] = stored, sign < 0
    return (order[0], order[1], order[2]), (flips[0], flips[1], flips[2]), True


def _start_of(data: bytes) -> bytes:
    if data[:2] != _GZIP:
        return data[:_HEADER_BYTES]
    try:
        return zlib.decompressobj(wbits=31).decompress(data[:65_536], _HEADER_BYTES)
    except zlib.error as error:
        raise ImageRefused(said("the file is damaged (it cannot be unpacked)")) from error


def _voxels(data: bytes, volume: _Volume, index: int) -> bytes | memoryview:
    """The bytes of one volume. A packed file is inflated to its end, but only that volume is kept."""
    start = volume.offset + index * volume.volume_bytes
    if data[:2] != _GZIP:
        return memoryview(data)[start : start + volume.volume_bytes]
    wanted = bytearray(volume.volume_bytes)
    declared = volume.offset + volume.volumes * volume.volume_bytes
    at = 0
    for part in _inflated(data, declared):
        first, last = max(at, start), min(at + len(part), start + len(wanted))
        if first < last:
            wanted[first - start : last - start] = part[first - at : last - at]
        at += len(part)
    if at < declared:
        raise ImageRefused(
            said(
                "the file is cut off (it unpacks to {at:,} bytes, its header says {declared:,})",
                at=at, declared=declared,
            )
        )  # fmt: skip
    return memoryview(wanted)


def _inflated(data: bytes, declared: int) -> Iterator[bytes]:
    """Parts of an unpacked gzip file; what lies beyond the declared size and a little more is refused."""
    rest, total = memoryview(data), 0
    try:
        while len(rest) and bytes(rest[:2]) == _GZIP:  # a file may be several gzip streams, one after the other
            engine = zlib.decompressobj(wbits=31)
            while len(rest) and not engine.eof:
                piece, rest = bytes(rest[:_CHUNK_BYTES]), rest[_CHUNK_BYTES:]
                while piece and not engine.eof:
                    part = engine.decompress(piece, _CHUNK_BYTES)
                    total += len(part)
                    if total > declared + _SPARE_BYTES:
                        raise ImageRefused(
                            said(
                                "the file is damaged (it unpacks to more than the {declared:,} bytes it declares)",
                                declared=declared,
                            )
                        )
                    yield part
                    piece = engine.unconsumed_tail
            if not engine.eof:
                raise ImageRefused(CUT_OFF)
            rest = memoryview(engine.unused_data + bytes(rest)) if engine.unused_data else rest
    except zlib.error as error:
        raise ImageRefused(said("the file is damaged (it cannot be unpacked)")) from error
