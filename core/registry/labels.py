"""Label schemes: how the raw labels of a data set become the classes of a task."""

from collections.abc import Mapping

from core.registry.lookup import by_key, get
from core.types import DatasetSpec, LabelScheme

NIH_FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis",
    "Hernia", "Infiltration", "Mass", "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax",
)  # fmt: skip
SIIM_STUDY_LABELS = (
    "Negative for Pneumonia", "Typical Appearance", "Indeterminate Appearance", "Atypical Appearance",
)  # fmt: skip
HAM_DIAGNOSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")

KERMANY = "Kermany et al. 2018, doi:10.1016/j.cell.2018.02.010"
SIIM = "Lakhani et al. 2023, doi:10.1007/s10278-022-00706-8"
HAM = "Tschandl et al. 2018, doi:10.1038/sdata.2018.161"
NIH = "Wang et al. 2017, arXiv:1705.02315"

_KERMANY_TWO = LabelScheme(
    key="pneumonia", title="Pneumonia or normal", task="binary",
    class_names=("Normal", "Pneumonia"), positive_class="Pneumonia",
    mapping={"NORMAL": "Normal", "bacteria": "Pneumonia", "virus": "Pneumonia", "pneumonia": "Pneumonia"},
    source=KERMANY,
)  # fmt: skip
_KERMANY_THREE = LabelScheme(
    key="pneumonia_cause", title="Normal, bacterial or viral pneumonia", task="multiclass",
    class_names=("Normal", "Bacterial pneumonia", "Viral pneumonia"),
    mapping={"NORMAL": "Normal", "bacteria": "Bacterial pneumonia", "virus": "Viral pneumonia", "pneumonia": None},
    sums={"Pneumonia": ("Bacterial pneumonia", "Viral pneumonia")}, source=KERMANY,
)  # fmt: skip

_NEGATIVE, _TYPICAL, _INDETERMINATE, _ATYPICAL = SIIM_STUDY_LABELS
_SIIM_FOUR = LabelScheme(
    key="siim_four", title="Four study appearances", task="multiclass",
    class_names=("Negative", "Typical", "Indeterminate", "Atypical"),
    mapping={_NEGATIVE: "Negative", _TYPICAL: "Typical", _INDETERMINATE: "Indeterminate", _ATYPICAL: "Atypical"},
    sums={"Opacity": ("Typical", "Indeterminate", "Atypical")}, source=SIIM,
)  # fmt: skip
_SIIM_THREE = LabelScheme(
    key="siim_three", title="Negative, typical or other appearance", task="multiclass",
    class_names=("Negative", "Typical", "Other"),
    mapping={_NEGATIVE: "Negative", _TYPICAL: "Typical", _INDETERMINATE: "Other", _ATYPICAL: "Other"},
    source="García Boronat 2021, grouping of " + SIIM,
)  # fmt: skip
_SIIM_OPACITY = LabelScheme(
    key="siim_opacity", title="Opacity or none, decided at study level", task="binary",
    class_names=("None", "Opacity"), positive_class="Opacity",
    mapping={_NEGATIVE: "None", _TYPICAL: "Opacity", _INDETERMINATE: "Opacity", _ATYPICAL: "Opacity"},
    source="García Boronat 2021, grouping of " + SIIM,
)  # fmt: skip
_SIIM_TYPICAL = LabelScheme(
    key="siim_typical", title="Typical appearance or rest", task="binary",
    class_names=("Rest", "Typical"), positive_class="Typical",
    mapping={_NEGATIVE: "Rest", _TYPICAL: "Typical", _INDETERMINATE: "Rest", _ATYPICAL: "Rest"},
    source="García Boronat 2021, grouping of " + SIIM,
)  # fmt: skip

_SIIM_ATYPICAL = LabelScheme(
    key="siim_atypical", title="Atypical appearance or rest", task="binary",
    class_names=("Rest", "Atypical"), positive_class="Atypical",
    mapping={_NEGATIVE: "Rest", _TYPICAL: "Rest", _INDETERMINATE: "Rest", _ATYPICAL: "Atypical"},
    source="this project (one image in twelve, the imbalance of Wagner), grouping of " + SIIM,
)  # fmt: skip

# the two raw labels in which chest data sets meet; how each set's own labels map: core/registry/unions.py
NO_OPACITY, OPACITY = "none", "opacity"
_OPACITY = LabelScheme(
    key="opacity", title="Opacity or none, over several data sets", task="binary",
    class_names=("None", "Opacity"), positive_class="Opacity",
    mapping={NO_OPACITY: "None", OPACITY: "Opacity"},
    source="García Boronat 2021, labels in which data sets meet",
)  # fmt: skip

_HAM_NAMES = {
    "akiec": "Actinic keratosis", "bcc": "Basal cell carcinoma", "bkl": "Benign keratosis",
    "df": "Dermatofibroma", "mel": "Melanoma", "nv": "Melanocytic nevus", "vasc": "Vascular lesion",
}  # fmt: skip
_HAM_SEVEN = LabelScheme(
    key="ham_seven", title="Seven diagnoses", task="multiclass",
    class_names=tuple(_HAM_NAMES[d] for d in HAM_DIAGNOSES), mapping=_HAM_NAMES,
    # akiec (actinic keratosis and Bowen's disease) counts as malignant, as in the ISIC 2018 challenge's grouping
    sums={"Malignant": tuple(_HAM_NAMES[d] for d in ("akiec", "bcc", "mel"))}, source=HAM,
)  # fmt: skip
_HAM_MALIGNANT = LabelScheme(
    key="ham_malignant", title="Malignant or benign", task="binary",
    class_names=("Benign", "Malignant"), positive_class="Malignant",
    # akiec (actinic keratosis and Bowen's disease) counts as malignant, as in the ISIC 2018 challenge's grouping
    mapping={d: "Malignant" if d in ("akiec", "bcc", "mel") else "Benign" for d in HAM_DIAGNOSES},
    source=HAM,
)  # fmt: skip
_HAM_MELANOMA = LabelScheme(
    key="ham_melanoma", title="Melanoma or rest", task="binary",
    class_names=("Rest", "Melanoma"), positive_class="Melanoma",
    mapping={d: "Melanoma" if d == "mel" else "Rest" for d in HAM_DIAGNOSES},
    source="this project, grouping of " + HAM,
)  # fmt: skip

_NIH_MULTI = LabelScheme(
    key="nih_findings", title="14 findings, several at once", task="multilabel", class_names=NIH_FINDINGS,
    mapping={**{f: f for f in NIH_FINDINGS}, "No Finding": ""}, source=NIH,
)  # fmt: skip
_NIH_ANY = LabelScheme(
    key="nih_any", title="Any of the 14 findings or none", task="binary",
    class_names=("No finding", "Finding"), positive_class="Finding",
    mapping={**dict.fromkeys(NIH_FINDINGS, "Finding"), "No Finding": "No finding"}, source=NIH,
)  # fmt: skip
_NIH_MASS = LabelScheme(
    key="nih_mass_nodule", title="Mass or nodule against everything else", task="binary",
    class_names=("Neither", "Mass or nodule"), positive_class="Mass or nodule",
    mapping={
        **{f: "Mass or nodule" if f in ("Mass", "Nodule") else "Neither" for f in NIH_FINDINGS},
        "No Finding": "Neither",
    },
    source="Wagner, grouping of " + NIH,
)  # fmt: skip

_COVID_RADIOGRAPHY = LabelScheme(
    key="covid_four", title="COVID, lung opacity, normal or viral pneumonia", task="multiclass",
    class_names=("Normal", "COVID", "Lung opacity", "Viral pneumonia"),
    mapping={"COVID": "COVID", "Lung_Opacity": "Lung opacity", "Normal": "Normal",
             "Viral Pneumonia": "Viral pneumonia"},
    source="Rahman et al. 2021, doi:10.1016/j.compbiomed.2021.104319",
)  # fmt: skip

_PHANTOM_NODULE = LabelScheme(
    key="phantom_nodule", title="Planted nodule or none (synthetic)", task="binary",
    class_names=("No nodule", "Nodule"), positive_class="Nodule",
    mapping={"nodule": "Nodule", "negative": "No nodule", "typical": "No nodule",
             "indeterminate": "No nodule", "atypical": "No nodule"},
    source="core/data/phantom.py",
)  # fmt: skip
_PHANTOM_FOUR = LabelScheme(
    key="phantom_appearance", title="Four planted appearances (synthetic)", task="multiclass",
    class_names=("Negative", "Typical", "Indeterminate", "Atypical"),
    mapping={"nodule": None, "negative": "Negative", "typical": "Typical",
             "indeterminate": "Indeterminate", "atypical": "Atypical"},
    sums={"Opacity": ("Typical", "Indeterminate", "Atypical")}, source="core/data/phantom.py, after the SIIM scheme",
)  # fmt: skip

LABEL_SCHEMES: Mapping[str, LabelScheme] = by_key(
    _KERMANY_TWO, _KERMANY_THREE, _SIIM_FOUR, _SIIM_THREE, _SIIM_OPACITY, _SIIM_TYPICAL, _SIIM_ATYPICAL, _OPACITY,
    _HAM_SEVEN, _HAM_MALIGNANT, _HAM_MELANOMA, _NIH_MULTI, _NIH_ANY, _NIH_MASS, _COVID_RADIOGRAPHY,
    _PHANTOM_NODULE, _PHANTOM_FOUR,
)  # fmt: skip

AS_IS = "as_is"


def label_scheme(key: str, spec: DatasetSpec | None = None) -> LabelScheme:
    """The scheme `key`; "as_is" takes the labels of `spec` (a table's own spec) as they stand.

    With two labels "as_is" is binary and the second in order is the positive class; labels joined by "|"
    need a scheme of their own.
    """
    if key == AS_IS and spec is not None:
        names = spec.class_names
        binary = len(names) == 2
        return LabelScheme(
            key=AS_IS,
            title=f"Labels of {spec.title} as they stand",
            task="binary" if binary else "multiclass",
            class_names=names,
            positive_class=names[1] if binary else None,
            mapping={name: name for name in names},
            source=spec.citation,
        )
    return get(LABEL_SCHEMES, key, "label scheme", "core/registry/labels.py")
