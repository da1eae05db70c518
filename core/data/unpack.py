"""Files that were sent together, with each ZIP among them replaced by its pictures: all in memory, none on a disk.

An entry that cannot be read keeps its place with its reason, so that a batch can say which file it was.
"""

from collections.abc import Iterable

from core import limits
from core.data.zips import ZipImages
from core.errors import DataError, ImageRefused
from core.language import message_of, said, said_together

_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
# files that are ZIPs inside, and one document each: they are refused as what they are
_WHOLE = (frozenset(("config.json", "metadata.json")), frozenset(("[Content_Types].xml",)))


def unpacked(files: Iterable[tuple[str, bytes]], most: int) -> list[tuple[str, bytes | ImageRefused]]:
    """(name, content) of every file in order; those of a ZIP are named "batch.zip/scan.dcm".

    Args:
        most: files that are taken; a last entry says how many more there were.
    Returns: at most `most` + 1 pairs, with the refusal in place of a content that cannot be had.
    """
    found: list[tuple[str, bytes | ImageRefused]] = []
    left, total = 0, 0
    for name, data in files:
        archive, reason = _opened(name, data)
        if reason is not None:
            found.append((name, reason))
            continue
        if archive is None:
            left += len(found) >= most
            found += [(name, data)] if len(found) < most else []
            continue
        entries = archive.names()
        if not entries:
            found.append((name, ImageRefused(said("{name}: the ZIP holds no file.", name=name))))
        taken = entries[: max(0, most - len(found))]
        left += len(entries) - len(taken)
        for entry in taken:
            content = _content(archive, name, entry, limits.MAX_UNPACKED_BYTES - total)
            total += len(content) if isinstance(content, bytes) else 0
            found.append((f"{name}/{entry}", content))
        archive.close()
    if left:
        more = said("{n} more file(s) were left out; accepted are up to {most} at once.", n=f"{left:,}", most=most)
        found.append(("", ImageRefused(more)))
    return found


def _opened(name: str, data: bytes) -> tuple[ZipImages | None, ImageRefused | None]:
    if not data.startswith(_STARTS):
        return None, None
    try:
        archive = ZipImages(data, name=name)
    except DataError as error:
        return None, ImageRefused(message_of(error))
    names = set(archive.names())
    return (None, None) if any(whole <= names for whole in _WHOLE) else (archive, None)


def _content(archive: ZipImages, name: str, entry: str, room: int) -> bytes | ImageRefused:
    shown = f"{name}/{entry}"
    try:
        content = archive.content(entry)
    except ImageRefused as error:
        return ImageRefused(said_together("/", [name, message_of(error)]))
    if len(content) > room:
        most = limits.MAX_UNPACKED_BYTES // 1024**2
        return ImageRefused(
            said("{name}: the ZIPs hold more than {most} MB; send them one after the other.", name=shown, most=most)
        )
    return content
