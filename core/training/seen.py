"""Which images a network has learnt or been tuned on, as short content hashes, and who must not meet them again.

A network that starts from another inherits what that one has seen: its test part may hold none of it.
"""

from pathlib import Path

from core import paths
from core.errors import SpecInvalid
from core.training.prepared import PreparedData

SEEN_IMAGES = "seen_images.txt"
SEEN_DIGITS = 12  # of 32: at 100,000 images the chance of one false match is under 1 in 10,000


def short(content_hash: str) -> str:
    """The part of a content hash that is kept."""
    return content_hash[:SEEN_DIGITS]


def seen_in(folder: Path) -> frozenset[str]:
    """The short hashes that a model's or a run's folder holds; none where it has no such file."""
    file = folder / SEEN_IMAGES
    return frozenset(file.read_text(encoding="ascii").split()) if file.is_file() else frozenset()


def seen_by(weights: str) -> frozenset[str]:
    """What the network behind "run:<run_id>" or "model:<name>" has seen; nothing is known of other weights."""
    kind, _, name = weights.partition(":")
    folder = {"run": paths.results_folder, "model": paths.models_folder}.get(kind)
    return seen_in(folder() / Path(name).name) if folder and name else frozenset()


def refuse_seen_test_images(data: PreparedData, weights: str) -> None:
    """Raises SpecInvalid when the network behind `weights` has seen an image of the test part.

    A random split leaks on purpose, to teach, and is marked as such: it may.
    """
    known = frozenset() if data.labelled.split_kind == "random" else seen_by(weights)
    again = sum(short(content) in known for content in data.part("test")[1]) if known else 0
    if again:
        raise SpecInvalid(
            f"The network {weights!r} has learnt or been tuned on {again} of the test images: a number on them "
            "would be no test. Give both runs the same data set, split, split_seed, fold and split_scheme, so that "
            "they share one test part, or start from other weights."
        )


def seen_file(data: PreparedData, weights: str) -> bytes:
    """What a network trained on `data` from `weights` has seen in the end, one short hash a line."""
    own = {short(content) for split in ("train", "validation") for content in data.part(split)[1]}
    return ("\n".join(sorted(own | seen_by(weights))) + "\n").encode("ascii")
