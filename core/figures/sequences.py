"""A patient's earlier images in words: how many images have some, in which order, and how a head does on those.

The numbers come from a run's record, where `core/training/sequences.py` put them.
"""

from collections.abc import Mapping
from typing import Any

from core.figures.text import listing, number
from core.language import t
from core.types import RunRecord

OWN = ("history_", "images_with_history", "auc_with_history", "auc_without_history")


def settings_words(record: RunRecord) -> str:
    """What validation chose, "name = value" each; what a record says of histories is left to `history_words`."""
    chosen = [f"{name} = {value}" for name, value in record.chosen_settings.items() if not name.startswith(OWN)]
    return ", ".join(chosen) or t("none")


def history_words(record: RunRecord) -> str:
    """The histories of a run on sequences; "" for a run on single images."""
    told: Mapping[str, Any] = record.chosen_settings
    if "images_with_history" not in told:
        return ""
    counts = [
        t("{count} in {split}", count=f"{count:,}", split=t(split))
        for split, count in told["images_with_history"].items()
    ]
    lengths = [f"{t(name)} {number(v, 2)}" for name, v in told["history_length_auc"].items() if v is not None]
    sentences = [
        t(
            "Images with an earlier one: {counts}. Ordered by {order}.",
            counts=listing(counts),
            order=t(str(told["history_order"])),
        ),
        t(
            "Test AUC with an earlier image {first}, without {second}.",
            first=_auc(told.get("auc_with_history_test")),
            second=_auc(told.get("auc_without_history_test")),
        ),
        t("AUC of the mere number of earlier images: {values}.", values=listing(lengths)) if lengths else "",
    ]
    return " ".join(filter(None, sentences))


def _auc(told: Mapping[str, Any] | None) -> str:
    if told is None:
        return t("not defined (no image)")
    size = t("{images} images of {groups} groups", images=f"{told['n_images']:,}", groups=f"{told['n_groups']:,}")
    if told["value"] is None:
        return t("not defined ({size})", size=size)
    doubt = "" if told["low"] is None else f" ({number(told['low'], 2)}–{number(told['high'], 2)})"
    return f"{number(told['value'], 2)}{doubt}, {size}"
