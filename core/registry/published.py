"""Published figures that ours are measured against: what a source states, and which of our runs come near to it.

The facts stand in published.csv beside this file, a figure a row, as the source prints them (fractions, not percent);
what they are compared with stands here. A figure without a target is still a row: it says why nothing is alike.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from core.errors import SpecInvalid
from core.registry.labels import AS_IS, LABEL_SCHEMES, NIH_FINDINGS
from core.registry.lookup import by_key, get
from core.registry.medmnist import medmnist_set
from core.registry.metrics import AT_CUT
from core.registry.published_types import PublishedFigure, PublishedSource, Target

FACTS = Path(__file__).with_name("published.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What the rows of one source, data set and task have in common."""

    targets: tuple[Target, ...]
    total: int | None = None
    input_px: int | None = None


SOURCES: Mapping[str, PublishedSource] = by_key(
    PublishedSource(
        key="wagner-tfm", title="Wagner",
        citation="O. F. Wagner, Detección de cáncer mediante redes neuronales convolucionales, master's project",
        split="a split that is not described",
    ),
    PublishedSource(
        key="wang-2017", title="Wang et al. 2017",
        citation="X. Wang et al., ChestX-ray8, CVPR 2017, arXiv:1705.02315; figures as quoted by Wagner",
        split="a test part of their own",
    ),
    PublishedSource(
        key="castro-perez-2020", title="Castro & Pérez 2020",
        citation="J. O. Castro, E. Pérez, Desarrollo de un modelo de deep learning para la detección de anomalías "
        "virales en rayos-X de tórax, Universidad Panamericana 2020",
        split="images drawn at random (a patient may stand in training and test)",
    ),
    PublishedSource(
        key="garcia-boronat-2021", title="García Boronat 2021",
        citation="A. García Boronat, SIIM-FISABIO-RSNA COVID-19 Detection, master's thesis, U-tad 2021",
        split="images held out, patients not kept apart as far as stated,",
    ),
    PublishedSource(
        key="silva-cuevas-2024", title="Silva & Cuevas 2024",
        citation="A. Silva, M. Cuevas, Clinical data: deep learning approaches, Universidad de Málaga 2024",
        split="images drawn at random (a lesion may stand in training and test)",
    ),
    PublishedSource(
        key="tang-2020", title="Tang et al. 2020",
        citation="Y.-X. Tang et al., Automated abnormality classification of chest radiographs using deep "
        "convolutional neural networks, npj Digital Medicine 3:70, 2020",
        split="a test part of their own",
    ),
    PublishedSource(
        key="medmnist-v2", title="MedMNIST v2",
        citation="J. Yang et al., MedMNIST v2, Scientific Data 10:41, 2023, doi:10.1038/s41597-022-01721-8, table 3",
        split="the official test part",
    ),
)  # fmt: skip

_NIH, _SIIM = "nih-chest-xray", "siim-covid19"
_OTHER_FINDING = "another question: any finding (in the small sample: pneumonia) here, mass or nodule there"
# measured on the 798 images at hand; the caveat of the data set says how
_MADE = "small selections of NIH images betray their class by how the files were made"
_RADIOLOGISTS = "the truth is the consensus of three radiologists there, text rules on reports here"
_SIIM_TASKS = {
    "four classes": "siim_four", "three classes": "siim_three", "opacity vs none": "siim_opacity",
    "typical vs rest": "siim_typical",
}  # fmt: skip
_HAM_NAMES = MappingProxyType({raw: str(name) for raw, name in LABEL_SCHEMES["ham_seven"].mapping.items()})
_UNION_WORDS, _UNION_VALIDATION = "SIIM + COVID-19 Radiography", "validation of the union"
_UNION = Target(dataset="union", label_scheme="opacity", outside="covid19-radiography")


def _medmnist(key: str, whole: Target) -> _Task:
    """The set itself, then the data set that its pictures come from."""
    own = Target(dataset="medmnist", label_scheme=AS_IS, class_names=medmnist_set(key).class_names)
    return _Task(targets=(own, whole))


_TASKS: Mapping[tuple[str, str], _Task] = MappingProxyType({
    ("wagner-tfm", "mass or nodule vs none"): _Task(
        targets=(
            Target(dataset=_NIH, label_scheme="nih_mass_nodule", share=("Mass or nodule", 0.0986)),
            Target(dataset=_NIH, label_scheme="nih_any", differs=(_OTHER_FINDING, _MADE), share=("Finding", 0.0986)),
        ),
        total=5606,
    ),
    **{
        ("wang-2017", finding): _Task(
            targets=(
                Target(dataset=_NIH, label_scheme="nih_findings", class_name=finding),
                *((Target(dataset=_NIH, label_scheme="nih_any", differs=(
                    "any finding (in the small sample: pneumonia) against none here, pneumonia against all else there",
                    _MADE,
                )),) if finding == "Pneumonia" else ()),
            ),
            total=108_948,
        )
        for finding in NIH_FINDINGS
    },
    ("castro-perez-2020", "normal / bacterial / viral"): _Task(
        targets=(Target(dataset="chest_xray", label_scheme="pneumonia_cause"),), total=5874, input_px=256,
    ),
    **{
        ("garcia-boronat-2021", words): _Task(
            targets=(Target(dataset=_SIIM, label_scheme=scheme),), total=6334, input_px=299,
        )
        for words, scheme in _SIIM_TASKS.items()
    },
    ("garcia-boronat-2021", f"{_UNION_WORDS}: opacity vs none"): _Task(
        # a run on the target alone has the same hidden test, and stands in where there is no run on a union
        targets=(_UNION, Target(
            dataset=_SIIM, label_scheme="siim_opacity", differs=("trained on a union with another data set there",),
        )),
        total=26_232, input_px=299,
    ),
    ("garcia-boronat-2021", f"{_UNION_WORDS}: opacity vs none, validation"): _Task(
        targets=(replace(_UNION, split="validation"),), total=26_232, input_px=299,
    ),
    ("silva-cuevas-2024", "seven lesion types"): _Task(
        # 40 % of 6,705 nevi
        targets=(Target(dataset="ham10000", label_scheme="ham_seven", share=(_HAM_NAMES["nv"], 2682 / 5992)),),
        total=5992, input_px=224,
    ),
    ("tang-2020", "normal vs abnormal"): _Task(
        targets=(Target(dataset=_NIH, label_scheme="nih_any", differs=(_RADIOLOGISTS, _MADE)),),
    ),
    ("medmnist-v2", "pneumonia vs normal"): _medmnist("pneumoniamnist", Target(
        dataset="chest_xray", label_scheme="pneumonia",
        differs=("pictures cropped to a square and scaled to 28 or 224 px there",),
        unless_official=("the official test pictures there are of another kind than the training pictures",),
    )),
    ("medmnist-v2", "seven lesion types"): _medmnist("dermamnist", Target(
        dataset="ham10000", label_scheme="ham_seven",
        differs=("images drawn at random (a lesion may stand in training and test) there",),
        share=(_HAM_NAMES["nv"], 6705 / 10015),
    )),
})  # fmt: skip

_OWN_METRICS = ("auc", "accuracy", "sensitivity", "specificity", "ppv", "npv", "f1")
_PER_CLASS = MappingProxyType({"precision": "ppv", "recall": "sensitivity", "f1": "f1"})
_NO_METRIC = MappingProxyType({
    "params_total": "a number of parameters: a size, not how well a network does",
    "loss": "a training loss: it depends on how the loss was put together",
    "threshold": "a cut that was chosen, not how well a network does",
})  # fmt: skip

_AT_CUTS = "class thresholds"  # in the name of a model: each class against the rest, at a cut of its own
_NO_CUT = "each class against the rest at a cut of its own there, the most probable class here"


@cache
def published_figures() -> tuple[PublishedFigure, ...]:
    """Every figure of published.csv, in its order. Raises SpecInvalid for a row that says something unknown."""
    with FACTS.open(encoding="utf-8", newline="") as file:
        figures = tuple(_figure(row) for row in csv.DictReader(file))
    by_key(*figures)  # no figure stands twice
    return figures


def published_source(key: str) -> PublishedSource:
    """The source `key`. Raises UnknownKey."""
    return get(SOURCES, key, "published source", "core/registry/published.py")


def _figure(row: Mapping[str, str]) -> PublishedFigure:
    published_source(row["source"])
    key = "/".join(row[name] for name in ("source", "dataset", "task", "model", "metric", "evaluated_on"))
    figure = PublishedFigure(
        key=key, source=row["source"], dataset_words=row["dataset"], task_words=row["task"], model=row["model"],
        metric_words=row["metric"], value=float(row["value"]), evaluated_on=row["evaluated_on"],
        n_images=int(row["n_images"]) if row["n_images"] else None, note=row["note"],
    )  # fmt: skip
    kind, _, of_class = figure.metric_words.partition("_")
    reason = _NO_METRIC.get(figure.metric_words) or _NO_METRIC.get(kind) or ""
    task = _TASKS.get((figure.source, _task_of(figure)))
    if reason:
        cut_of = _of_class(task.targets, of_class) if task is not None and kind == "threshold" else ()
        return replace(figure, reason=reason, cut_of=cut_of)
    if task is None:
        raise SpecInvalid(f"{key}: no task of that name; add it to core/registry/published.py.")
    if figure.metric_words in _OWN_METRICS:
        metric, targets = figure.metric_words, task.targets
    elif kind in _PER_CLASS:
        metric = _PER_CLASS[kind]
        targets = _of_class(task.targets, of_class)
        if _AT_CUTS in figure.model:
            at_cuts = (replace(target, metric=metric + AT_CUT) for target in targets)
            targets = (*at_cuts, *(replace(target, differs=(*target.differs, _NO_CUT)) for target in targets))
    else:
        raise SpecInvalid(f"{key}: the metric {figure.metric_words!r} is not known; add it there, or a reason.")
    differs = _more_differences(figure)
    targets = tuple(replace(target, differs=(*target.differs, *differs)) for target in targets)
    return replace(figure, metric=metric, targets=targets, total_images=task.total, input_px=task.input_px)


def _task_of(figure: PublishedFigure) -> str:
    """The key of a row's task: its own words, with the data sets before them where it is of a union."""
    if not figure.dataset_words.startswith(_UNION_WORDS):
        return figure.task_words
    part = ", validation" if figure.evaluated_on == _UNION_VALIDATION else ""
    return f"{_UNION_WORDS}: {figure.task_words}{part}"


def _of_class(targets: tuple[Target, ...], words: str) -> tuple[Target, ...]:
    return tuple(replace(target, class_name=_class_of(target, words)) for target in targets)


def _class_of(target: Target, words: str) -> str:
    """A class of ours by the source's word for it: "class1" is the finding, "mel" the raw label."""
    if words in ("class0", "class1"):
        return LABEL_SCHEMES[target.label_scheme].class_names[int(words[-1])]
    return _HAM_NAMES[words]


def _more_differences(figure: PublishedFigure) -> tuple[str, ...]:
    """What the row itself says that no run of ours shares."""
    found = []
    if figure.note == "weighted score":
        found.append("a score weighted over the classes there, the share of right decisions here")
    return tuple(found)
