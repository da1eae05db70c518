"""Words that reach `t` as values, from catalogues and constants: each that a page shows has its Spanish."""

from core.data import dicom_tables
from core.data.contrast import CONTRASTS
from core.data.dicom_tables import BODY_PARTS
from core.data.frames import AXES
from core.evaluation.triage import CALLED, NOT_CALLED
from core.figures import doubts, localisation, names, representativeness, text, triage
from core.language import catalogue
from core.nn import foreign
from core.nn.inspect_container import INSIDE, OTHERS
from core.registry.architectures import ARCHITECTURES
from core.registry.augmentations import AUGMENTATIONS
from core.registry.datasets import DATASETS
from core.registry.gaps import METRICS as GAP_METRICS
from core.registry.heads import HEADS
from core.registry.labels import LABEL_SCHEMES
from core.registry.medmnist import MEDMNIST
from core.registry.metrics import METRICS
from core.registry.pixels import RANGES
from core.registry.published import SOURCES, published_figures
from core.registry.published_types import VERDICTS
from core.registry.reading import SPREADS
from core.store import decoding
from core.store.models import list_models
from core.types import ModelCard
from pages.ui import changes, frames, live_controls, live_snapshot, methods, tours, triage_list, triage_room
from pages.ui.models import OUTPUTS

STATUSES = ("done", "interrupted", "imported", "failed", "running")
STAGES = ("features", "images", "data", "training", "evaluation", "scoring")  # of a stored run's seconds
PARTS = ("train", "validation", "test", "official", "group")


def of_datasets():
    for spec in DATASETS.values():
        yield from (spec.title, spec.modality, *spec.caveats, spec.licence, spec.group_field, spec.manual_download)
        word = text.group_word(spec.group_field)
        yield from (word, text.plural(2, word).removeprefix("2 "))
        yield doubts.seen_kind(a_card(spec.key))


def a_card(dataset):
    card = object.__new__(ModelCard)
    object.__setattr__(card, "training_dataset", dataset)
    return card


def of_tasks():
    for scheme in LABEL_SCHEMES.values():
        yield from (scheme.title, scheme.task, scheme.source, *scheme.class_names, *scheme.sums)
    for one in MEDMNIST.values():
        yield from (*one.class_names, one.modality, *one.caveats)


def of_networks():
    for spec in (*ARCHITECTURES.values(), *HEADS.values()):
        yield from (spec.title, spec.source)
    yield from (spec.licence for spec in ARCHITECTURES.values())
    for preset in AUGMENTATIONS.values():
        yield from (preset.title, preset.source)
    for metric in METRICS.values():
        yield from (metric.title, metric.meaning)
    yield from ("sensitivity", "specificity", "accuracy", "auc", "loss")
    for card in list_models().cards:
        yield from (*card.title.split(": "), *card.limits, card.intended_use)
        if card.ood is not None:
            yield card.ood.method


def of_published():
    for source in SOURCES.values():
        yield from (source.split, source.citation)
    yield from VERDICTS
    for figure in published_figures():
        yield from (figure.task_words, figure.model, figure.evaluated_on, figure.dataset_words, figure.note)
        yield figure.reason
        if not figure.metric:
            yield figure.metric_words.replace("_", " ")
        for target in figure.targets:
            yield from (*target.differs, *target.unless_official)


def of_constants():
    yield from (live_controls.TOP, *(part.capitalize() for part in BODY_PARTS), "visit")
    yield from (text.NOT_A_DIAGNOSIS, doubts.TOO_CLOSE, localisation.UNMEASURED, live_snapshot.FILMED)
    yield from (*text.SPLIT_KINDS.values(), *names.STRATEGIES.values(), *PARTS, *STATUSES, *GAP_METRICS)
    yield from (*triage.GROUP_WORDS.values(), *triage.ORDER_WORDS.values(), *map(triage.SPREAD_WORDS.get, SPREADS))
    yield from (*triage_list.FLAG_WORDS.values(), CALLED, NOT_CALLED, *triage_room.NOT_SAID)
    yield from (*frames.MODALITIES.values(), *map(changes.CONTRAST_WORDS.get, CONTRASTS))
    for axis in AXES:
        yield from (axis.capitalize(), f"{axis.capitalize()} slice")
    yield from (*methods.SECTIONS, *methods.SECTIONS.values(), methods.LIMITS)
    yield from (*representativeness.MEANING, *representativeness.MEANING.values())
    yield from (word for step in representativeness.STEPS.values() for word in step)
    yield from (*RANGES.values(), *OUTPUTS.values(), *STAGES)
    yield from ("Training images", "Validation", "Hidden test")


def of_refusals():
    yield from (*dicom_tables.KINDS.values(), *(kind for _, kind in (*OTHERS, *INSIDE)), *foreign.WORDS.values())
    yield from (name for name, _ in dicom_tables.DECODERS.values() if name[0].islower())
    yield from ("Frame", "frame", "Volume", "volume", *(f"{axis} slice" for axis in AXES), "run id", "model name")
    yield from ("data set", "label scheme", "architecture", "head", "metric", "explanation", "augmentation")
    yield from (*decoding._PLAIN.values(), "a list", "an object", "none", "split", "task", "class_names")
    yield from (what for what, _ in tours.CHECKS.values())


def shown_words():
    found = (*of_refusals(), *of_datasets(), *of_tasks(), *of_networks(), *of_published(), *of_constants())
    return [word for word in dict.fromkeys(found) if word]


def test_every_word_of_a_catalogue_that_a_page_shows_has_its_spanish():
    missing = [word for word in shown_words() if word not in catalogue("es")]
    assert not missing, "\n".join(map(repr, missing))
