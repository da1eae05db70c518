"""Where chest data sets meet: which of each set's raw labels is an opacity, which is none, and which is neither.

A label that is neither (an effusion, a large heart) is left out of a union and counted, never taken for "none".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core.registry.labels import NIH_FINDINGS, NO_OPACITY, OPACITY, SIIM_STUDY_LABELS
from core.registry.lookup import by_key, get

SEPARATOR = "/"  # "siim-covid19/<image id>": no key of a data set holds one
DEFAULTS: Mapping[str, int | str] = MappingProxyType(
    {"target": "siim-covid19", "outside": "chest_xray", "split_seed": 0}
)
# what Hansell et al. 2008, doi:10.1148/radiol.2462070712, call an opacity of the airspace or describe as one; a mass
# and a nodule are opacities too, but of another kind than the pneumonias that these data sets are about
_NIH_OPACITIES = ("Atelectasis", "Consolidation", "Edema", "Infiltration", "Pneumonia")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingLabels:
    """One data set's part in a union: `mapping` by raw label (None: neither), `split_scheme` to draw its parts by."""

    key: str
    mapping: Mapping[str, str | None]
    split_scheme: str

    def meeting_label(self, raw: str) -> str | None:
        """Raw tokens joined by "|" as "none", "opacity" or None; an opacity outweighs what stands beside it."""
        found = {self.mapping[token] for token in raw.split("|")}
        return OPACITY if OPACITY in found else NO_OPACITY if found == {NO_OPACITY} else None


MEETING: Mapping[str, MeetingLabels] = by_key(
    MeetingLabels(
        key="siim-covid19", split_scheme="siim_four",
        mapping=MappingProxyType(
            {label: NO_OPACITY if label == SIIM_STUDY_LABELS[0] else OPACITY for label in SIIM_STUDY_LABELS}
        ),
    ),
    MeetingLabels(
        key="chest_xray", split_scheme="pneumonia",
        mapping=MappingProxyType(
            {"NORMAL": NO_OPACITY, "bacteria": OPACITY, "virus": OPACITY, "pneumonia": OPACITY}
        ),
    ),
    MeetingLabels(
        key="nih-chest-xray", split_scheme="nih_any",
        mapping=MappingProxyType(
            {**{f: OPACITY if f in _NIH_OPACITIES else None for f in NIH_FINDINGS}, "No Finding": NO_OPACITY}
        ),
    ),
    MeetingLabels(
        key="covid19-radiography", split_scheme="covid_four",
        mapping=MappingProxyType(
            {"Normal": NO_OPACITY, "COVID": OPACITY, "Lung_Opacity": OPACITY, "Viral Pneumonia": OPACITY}
        ),
    ),
)  # fmt: skip


def meeting_labels(key: str) -> MeetingLabels:
    """The labels with which the data set `key` enters a union. Raises UnknownKey."""
    return get(MEETING, key, "data set of a union", "core/registry/unions.py")


def source_of(name: str) -> str:
    """The data set that an image id or group of a union comes from."""
    return name.partition(SEPARATOR)[0]
