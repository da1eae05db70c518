"""Results that visitors bring along: a CSV of scores made a stored run that joins every comparison.

No network is involved and nothing is trained: the scores are checked against the images of a stored run on the same
data, or of the data themselves, and evaluated as a run's own are.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from core.errors import DatasetInvalid, RunFinished, SpecInvalid, StoreError, UnknownKey
from core.evaluation.intervals import unit_of
from core.evaluation.report import evaluate, evaluate_run
from core.evaluation.thresholds import DEFAULT_RULE, choose_threshold
from core.language import t
from core.registry.datasets import dataset_spec
from core.registry.labels import AS_IS, label_scheme
from core.registry.medmnist import MEDMNIST, MedMnistSet, medmnist_set, set_of_file
from core.store.codec import SCHEMA_VERSION, run_id_of
from core.store.imported import ImportedScores, KnownImages, ids_in, read_scores
from core.store.leaderboard import write_leaderboard
from core.store.runs import is_finished, list_runs, load_predictions, save_run, verify_run
from core.types import ClassCounts, Evaluation, LabelScheme, Predictions, RunRecord, RunSpec

NOTHING = "none"  # in place of a run: the images are taken as they come
IMPORTED = "imported"
FIXED_RULE = "fixed:0.5"  # without validation scores no cut can be chosen
MAX_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the file cannot say.

    `name`: what the network is called. `against`: a stored run whose images the scores must be of, "none", or "" to
    look for one. `medmnist`: which of its sets, where the data set is "medmnist" and the file's name does not say it.
    """

    dataset: str
    scheme: str
    name: str
    against: str = ""
    medmnist: str = ""


def import_scores(
    data: bytes, file_name: str, stated: Stated, *, validation: bytes | None = None, folder: Path | None = None
) -> RunRecord:
    """Check the scores and store them as a run; the same scores under the same name are the same run.

    Args:
        data: the CSV of the test part; it may hold validation rows too (a column `split`).
        file_name: as the reader calls it, for messages and the record; no path of it is kept.
        validation: a CSV of validation scores, from which the threshold is then chosen; else it is 0.5.
        folder: the results folder; the project's own where None.
    Raises: ScoresRefused with rows; SpecInvalid for answers that make no sense; RunFinished when it is stored already.
    """
    file_name = PurePosixPath(file_name.replace("\\", "/")).name
    name = " ".join(stated.name.split())
    if not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        raise SpecInvalid(t("The network needs a name of 1 to {most} letters.", most=MAX_NAME_LENGTH))
    scheme, of = _scheme_of(stated, file_name)
    reference = _reference(stated, data, of, folder)
    known = _known(reference, folder) if reference else _known_of_data(of, file_name, scheme, stated)
    scores = read_scores(data, scheme, file_name, medmnist=of, known=known)
    parts = dict(scores.parts)
    if validation is not None:
        more = read_scores(validation, scheme, file_name, split="validation", medmnist=of, known=known)
        parts["validation"] = more.parts["validation"]
    spec = _spec(stated, name, data, validation, reference, of, tuned="validation" in parts)
    record = _record(spec, scheme, parts, scores, reference, file_name)
    if is_finished(record.run_id, folder):
        raise RunFinished(t("These scores are stored already, under {run}.", run=record.run_id))
    own = [replace(part, run_id=record.run_id) for part in parts.values()]
    save_run(record, own, folder=folder)
    write_leaderboard(folder)
    return verify_run(record.run_id, folder)


def _scheme_of(stated: Stated, file_name: str) -> tuple[LabelScheme, MedMnistSet | None]:
    spec = dataset_spec(stated.dataset)
    if stated.dataset != "medmnist":
        if stated.scheme not in spec.label_schemes:
            label_scheme(stated.scheme, spec)
            raise SpecInvalid(
                t("The task {task} is not of {dataset}; it has {known}.", task=stated.scheme, dataset=spec.title,
                  known=", ".join(spec.label_schemes))
            )  # fmt: skip
        return label_scheme(stated.scheme), None
    named = stated.medmnist or medmnist_of_name(file_name)
    if not named:
        raise SpecInvalid(t("Which MedMNIST set is it? Known: {known}.", known=", ".join(MEDMNIST)))
    of = medmnist_set(set_of_file(named)[0])
    own = replace(spec, class_names=of.class_names, title=of.title)
    key = stated.scheme if stated.scheme in of.label_schemes else of.label_schemes[0]
    if of.task == "multilabel" and key != AS_IS:
        key = "nih_findings"  # the evaluator scores every finding, whatever other questions the labels can answer
    return label_scheme(key, own), of


def medmnist_of_name(file_name: str) -> str:
    """The archive that MedMNIST's evaluator names a file after ("breastmnist_64"), or ""."""
    words = file_name.split("_")
    for known in ("_".join(words[:2]), words[0]):
        try:
            set_of_file(known)
        except UnknownKey:
            continue
        return known
    return ""


def _reference(stated: Stated, data: bytes, of: MedMnistSet | None, folder: Path | None) -> RunRecord | None:
    """The stored run whose images the scores are of: the one named, else the one that shares most images."""
    if stated.against == NOTHING:
        return None
    rivals = references(stated.dataset, stated.scheme, list_runs(folder).done)
    if stated.against:
        found = next((r for r in rivals if r.run_id == stated.against), None)
        if found is None:
            raise SpecInvalid(t("{run} is no finished run on this data set and task.", run=stated.against))
        return found
    if of is not None:
        rivals = [r for r in rivals if str(r.spec.dataset_options.get("name", "")).startswith(of.key)]
    ids = set(ids_in(data))
    if not ids:
        return rivals[0] if rivals else None
    shared = [len(ids & set(map(str, load_predictions(r.run_id, "test", folder).image_ids))) for r in rivals]
    return rivals[shared.index(max(shared))] if shared else None


def references(dataset: str, scheme: str, done: Iterable[RunRecord]) -> list[RunRecord]:
    """Of finished runs those that scores can be held against: one for each set of test images, the newest first."""
    found: dict[object, RunRecord] = {}
    for record in done:
        spec = record.spec
        if (spec.dataset, spec.label_scheme) != (dataset, scheme) or spec.strategy == IMPORTED:
            continue
        kind = record.audit.split_kind if record.audit is not None else spec.split
        found.setdefault((record.dataset_fingerprint, kind, spec.split_seed, spec.fold), record)
    return sorted(found.values(), key=lambda record: record.created_utc, reverse=True)


def _known(reference: RunRecord, folder: Path | None) -> dict[str, KnownImages]:
    known = {}
    for split in ("validation", "test"):
        try:
            part = load_predictions(reference.run_id, split, folder)
        except StoreError:
            continue
        known[split] = KnownImages(
            source=reference.run_id, image_ids=part.image_ids, groups=part.groups, y_true=part.y_true
        )
    return known


def _known_of_data(
    of: MedMnistSet | None, file_name: str, scheme: LabelScheme, stated: Stated
) -> Mapping[str, KnownImages]:
    """The official parts of a MedMNIST archive that lies in the data folder: its scores come without truth."""
    if of is None or stated.against == NOTHING:
        return {}
    from core.data.labelling import apply_scheme
    from core.data.load import load_table

    archive = stated.medmnist or medmnist_of_name(file_name) or of.key
    try:
        labelled = apply_scheme(load_table("medmnist", options={"name": archive}), scheme, min_per_class=1)
    except DatasetInvalid:
        return {}
    found = {}
    for split in ("validation", "test"):
        at = (labelled.rows["split"] == split).to_numpy()
        rows = labelled.rows[at]
        found[split] = KnownImages(
            source=of.title, image_ids=rows["image_id"].to_numpy(dtype=str),
            groups=rows["group"].to_numpy(dtype=str), y_true=labelled.y_true[at],
        )  # fmt: skip
    return found


def _spec(
    stated: Stated, name: str, data: bytes, validation: bytes | None, reference: RunRecord | None,
    of: MedMnistSet | None, *, tuned: bool,
) -> RunSpec:  # fmt: skip
    like = reference.spec if reference is not None else None
    options = dict(like.dataset_options) if like is not None else {"name": of.key} if of is not None else {}
    return RunSpec(
        dataset=stated.dataset, label_scheme=stated.scheme, architecture=name, head=IMPORTED, strategy="imported",
        weights="none", dataset_options=options,
        split=like.split if like is not None else "official" if of is not None else "auto",
        split_seed=like.split_seed if like is not None else 0, fold=like.fold if like is not None else None,
        threshold_rule=DEFAULT_RULE if tuned else FIXED_RULE,
        imported_sha256=hashlib.sha256(data + b"\0" + (validation or b"")).hexdigest(),
    )  # fmt: skip


def _record(
    spec: RunSpec, scheme: LabelScheme, parts: Mapping[str, Predictions], scores: ImportedScores,
    reference: RunRecord | None, file_name: str,
) -> RunRecord:  # fmt: skip
    unit = unit_of(reference.audit.group_field) if reference is not None and reference.audit is not None else "groups"
    return RunRecord(
        schema_version=SCHEMA_VERSION, run_id=run_id_of(spec), spec=spec, status="done",
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"), class_names=scheme.class_names, task=scheme.task,
        evaluations=_evaluations(parts, spec.threshold_rule, unit),
        counts=tuple(_counts(parts[split]) for split in ("validation", "test") if split in parts),
        audit=reference.audit if reference is not None else None,
        dataset_fingerprint=reference.dataset_fingerprint if reference is not None else "",
        chosen_settings={
            "origin": IMPORTED, "file": file_name, "rows_rescaled": scores.n_rescaled,
            "checked_against": reference.run_id if reference is not None else NOTHING,
        },
    )  # fmt: skip


def _evaluations(parts: Mapping[str, Predictions], rule: str, unit: str) -> tuple[Evaluation, ...]:
    if "validation" in parts:
        return evaluate_run(parts["validation"], parts["test"], rule, unit=unit)
    return (evaluate(parts["test"], choose_threshold(parts["test"], rule), unit=unit),)


def _counts(part: Predictions) -> ClassCounts:
    images = {name: int(part.truth_of(i).sum()) for i, name in enumerate(part.class_names)}
    return ClassCounts(split=part.split, n_images=len(part), n_groups=part.n_groups, images_per_class=images)


def template(dataset: str, scheme: str, *, known: Sequence[str] = ()) -> str:
    """The first lines of a file in the form with a header, with even probabilities: to be filled in."""
    found = label_scheme(scheme, dataset_spec(dataset))
    share = f"{1 / len(found.class_names):.6g}"
    multilabel = found.task == "multilabel"
    truth = [f"y_{name}" for name in found.class_names] if multilabel else ["y_true"]
    lines = [",".join(["image_id", *truth, *(f"p_{name}" for name in found.class_names)])]
    for image in known or ("first-image", "second-image"):
        zeros = ["0"] * len(truth)
        lines.append(",".join([image, *zeros, *([share] * len(found.class_names))]))
    return "\n".join(lines) + "\n"
