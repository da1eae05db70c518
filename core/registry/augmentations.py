"""The presets of random changes in training: one entry each, with whose it is.

A plan names one: augmentation = "radiograph". What counts is what it says: a run stores the changes, not the name.
"""

from collections.abc import Mapping
from dataclasses import replace

from core.registry.lookup import by_key, get
from core.types import AugmentationPreset, AugmentationSpec

# shear without a unit in the thesis: taken as a fraction of the side (Keras' generator of 2021 would read degrees)
GARCIA_BORONAT = "García Boronat 2021, SIIM-FISABIO-RSNA COVID-19 Detection, master's thesis, U-tad"
_HERS = AugmentationSpec(flip_horizontal=True, zoom=0.1, shear=0.05, darker=0.2, brighter=0.1)

AUGMENTATIONS: Mapping[str, AugmentationPreset] = by_key(
    AugmentationPreset(
        key="none", title="None", changes=AugmentationSpec(), source="every image as it is, in every epoch",
    ),
    AugmentationPreset(
        key="light", title="Light", source="this project: small changes that no reader would notice",
        changes=AugmentationSpec(rotation=0.014, zoom=0.05, shift=0.03, brightness=0.05, contrast=0.1),
    ),
    AugmentationPreset(
        key="garcia-boronat-2021", title="García Boronat 2021", source=GARCIA_BORONAT,
        changes=_HERS,
    ),
    AugmentationPreset(
        key="garcia-boronat-2021-shift", title="García Boronat 2021, with shifts", source=GARCIA_BORONAT,
        changes=replace(_HERS, shift=0.1),
    ),
    AugmentationPreset(
        key="garcia-boronat-2021-vertical", title="García Boronat 2021, with vertical flips", source=GARCIA_BORONAT,
        changes=replace(_HERS, flip_vertical=True),
    ),
    AugmentationPreset(
        key="garcia-boronat-2021-shift-vertical", title="García Boronat 2021, with shifts and vertical flips",
        source=GARCIA_BORONAT, changes=replace(_HERS, shift=0.1, flip_vertical=True),
    ),
    # no flips: the heart lies on the left. The rest is what differs between machines, rooms and hospitals
    AugmentationPreset(
        key="radiograph", title="Radiographs of other machines",
        source="this project: position, exposure, contrast and sharpness of chest films differ between hospitals",
        changes=AugmentationSpec(
            rotation=0.028, zoom=0.12, shift=0.08, shear=0.05, brightness=0.12, darker=0.15, brighter=0.15,
            contrast=0.3, sharpness=1.0, blur=1.0,
        ),
    ),
    # a lesion has no up and no left; light and focus differ between dermatoscopes
    AugmentationPreset(
        key="dermoscopy", title="Dermatoscopic pictures from any side",
        source="this project: a lesion has no upright position, and dermatoscopes differ in light and focus",
        changes=AugmentationSpec(
            flip_horizontal=True, flip_vertical=True, rotation=0.25, zoom=0.15, shift=0.08, brightness=0.08,
            contrast=0.2, darker=0.1, brighter=0.1, blur=0.5, sharpness=0.5,
        ),
    ),
)  # fmt: skip


def augmentation_preset(key: str) -> AugmentationPreset:
    """The preset `key`. Raises UnknownKey."""
    return get(AUGMENTATIONS, key, "augmentation", "core/registry/augmentations.py")
