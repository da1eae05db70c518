"""Heat maps of a shipped model held against experts' boxes or masks: which maps, which marks, and what came of it.

The map is of the class that the truth names, whatever the model says of the picture. A mark passes through the same
geometry as its picture; images of the class without a mark are left out and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.data.ahead import in_order
from core.data.batches import AHEAD, BATCH_SIZE, DECODE_THREADS
from core.data.load import load_table
from core.data.regions import marked_square
from core.errors import DatasetInvalid
from core.evaluation.intervals import unit_of
from core.evaluation.localisation import (
    SWAPPED,
    against_mark,
    against_shortcuts,
    mean_estimates,
    peak_pixels,
    swapped_hits,
)
from core.store.codec import encode
from core.store.models import load_card, model_folder
from core.training.external import NOTICE
from core.training.marks import MarkedImage, marked_images
from core.training.progress import Report, silent
from core.training.seen import seen_in, short
from core.training.shipped import trained_options
from core.types import Estimate, Heatmap, LocalisationRecord, ModelCard

METHOD = "Grad-CAM"  # as `core/nn/explain.py` calls the map that pages show
PER_CLASS = ("pointing_hit", "heat_inside")
FEW_IMAGES = 100


@dataclass(frozen=True, slots=True, eq=False)
class LocalisationResult:
    """A measurement, the model it belongs to, and the images that could not be read."""

    card: ModelCard
    record: LocalisationRecord
    refused: tuple[str, ...]

    def warnings(self) -> list[str]:
        """Sentences that must stand beside the numbers."""
        found, lines = self.record, []
        if found.truth == "none":
            lines.append("This data set has no boxes or masks: only border and corners could be measured.")
        if found.n_empty:
            lines.append(f"{found.n_empty} of {found.n_images} maps have no heat at all and count as misses.")
        if found.n_seen:
            lines.append(f"{found.n_seen} of {found.n_images} images were used to train or tune this model.")
        if found.n_unmarked:
            lines.append(f"{found.n_unmarked} images of the class have no mark and were left out.")
        if found.n_images < FEW_IMAGES:
            lines.append(f"Only {found.n_images} images: the intervals are wide for a reason.")
        return lines

    def document(self) -> dict[str, object]:
        """Everything as plain JSON values."""
        return {
            **encode(self.record), "model": self.card.name, "warnings": self.warnings(),
            "refused": list(self.refused), "notice": NOTICE,
        }  # fmt: skip

    def lines(self) -> list[str]:
        """The measures in words, one a line."""
        found = self.record
        drawn = f", drawn from {found.n_eligible}" if found.n_eligible > found.n_images else ""
        lines = [
            f"{found.method} of {self.card.name} on {found.dataset} ({found.split}), against {found.truth}: "
            f"{found.n_images} images of {found.n_groups} groups{drawn}",
            f"  maps of {found.class_rule}",
        ]
        for e in found.estimates:
            value = "not defined" if e.value is None else f"{e.value:.3f}"
            interval = "" if e.low is None else f"  ({e.low:.3f}–{e.high:.3f})"
            chance = found.chance.get(e.metric) if e.class_name is None else None
            by_chance = "" if chance is None else f"  by chance {chance:.3f}"
            lines.append(f"  {e.metric:<18}{e.class_name or 'overall':<24}{value}{interval}{by_chance}")
        return [*lines, *self.warnings(), NOTICE]


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """One map: its measures and what chance gives for them, where it peaks, and the packed bits of the mark."""

    image: MarkedImage
    class_index: int
    is_empty: bool
    found: Mapping[str, float]
    chance: Mapping[str, float]
    peak: np.ndarray
    region: np.ndarray | None


def localise_model(
    name: str,
    dataset: str,
    root: Path | None,
    *,
    split: str = "test",
    classes: Sequence[str] = (),
    label_map: Sequence[str] = (),
    limit: int | None = None,
    seed: int = 0,
    skip_bad: bool = False,
    options: Mapping[str, int | float | str] | None = None,
    report: Report = silent,
) -> LocalisationResult:
    """Measure where the heat maps of models/<name> lie on the data set under `root`.

    Args:
        split, label_map: as in `core.training.external.evaluate_model`.
        classes: the classes whose maps are taken, in place of what the labels say; the likelier where several.
        limit: at most so many images, drawn with `seed`.
    Returns: the measurement; nothing is written.
    Raises: DatasetInvalid when no image is left; SpecInvalid when labels and classes do not meet and `classes` says
        nothing, or there is no test part; ImageRefused for a picture or a mask that cannot be used.
    """
    card = load_card(name)
    report("reading the data set", 0, 1)
    table = load_table(
        dataset, root, policy="skip" if skip_bad else "stop", options=options or trained_options(card, dataset)
    )
    selection = marked_images(card, table, split, classes=classes, label_map=label_map)
    measured, n_cut_off = _measure(name, _drawn(selection.images, limit, seed), selection.truth != "none", report)
    if not measured:
        raise DatasetInvalid("No mark lies inside what the network sees of the pictures: nothing can be measured.")
    report("computing intervals", 0, 1)
    seen, groups = seen_in(model_folder(name)), np.array([m.image.group for m in measured])
    record = LocalisationRecord(
        dataset=dataset,
        split=split,
        truth=selection.truth,
        class_rule=selection.class_rule,
        method=METHOD,
        n_images=len(measured),
        n_groups=len(set(groups.tolist())),
        n_empty=sum(m.is_empty for m in measured),
        n_unmarked=selection.n_unmarked + n_cut_off,
        n_eligible=len(selection.images),
        n_seen=sum(short(m.image.content_hash) in seen for m in measured),
        estimates=_estimates(card, measured, groups, split, unit_of(table.spec.group_field)),
        chance={key: float(np.mean([m.chance[key] for m in measured])) for key in measured[0].chance},
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return LocalisationResult(card, record, table.refused)


def _drawn(images: Sequence[MarkedImage], limit: int | None, seed: int) -> list[MarkedImage]:
    if limit is None or limit >= len(images):
        return list(images)
    chosen = np.random.default_rng(seed).permutation(len(images))[:limit]
    return [images[i] for i in sorted(chosen.tolist())]


def _measure(name: str, images: Sequence[MarkedImage], marked: bool, report: Report) -> tuple[list[_Measured], int]:
    """Every map against its mark, and how many marks lie outside what the network sees."""
    from core.nn.explain import heatmap
    from core.nn.serving import Predictor

    predictor = Predictor.load(name)
    card = predictor.card

    def prepare(start: int) -> tuple[np.ndarray, list[np.ndarray]]:
        batch = images[start : start + BATCH_SIZE]
        pairs = [marked_square(i.path, i.boxes, i.mask_path, card.preprocess) for i in batch]
        return np.stack([square for square, _ in pairs]), [region for _, region in pairs]

    measured: list[_Measured] = []
    done = 0
    for squares, regions in in_order(prepare, range(0, len(images), BATCH_SIZE), workers=DECODE_THREADS, ahead=AHEAD):
        output = predictor.run(squares, maps=True)
        for position, region in enumerate(regions):
            image = images[done + position]
            index = image.classes[int(np.argmax(output.logits[position, list(image.classes)]))]
            shown = heatmap(
                output.cams[position, index], image_id=image.path, class_name=card.class_names[index],
                layer=card.cam_layer, size_px=card.preprocess.size_px,
            )  # fmt: skip
            if region.any() or not marked:
                measured.append(_against(image, index, shown, region if marked else None))
        done += len(squares)
        report("drawing maps", done, len(images))
    return measured, done - len(measured)


def _against(image: MarkedImage, index: int, shown: Heatmap, region: np.ndarray | None) -> _Measured:
    found, chance = against_shortcuts(shown.values)
    if region is not None:
        mark_found, mark_chance = against_mark(shown.values, region, shown.grid)
        found, chance = mark_found | found, mark_chance | chance
    return _Measured(
        image=image, class_index=index, is_empty=shown.is_empty, found=found, chance=chance,
        peak=peak_pixels(shown.values), region=None if region is None else np.packbits(region),
    )  # fmt: skip


def _estimates(
    card: ModelCard, measured: Sequence[_Measured], groups: np.ndarray, split: str, unit: str
) -> tuple[Estimate, ...]:
    values = {key: np.array([m.found[key] for m in measured]) for key in measured[0].found}
    regions = [m.region for m in measured if m.region is not None]
    if regions:
        values[SWAPPED] = swapped_hits([m.peak for m in measured], regions, groups)
    found = list(mean_estimates(values, groups, split=split, unit=unit))
    of_class = np.array([m.class_index for m in measured])
    present = sorted(set(of_class.tolist()))
    for index in present if len(present) > 1 and regions else ():
        own = of_class == index
        found += mean_estimates(
            {key: values[key][own] for key in PER_CLASS}, groups[own], split=split, unit=unit,
            class_name=card.class_names[index],
        )  # fmt: skip
    return tuple(found)
