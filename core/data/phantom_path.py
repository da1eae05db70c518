"""Addresses of phantoms: `phantom://seed/patient/image?size_px=224`, and the version of the generator.

A phantom is no file; its address holds everything that its pixels depend on, but for the generator itself.
"""

import re
from dataclasses import dataclass

from core.errors import ImageRefused
from core.language import said

GENERATOR_VERSION = 1  # changes whenever a pixel, box or label changes: stored fingerprints depend on it
DEFAULT_SIZE_PX = 224
MIN_SIZE_PX = 48  # below, ribs and nodules are thinner than a pixel
MAX_SIZE_PX = 1024
_ADDRESS = re.compile(r"phantom://(\d{1,9})/(\d{1,9})/(\d{1,9})(?:\?size_px=(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class PhantomAddress:
    """Which phantom: the data set's seed, the synthetic patient, the image of that patient, the side in pixels."""

    seed: int
    patient: int
    image: int
    size_px: int = DEFAULT_SIZE_PX

    def __str__(self) -> str:
        return phantom_path(self.seed, self.patient, self.image, self.size_px)


def phantom_path(seed: int, patient: int, image: int, size_px: int = DEFAULT_SIZE_PX) -> str:
    """The address that `core.data.sources.read_image` draws."""
    return f"phantom://{seed}/{patient}/{image}?size_px={size_px}"


def is_phantom(path: str) -> bool:
    """Whether `path` is meant as a phantom's address."""
    return path.startswith("phantom://")


def parse_phantom_path(path: str) -> PhantomAddress:
    """The parts of an address. Raises ImageRefused when it has another form or an unusable size."""
    match = _ADDRESS.fullmatch(path)
    if match is None:
        raise ImageRefused(
            said("{path}: expected phantom://seed/patient/image?size_px=N with whole numbers.", path=path[:80])
        )
    seed, patient, image = (int(part) for part in match.groups()[:3])
    address = PhantomAddress(seed, patient, image, int(match.group(4) or DEFAULT_SIZE_PX))
    check_address(address)
    return address


def check_address(address: PhantomAddress) -> None:
    """Raises ImageRefused when a number is negative or the size is outside what the generator draws."""
    if not MIN_SIZE_PX <= address.size_px <= MAX_SIZE_PX:
        raise ImageRefused(
            said(
                "{address}: phantoms are drawn at {min_size_px} to {max_size_px} pixels a side.",
                address=address,
                min_size_px=MIN_SIZE_PX,
                max_size_px=MAX_SIZE_PX,
            )
        )
    if min(address.seed, address.patient, address.image) < 0:
        raise ImageRefused(said("{address}: seed, patient and image are 0 or greater.", address=address))
