"""Where a model's heat maps lie, in words: what its card has measured, beside what chance and habit would give.

A share of hits never stands alone: a map that points to the middle of every chest meets boxes too.
"""

from core.figures.names import dataset_title, is_synthetic
from core.figures.text import GAP, counted, percent
from core.registry.datasets import DATASETS
from core.types import Estimate, LocalisationRecord, ModelCard

UNMEASURED = "Where this model looks has not been measured against experts' marks."
HIT, SWAPPED, INSIDE = "pointing_hit", "pointing_swapped", "heat_inside"
BORDER = "border_heat"


def localisation_sentence(card: ModelCard) -> str:
    """The measurement that tells most of a model's maps, or that there is none.

    Of several the test part of the data that it was trained on comes first, then the one with most images.
    """
    known = [r for r in card.localisation if r.truth != "none" and _overall(r, HIT) is not None]
    if not known:
        return UNMEASURED
    own = [r for r in known if r.dataset == card.training_dataset and r.split == "test"]
    return pointing_sentence(card, max(own or known, key=lambda r: r.n_images))


def pointing_sentence(card: ModelCard, record: LocalisationRecord) -> str:
    """How often the hottest point lies in a mark, what a random point and the points of other images would give."""
    hit, swapped = _overall(record, HIT), _overall(record, SWAPPED)
    if hit is None or hit.value is None:
        return UNMEASURED
    chance = record.chance.get(HIT)
    shown = f"its map for {card.positive_class}" if card.task == "binary" else "its map for the finding"
    text = (
        f"On {_population(record)}, the hottest point of {shown} lay inside {_mark(record)} in {_share(hit)}; "
        f"a random point would in {percent(chance)}"
    )
    if swapped is not None and swapped.value is not None:
        text += f", the points of its other maps in {percent(swapped.value)}"
    return f"{text}. {_verdict(hit, chance, swapped)}{_seen(record)}".strip()


def localisation_lines(card: ModelCard) -> list[str]:
    """Every measurement of a card, a line each; empty where there is none."""
    lines = []
    for record in card.localisation:
        inside, border = _overall(record, INSIDE), _overall(record, BORDER)
        parts = []
        if record.truth != "none":
            parts.append(pointing_sentence(card, record))
        if inside is not None and inside.value is not None:
            area = percent(record.chance.get(INSIDE))
            parts.append(f"Of its heat {_share(inside)} lay inside, on {area} of the area.")
        if border is not None and border.value is not None:
            start = "The" if record.truth != "none" else f"On {_population(record)}, the"
            area = percent(record.chance.get(BORDER))
            parts.append(f"{start} outer border holds {_share(border)} of the heat, on {area} of the area.")
        if record.n_empty:
            parts.append(f"{record.n_empty:,} of {record.n_images:,} maps were empty and count as misses.")
        lines.append(" ".join(parts))
    return lines


def _overall(record: LocalisationRecord, metric: str) -> Estimate | None:
    return next((e for e in record.estimates if e.metric == metric and e.class_name is None), None)


def _mark(record: LocalisationRecord) -> str:
    return "the outline" if record.truth == "masks" else "a box"


def _population(record: LocalisationRecord) -> str:
    """ "SIIM-FISABIO-RSNA COVID-19 detection (1,024 images of 800 patients with experts' boxes)"."""
    spec = DATASETS.get(record.dataset)
    images = counted(record.n_images, record.n_groups, spec.group_field if spec is not None else "group")
    if record.split == "test":
        images = f"test part, {images}"
    if is_synthetic(record.dataset) and record.truth != "none":
        images += " with boxes around planted findings"
    elif record.truth != "none":
        images += " with experts' outlines" if record.truth == "masks" else " with experts' boxes"
    return f"{dataset_title(record.dataset)} ({images})"


def _share(estimate: Estimate) -> str:
    """ "61 % (58–64 %)"."""
    if estimate.low is None or estimate.high is None:
        return percent(estimate.value)
    return f"{percent(estimate.value)} ({100 * estimate.low:.0f}–{100 * estimate.high:.0f}{GAP}%)"


def _verdict(hit: Estimate, chance: float | None, swapped: Estimate | None) -> str:
    """A plain word where the maps do not beat what needs no looking."""
    if hit.low is None or chance is None:
        return ""
    if hit.low <= chance:
        return "That is no better than chance."
    if swapped is not None and swapped.value is not None and hit.low <= swapped.value:
        return "That is no better than pointing to the usual place in every picture."
    return ""


def _seen(record: LocalisationRecord) -> str:
    return f" It was trained or tuned on {record.n_seen:,} of these images." if record.n_seen else ""
