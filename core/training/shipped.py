"""A shipped model meets a data set: how it is read, which label is which class, and which rows are the test part."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.errors import SpecInvalid, StoreError
from core.registry.labels import label_scheme
from core.store.runs import load_record
from core.training.prepared import divided, reader_options
from core.types import DatasetSpec, LabelledSet, LabelScheme, ModelCard


def trained_options(card: ModelCard, dataset: str) -> Mapping[str, int | float | str]:
    """The options of the model's own run, where the data set is the one that it was trained on.

    Thinned out where the run was: the test part is drawn from the rows that it kept.
    """
    if dataset != card.training_dataset:
        return {}
    try:
        return reader_options(load_record(card.run_id).spec)
    except StoreError:
        return {}


def meeting_scheme(card: ModelCard, spec: DatasetSpec, label_map: Sequence[str]) -> LabelScheme:
    """As `matching_scheme`, where there has to be one. Raises SpecInvalid when no scheme gives every class."""
    scheme = matching_scheme(card, spec, label_map)
    if scheme is None:
        raise SpecInvalid(
            f"The labels of {spec.title} ({', '.join(spec.class_names)}) are not the classes of {card.name} "
            f"({', '.join(card.class_names)}). Say which is which: --map 'RAW=CLASS', once per label."
        )
    return scheme


def matching_scheme(card: ModelCard, spec: DatasetSpec, label_map: Sequence[str]) -> LabelScheme | None:
    """The label scheme that turns a data set's raw labels into the model's classes, or None.

    In this order: the explicit map; a scheme of the data set with the same classes; raw labels that are the
    class names in upper or lower case. Raises SpecInvalid when the map names what is not there.
    """
    if label_map:
        return _mapped_scheme(card, spec, label_map)
    for key in spec.label_schemes:
        scheme = label_scheme(key, spec)
        if scheme.class_names == card.class_names:
            return scheme
    by_name = {name.casefold(): name for name in card.class_names}
    mapping = {raw: by_name.get(raw.casefold()) for raw in spec.class_names}
    return None if set(card.class_names) - set(mapping.values()) else _scheme(card, mapping)


def _mapped_scheme(card: ModelCard, spec: DatasetSpec, label_map: Sequence[str]) -> LabelScheme:
    mapping: dict[str, str | None] = dict.fromkeys(spec.class_names)
    for entry in label_map:
        raw, separator, name = entry.partition("=")
        if not separator or raw not in mapping or name not in card.class_names:
            raise SpecInvalid(
                f"--map {entry!r}: expected RAW=CLASS with RAW one of {', '.join(spec.class_names)} "
                f"and CLASS one of {', '.join(card.class_names)}."
            )
        mapping[raw] = name
    return _scheme(card, mapping)


def _scheme(card: ModelCard, mapping: Mapping[str, str | None]) -> LabelScheme:
    return LabelScheme(
        key=f"as_{card.name}", title=f"Classes of {card.name}", task=card.task, class_names=card.class_names,
        positive_class=card.positive_class, mapping=mapping, source="names given or matched",
    )  # fmt: skip


def chosen_rows(card: ModelCard, labelled: LabelledSet, split: str) -> np.ndarray:
    """Positions (m,) of the rows that `split` means: "all", or "test".

    The test part is the source's own, or, on the data set that the model was trained on, that of its run.
    Raises: SpecInvalid when there is no test part, or its run cannot be read.
    """
    table = labelled.table
    if split == "all":
        return np.arange(len(labelled))
    official = np.flatnonzero((labelled.rows["split"] == "test").to_numpy())
    if len(official):
        return official
    if table.spec.key != card.training_dataset:
        raise SpecInvalid(
            f"{table.spec.title} has no test part here, and {card.name} was not trained on it: use --split all."
        )
    try:
        spec = load_record(card.run_id).spec
    except StoreError as error:
        raise SpecInvalid(f"The run of {card.name} cannot be read, so its test part is not known: {error}") from error
    parts = divided(labelled, spec)
    test = set(parts.rows["image_id"].iloc[parts.indices("test")])
    return np.flatnonzero(labelled.rows["image_id"].isin(test).to_numpy())
