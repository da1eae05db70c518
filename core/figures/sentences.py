"""A prediction, a model card and a heat map in plain words; what the Predict page says stands here.

The sentences carry numbers as the card stores them; the decision itself comes from the caller.
"""

from collections.abc import Sequence

from core.figures.names import architecture_title, dataset_title, head_title
from core.figures.text import GAP, counted, estimate_text, listing, percent, size
from core.registry.datasets import DATASETS
from core.types import Calibration, Estimate, Heatmap, ModelCard, SumAnswer, Threshold

NO_CHANGE = 0.005  # a temperature that reads 1.00
CARD_METRICS = ("auc", "sensitivity", "specificity")


def rule_words(threshold: Threshold) -> str:
    """How a cut was chosen: "chosen on validation images for the largest sum of sensitivity and specificity"."""
    rule, *by_hand = threshold.rule.split(";")
    name, _, amount = rule.partition(":")
    set_cuts = [f"{of_class.strip()} at {cut.strip()}" for of_class, _, cut in (p.rpartition("=") for p in by_hand)]
    but = f"; set by hand: {listing(set_cuts)}" if set_cuts else ""
    goals = {
        "youden": "the largest sum of sensitivity and specificity",
        "f1": "the largest F1",
        "sensitivity": f"a sensitivity of at least {amount}",
        "specificity": f"a specificity of at least {amount}",
        "cost": f"a missed finding that costs as much as {amount} false alarms",
    }
    if name == "not chosen":
        return "not chosen on any data; 0.5 stands in for it"
    if name == "fixed":
        return f"fixed beforehand, on no data{but}"
    return f"chosen on {threshold.chosen_on} images for {goals.get(name, rule)}{but}"


def shown_class(card: ModelCard, probabilities: Sequence[float]) -> str:
    """The class that the page shows first: the positive one, or the most probable."""
    if card.task == "binary":
        return str(card.positive_class)
    return card.class_names[max(range(len(probabilities)), key=lambda i: probabilities[i])]


def verdict_sentence(card: ModelCard, probabilities: Sequence[float], called: Sequence[str]) -> str:
    """What the network gives, where its cut lies, and what it therefore calls the picture (Markdown).

    Args:
        probabilities: (C) calibrated, in the card's class order.
        called: the classes decided for (`core.evaluation.decision`), none or several for multilabel.
    """
    given = dict(zip(card.class_names, probabilities, strict=True))
    if card.task == "binary":
        positive = str(card.positive_class)
        cut = card.threshold.values[positive]
        side = "above" if given[positive] >= cut else "below"
        shown, limit = percent(given[positive]), percent(cut)
        if shown == limit:  # rounding must not make "41 % is below 41 %"
            shown, limit = f"{100 * given[positive]:.1f}{GAP}%", f"{100 * cut:.1f}{GAP}%"
        return (
            f"The network gives **{positive} {shown}**. That is {side} its cut of {limit}, "
            f"so it calls this picture **{called[0]}**."
        )
    if card.task == "multilabel":
        if not called:
            return f"None of the {len(given)} findings reaches its cut; the network calls none of them."
        return f"At its cuts the network calls **{listing([f'{name} ({percent(given[name])})' for name in called])}**."
    ranked = sorted(given, key=lambda name: given[name], reverse=True)
    return (
        f"The network gives **{called[0]} {percent(given[called[0]])}**, more than to any other of its "
        f"{len(ranked)} answers; next is {ranked[1]} with {percent(given[ranked[1]])}."
    )


def sum_sentence(answer: SumAnswer, classes: Sequence[str]) -> str:
    """What several classes give together, and on which side of its cut that lies (Markdown)."""
    side = "at or above" if answer.called else "below"
    shown, limit = percent(answer.probability), percent(answer.cut)
    if shown == limit:  # rounding must not make "41 % is below 41 %"
        shown, limit = f"{100 * answer.probability:.1f}{GAP}%", f"{100 * answer.cut:.1f}{GAP}%"
    return f"**{answer.name} {shown}** ({listing(list(classes))} together): {side} its cut of {limit}."


def domain_sentence(card: ModelCard) -> str:
    """That the network answers for any picture, whatever it shows."""
    spec = DATASETS.get(card.training_dataset)
    kind = f" ({spec.modality})" if spec is not None else ""
    gate = "" if card.ood is None else " The gate notices most pictures of other kinds, not all of them."
    return (
        f"The network has no way to know whether a picture is of the kind it was trained on{kind}: it gives one of its "
        f"{len(card.class_names)} answers for any picture, and its numbers hold only for pictures like those.{gate}"
    )


def decision_words(card: ModelCard) -> str:
    """How scores become an answer: by a cut, or by the most probable class."""
    if card.task == "multiclass":
        return "Its answers exclude each other, so the most probable one counts and there is no cut."
    return f"The cut was {rule_words(card.threshold)}."


def mismatch_sentence(card: ModelCard, *, synthetic: bool) -> str:
    """What is wrong with this pair of picture and model, or "" where nothing is known to be."""
    if card.source_file:  # brought along: nobody has said what it was trained on
        return ""
    if synthetic and not card.synthetic:
        return "This is a drawn phantom, and the network was trained on real images: its answer means nothing here."
    if card.synthetic and not synthetic:
        return (
            "This network was trained on drawn phantoms only. On a real image its answer means nothing; "
            "it shows how the program works."
        )
    return ""


def card_headline(card: ModelCard) -> str:
    """ "Tells Normal from Pneumonia. Trained on Chest X-ray pneumonia (Kermany): 3,120 images of 1,800 patients."."""
    if card.task == "multilabel":
        does = f"Looks for {len(card.class_names)} findings."
    elif card.task == "binary":
        does = f"Tells {card.class_names[0]} from {card.class_names[1]}."
    else:
        does = f"Tells apart {listing(card.class_names)}."
    if card.source_file:
        return f"{does} Brought along by a user; its training data are not stated, and nobody has measured it here."
    counts = counted(card.n_train_images, card.n_train_groups, group_field(card))
    return f"{does} Trained on {dataset_title(card.training_dataset)}: {counts}."


def card_estimates(card: ModelCard) -> list[str]:
    """How good it is, a line each: AUC, and sensitivity and specificity at its cut."""
    lines = []
    for metric in CARD_METRICS:
        found = first_overall(card.estimates, metric)
        if found is not None:
            lines.append(estimate_text(found, group_field(card)))
    for one in card.sums:
        for metric in CARD_METRICS:
            found = first_overall(one.estimates, metric)
            if found is not None:
                lines.append(f"{one.name}: {estimate_text(found, group_field(card))}")
    return lines


def first_overall(estimates: Sequence[Estimate], metric: str) -> Estimate | None:
    """The first estimate of `metric` over all classes."""
    return next((e for e in estimates if e.metric == metric and e.class_name is None), None)


def group_field(card: ModelCard) -> str:
    """What a group of the training data is ("patient")."""
    spec = DATASETS.get(card.training_dataset)
    return spec.group_field if spec is not None else "group"


def built_sentence(card: ModelCard) -> str:
    """What the network is made of, and how large the file is."""
    if card.source_file:
        return f"{architecture_title(card.architecture)}, {size(card.model_bytes)}; its scores are not calibrated."
    return (
        f"{architecture_title(card.architecture)} with {head_title(card.head)}, {size(card.model_bytes)}; "
        f"scores calibrated with temperature {card.temperature:.2f}."
    )


def engine_sentence(card: ModelCard) -> str:
    """What runs the network, how closely it agrees with Keras, or why it is not ONNX Runtime."""
    if card.engine_parity:
        return (
            f"{card.engine}; on its golden images it differs from Keras by at most "
            f"{card.engine_parity['probabilities']:.0e} in a probability and {card.engine_parity['maps']:.0e} in a map."
        )
    return f"{card.engine}. {card.engine_reason or 'It was exported without ONNX graphs; export it again for them.'}"


def map_sentence(heatmap: Heatmap) -> str:
    """What a heat map is made of, or that it is empty."""
    rows, columns = heatmap.grid
    if heatmap.is_empty:
        return (
            f"The map is empty: no part of the picture raises the score of {heatmap.class_name}. "
            "That is an answer, not a fault; look at another class."
        )
    return (
        f"{heatmap.method} for {heatmap.class_name}: {rows} x {columns} cells of the layer {heatmap.layer}, smoothed "
        "to the size of the picture. It shows what raised this score, not where a disease lies."
    )


def calibration_sentence(calibration: Calibration) -> str:
    """How far stated probabilities are from what came true, before and after the temperature (Markdown)."""
    text = (
        f"A perfectly calibrated network that says 80 % is right in 80 of 100 such images. Here the mean gap between "
        f"stated and seen is **{100 * calibration.error:.1f} percentage points** (calibration error, 10 bins)."
    )
    if calibration.temperature is None or calibration.error_after is None:
        return text
    if abs(calibration.temperature - 1) < NO_CHANGE:
        return f"{text}\n\nValidation asked for no correction: the fitted temperature is 1."
    direction = "too sure" if calibration.temperature > 1 else "not sure enough"
    return (
        f"{text}\n\nOn validation the scores were {direction}: divided by a temperature of "
        f"{calibration.temperature:.2f}, the gap on test becomes **{100 * calibration.error_after:.1f} points**."
    )
