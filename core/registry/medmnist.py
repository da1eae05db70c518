"""The twelve two-dimensional MedMNIST sets: label names, task, size and licence of each.

Source: Yang et al. 2023, doi:10.1038/s41597-022-01721-8, and the catalogue of the `medmnist` package, version 3.0.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import UnknownKey
from core.language import said
from core.registry.labels import AS_IS
from core.registry.lookup import by_key, get
from core.types import Task

CC_BY = "CC BY 4.0"
SIZES_PX = (28, 64, 128, 224)
_ORGANS = (
    "bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right", "liver", "lung-left",
    "lung-right", "pancreas", "spleen",
)  # fmt: skip
# The source's own order. "pleural" is Pleural_Thickening in the NIH set that the images come from.
_CHEST = (
    "Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax",
    "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening", "Hernia",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MedMnistSet:
    """One set. `labels[i]` is what the number i stands for; `images` counts train, validation and test.

    `positive` names the positive label of a binary set: in the source it is not always number 1.
    """

    key: str
    title: str
    modality: str
    task: Task
    labels: tuple[str, ...]
    images: tuple[int, int, int]
    licence: str = CC_BY
    positive: str | None = None
    label_schemes: tuple[str, ...] = (AS_IS,)
    caveats: tuple[str, ...] = ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The labels, a binary set's positive one last; several labels per image: with "No Finding"."""
        if self.task == "multilabel":
            return (*self.labels, "No Finding")
        return tuple(sorted(self.labels, key=lambda name: name == self.positive))


MEDMNIST: Mapping[str, MedMnistSet] = by_key(
    MedMnistSet(
        key="pathmnist", title="PathMNIST", modality="colon pathology", task="multiclass", images=(89996, 10004, 7180),
        labels=(
            "adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle", "normal colon mucosa",
            "cancer-associated stroma", "colorectal adenocarcinoma epithelium",
        ),
        caveats=("Training and test slides come from different hospitals.",),
    ),
    MedMnistSet(
        key="chestmnist", title="ChestMNIST", modality="chest radiograph", task="multilabel", labels=_CHEST,
        images=(78468, 11219, 22433), label_schemes=("nih_any", "nih_findings", "nih_mass_nodule"),
        caveats=("Labels were mined from reports by text rules, as in the NIH set.",),
    ),
    MedMnistSet(
        key="dermamnist", title="DermaMNIST", modality="dermatoscopic image", task="multiclass",
        images=(7007, 1003, 2005), licence="CC BY-NC 4.0",
        labels=(
            "actinic keratoses and intraepithelial carcinoma", "basal cell carcinoma", "benign keratosis-like lesions",
            "dermatofibroma", "melanoma", "melanocytic nevi", "vascular lesions",
        ),
        caveats=(
            "Made from HAM10000, whose lesions have several images each; the archive does not name the lesions, so "
            "one lesion may stand in training and test.",
        ),
    ),
    MedMnistSet(
        key="octmnist", title="OCTMNIST", modality="retinal OCT", task="multiclass", images=(97477, 10832, 1000),
        labels=("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    ),
    MedMnistSet(
        key="pneumoniamnist", title="PneumoniaMNIST", modality="chest radiograph, children", task="binary",
        labels=("normal", "pneumonia"), positive="pneumonia", images=(4708, 524, 624),
        caveats=("The images of `chest_xray`; a child's images may stand in training and validation.",),
    ),
    MedMnistSet(
        key="retinamnist", title="RetinaMNIST", modality="fundus photograph", task="multiclass",
        images=(1080, 120, 400), labels=("grade 0", "grade 1", "grade 2", "grade 3", "grade 4"),
        caveats=("Grades of diabetic retinopathy are ordered; a multiclass task forgets the order.",),
    ),
    MedMnistSet(
        key="breastmnist", title="BreastMNIST", modality="breast ultrasound", task="binary",
        labels=("malignant", "normal, benign"), positive="malignant", images=(546, 78, 156),
    ),
    MedMnistSet(
        key="bloodmnist", title="BloodMNIST", modality="blood cell microscopy", task="multiclass",
        images=(11959, 1712, 3421),
        labels=(
            "basophil", "eosinophil", "erythroblast",
            "immature granulocytes (myelocytes, metamyelocytes and promyelocytes)", "lymphocyte", "monocyte",
            "neutrophil", "platelet",
        ),
    ),
    MedMnistSet(
        key="tissuemnist", title="TissueMNIST", modality="kidney cortex microscopy", task="multiclass",
        images=(165466, 23640, 47280),
        labels=(
            "Collecting Duct, Connecting Tubule", "Distal Convoluted Tubule", "Glomerular endothelial cells",
            "Interstitial endothelial cells", "Leukocytes", "Podocytes", "Proximal Tubule Segments",
            "Thick Ascending Limb",
        ),
    ),
    MedMnistSet(
        key="organamnist", title="OrganAMNIST", modality="abdominal CT, axial", task="multiclass", labels=_ORGANS,
        images=(34561, 6491, 17778),
    ),
    MedMnistSet(
        key="organcmnist", title="OrganCMNIST", modality="abdominal CT, coronal", task="multiclass", labels=_ORGANS,
        images=(12975, 2392, 8216),
    ),
    MedMnistSet(
        key="organsmnist", title="OrganSMNIST", modality="abdominal CT, sagittal", task="multiclass", labels=_ORGANS,
        images=(13932, 2452, 8827),
    ),
)  # fmt: skip


def medmnist_set(key: str) -> MedMnistSet:
    """The set `key`. Raises UnknownKey."""
    return get(MEDMNIST, key, "MedMNIST set", "core/registry/medmnist.py")


def set_of_file(stem: str) -> tuple[str, int]:
    """Set key and image side in px of an archive's name: "breastmnist_64" is ("breastmnist", 64).

    Raises: UnknownKey when the name is none of the sets.
    """
    name, underscore, size = stem.partition("_")
    if not underscore:
        return medmnist_set(stem).key, SIZES_PX[0]
    if size not in map(str, SIZES_PX):
        raise UnknownKey(
            said(
                "Unknown MedMNIST archive {stem}; sizes are {sizes} px.",
                stem=repr(stem),
                sizes=", ".join(map(str, SIZES_PX)),
            )
        )
    return medmnist_set(name).key, int(size)
