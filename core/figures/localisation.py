"""Where a model's heat maps lie, in words: what its card has measured, beside what chance and habit would give.

A share of hits never stands alone: a map that points to the middle of every chest meets boxes too.
"""

from core.figures.names import dataset_title, is_synthetic
from core.figures.text import GAP, counted, the_percent
from core.language import t
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
        return t(UNMEASURED)
    own = [r for r in known if r.dataset == card.training_dataset and r.split == "test"]
    return pointing_sentence(card, max(own or known, key=lambda r: r.n_images))


def pointing_sentence(card: ModelCard, record: LocalisationRecord) -> str:
    """How often the hottest point lies in a mark, what a random point and the points of other images would give."""
    hit, swapped = _overall(record, HIT), _overall(record, SWAPPED)
    if hit is None or hit.value is None:
        return t(UNMEASURED)
    chance = record.chance.get(HIT)
    shown = t("its map for the finding")
    if card.task == "binary":
        shown = t("its map for {class_name}", class_name=t(str(card.positive_class)))
    text = t(
        "On {population}, the hottest point of {shown} lay inside {mark} in {share}; a random point would in {chance}",
        population=_population(record), shown=shown, mark=_mark(record), share=_share(hit), chance=the_percent(chance),
    )  # fmt: skip
    if swapped is not None and swapped.value is not None:
        text += t(", the points of its other maps in {share}", share=the_percent(swapped.value))
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
            area = the_percent(record.chance.get(INSIDE))
            parts.append(t("Of its heat {share} lay inside, on {area} of the area.", share=_share(inside), area=area))
        if border is not None and border.value is not None:
            values = {"share": _share(border), "area": the_percent(record.chance.get(BORDER))}
            parts.append(
                t("The outer border holds {share} of the heat, on {area} of the area.", **values)
                if record.truth != "none"
                else t(
                    "On {population}, the outer border holds {share} of the heat, on {area} of the area.",
                    population=_population(record), **values,
                )
            )  # fmt: skip
        if record.n_empty:
            parts.append(
                t(
                    "{empty} of {count} maps were empty and count as misses.",
                    empty=f"{record.n_empty:,}", count=f"{record.n_images:,}",
                )
            )  # fmt: skip
        lines.append(" ".join(parts))
    return lines


def _overall(record: LocalisationRecord, metric: str) -> Estimate | None:
    return next((e for e in record.estimates if e.metric == metric and e.class_name is None), None)


def _mark(record: LocalisationRecord) -> str:
    return t("the outline") if record.truth == "masks" else t("a box")


def _population(record: LocalisationRecord) -> str:
    """ "SIIM-FISABIO-RSNA COVID-19 detection (1,024 images of 800 patients with experts' boxes)"."""
    spec = DATASETS.get(record.dataset)
    images = counted(record.n_images, record.n_groups, spec.group_field if spec is not None else "group")
    if record.split == "test":
        images = t("test part, {images}", images=images)
    if is_synthetic(record.dataset) and record.truth != "none":
        images = t("{images} with boxes around planted findings", images=images)
    elif record.truth != "none":
        images = (
            t("{images} with experts' outlines", images=images)
            if record.truth == "masks"
            else t("{images} with experts' boxes", images=images)
        )
    return f"{dataset_title(record.dataset)} ({images})"


def _share(estimate: Estimate) -> str:
    """ "61 % (58–64 %)"."""
    if estimate.low is None or estimate.high is None:
        return the_percent(estimate.value)
    return f"{the_percent(estimate.value)} ({100 * estimate.low:.0f}–{100 * estimate.high:.0f}{GAP}%)"


def _verdict(hit: Estimate, chance: float | None, swapped: Estimate | None) -> str:
    """A plain word where the maps do not beat what needs no looking."""
    if hit.low is None or chance is None:
        return ""
    if hit.low <= chance:
        return t("That is no better than chance.")
    if swapped is not None and swapped.value is not None and hit.low <= swapped.value:
        return t("That is no better than pointing to the usual place in every picture.")
    return ""


def _seen(record: LocalisationRecord) -> str:
    if not record.n_seen:
        return ""
    return " " + t("It was trained or tuned on {count} of these images.", count=f"{record.n_seen:,}")
