"""External validation: a shipped model on any labelled data set, with the estimates of a run.

Says how many of the images the model has seen in training: a number on those is no validation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.data.batches import decoded_batches
from core.data.labelling import apply_scheme
from core.data.load import folder_of, load_table
from core.data.thin import taken_out
from core.errors import DatasetInvalid
from core.evaluation.intervals import unit_of
from core.evaluation.report import evaluate
from core.evaluation.sums import as_question, summed, summed_scores
from core.store.codec import encode
from core.store.models import load_card, model_folder
from core.training.progress import Report, silent
from core.training.seen import seen_in, short
from core.training.shipped import chosen_rows, meeting_scheme, trained_options
from core.training.stored_scores import stored_scores
from core.types import Evaluation, ModelCard, Predictions

NOTICE = "Research and teaching only: not a medical device, not a diagnosis."


@dataclass(frozen=True, slots=True, eq=False)
class ExternalResult:
    """A model's evaluation on a data set, and what a reader must know to believe it."""

    card: ModelCard
    dataset: str
    split: str
    evaluation: Evaluation
    n_seen: int
    refused: tuple[str, ...]
    dropped: Mapping[str, int]
    sums: Mapping[str, Evaluation] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """Sentences that must stand beside the numbers."""
        lines = []
        if self.n_seen:
            lines.append(
                f"{self.n_seen} of {self.evaluation.n_images} images were used to train or tune this model: "
                "these numbers are no validation. Use --split test, or other data."
            )
        if self.evaluation.n_images < 100:
            lines.append(f"Only {self.evaluation.n_images} images: the intervals are wide for a reason.")
        return lines

    def document(self) -> dict[str, object]:
        """Everything as plain JSON values."""
        document = encode(self.evaluation)
        document.update(
            model=self.card.name, dataset=self.dataset, split=self.split, n_seen_in_training=self.n_seen,
            warnings=self.warnings(), refused=list(self.refused), dropped=dict(self.dropped), notice=NOTICE,
            sums={name: encode(one) for name, one in self.sums.items()},
        )  # fmt: skip
        return dict(document)

    def lines(self) -> list[str]:
        """The estimates in words, one a line."""
        found = self.evaluation
        lines = [
            f"{self.card.name} on {self.dataset} ({self.split}): {found.n_images} images of {found.n_groups} groups"
        ]
        lines += _estimate_lines(found)
        for one in self.card.sums:
            lines.append(f"{one.name} ({' + '.join(one.classes)}), at its cut of {one.threshold.values[one.name]:.3f}")
            lines += _estimate_lines(self.sums[one.name])
        return [*lines, *self.warnings(), NOTICE]


def _estimate_lines(found: Evaluation) -> list[str]:
    lines = []
    for e in found.estimates:
        value = "not defined" if e.value is None else f"{e.value:.3f}"
        interval = "" if e.low is None else f"  ({e.low:.3f}–{e.high:.3f}, {e.method})"
        lines.append(f"  {e.metric:<20}{e.class_name or 'overall':<24}{value}{interval}")
    return lines


def evaluate_model(
    name: str,
    dataset: str,
    root: Path | None,
    *,
    split: str = "test",
    label_map: Sequence[str] = (),
    question: str | None = None,
    skip_bad: bool = False,
    options: Mapping[str, int | float | str] | None = None,
    scores: Path | None = None,
    report: Report = silent,
) -> ExternalResult:
    """Score models/<name> on the data set under `root`.

    Args:
        split: "test" is the source's own test part, or, on the data set that the model was trained on, the
            test part of its run; "all" is every labelled image.
        label_map: "RAW=CLASS" entries, for raw labels that are named otherwise than the model's classes.
        question: one of the card's sums of classes, to be judged alone: for data that know no more than its two sides.
        scores: a file of `python -m core score`, used in place of the network, which is then not loaded.
    Raises: DatasetInvalid; SpecInvalid when labels and classes do not meet, or there is no test part; with `scores`
        what `core.training.stored_scores` raises.
    """
    own = load_card(name)
    card = own if question is None else as_question(own, question)
    report("reading the data set", 0, 1)
    table = load_table(
        dataset, root, policy="skip" if skip_bad else "stop", options=options or _options(card, dataset, split)
    )
    labelled = apply_scheme(table, meeting_scheme(card, table.spec, label_map))
    rows = chosen_rows(card, labelled, split)
    frame, refused = labelled.rows.iloc[rows], table.refused
    seen = seen_in(model_folder(name))
    if scores is None:
        prob = _scores(name, frame["path"].astype(str).tolist(), report)
    else:
        folder = None if table.spec.synthetic else root or folder_of(table.spec)
        kept, prob, unscored = stored_scores(scores, own, frame, folder, skip_bad=skip_bad)
        rows, frame, refused = rows[kept], frame.iloc[kept], refused + unscored
    if question is not None:
        inside = next(one.classes for one in own.sums if one.name == question)
        prob = summed_scores(prob, own.class_names, inside)
    predictions = Predictions(
        run_id=name,
        split=split,
        task=card.task,
        class_names=card.class_names,
        positive_class=card.positive_class,
        image_ids=frame["image_id"].to_numpy(dtype=str),
        groups=frame["group"].to_numpy(dtype=str),
        y_true=labelled.y_true[rows],
        y_prob=prob,
    )
    report("computing intervals", 0, 1)
    unit = unit_of(table.spec.group_field)
    return ExternalResult(
        card=card,
        dataset=dataset,
        split=split,
        evaluation=evaluate(predictions, card.threshold, unit=unit),
        n_seen=int(sum(short(content) in seen for content in frame["content_hash"])),
        refused=refused,
        dropped=labelled.dropped,
        sums={
            one.name: evaluate(summed(predictions, one.name, one.classes), one.threshold, unit=unit)
            for one in card.sums
        },
    )


def _options(card: ModelCard, dataset: str, split: str) -> Mapping[str, int | float | str]:
    """Those of the model's own run; "all" are all images, whether the run thinned them out or not."""
    options = trained_options(card, dataset)
    return taken_out(options)[0] if split == "all" else options


def _scores(name: str, image_paths: list[str], report: Report) -> np.ndarray:
    """Calibrated scores (n, C) of images, decoded ahead of the network."""
    from core.nn.serving import Predictor

    if not image_paths:
        raise DatasetInvalid("There is no labelled image to score. Look at `python -m core data check`.")
    predictor = Predictor.load(name)
    scores: list[np.ndarray] = []
    done = 0
    for batch in decoded_batches(image_paths, predictor.card.preprocess):
        scores.append(predictor.probabilities(batch))
        done += len(batch)
        report("scoring", done, len(image_paths))
    return np.concatenate(scores)
