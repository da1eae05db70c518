"""A prediction, a model card and a heat map in plain words; what the Predict page says stands here.

The sentences carry numbers as the card stores them; the decision itself comes from the caller.
"""

import re
from collections.abc import Sequence

from core.figures.explaining import unlayered_sentence
from core.figures.names import architecture_title, dataset_title, head_title
from core.figures.text import counted, estimate_text, finer_percents, listing, percent, size
from core.language import retold, t
from core.registry.datasets import DATASETS
from core.registry.views import ONE, views_of
from core.types import Calibration, Estimate, Heatmap, ModelCard, SumAnswer, Threshold

NO_CHANGE = 0.005  # a temperature that reads 1.00
_LICENCE = re.compile(r"Network: (?P<network>.+)\. Head: (?P<head>.+), trained on data under: (?P<data>.+)\.")
CARD_METRICS = ("auc", "sensitivity", "specificity")


def rule_words(threshold: Threshold) -> str:
    """How a cut was chosen: "chosen on validation images for the largest sum of sensitivity and specificity"."""
    rule, *by_hand = threshold.rule.split(";")
    name, _, amount = rule.partition(":")
    set_cuts = [
        t("{name} at {cut}", name=t(of_class.strip()), cut=cut.strip())
        for of_class, _, cut in (p.rpartition("=") for p in by_hand)
    ]
    but = t("; set by hand: {cuts}", cuts=listing(set_cuts)) if set_cuts else ""
    goals = {
        "youden": t("the largest sum of sensitivity and specificity"),
        "f1": t("the largest F1"),
        "sensitivity": t("a sensitivity of at least {amount}", amount=amount),
        "specificity": t("a specificity of at least {amount}", amount=amount),
        "cost": t("a missed finding that costs as much as {amount} false alarms", amount=amount),
    }
    if name == "not chosen":
        return t("not chosen on any data; 0.5 stands in for it")
    if name == "fixed":
        return t("fixed beforehand, on no data") + but
    goal = goals.get(name, rule)
    return t("chosen on {part} images for {goal}", part=t(threshold.chosen_on), goal=goal) + but


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
        shown, limit = finer_percents(given[positive], cut)
        values = {"positive": t(positive), "shown": shown, "limit": limit, "called": t(called[0])}
        if given[positive] >= cut:
            return t(
                "The network gives **{positive} {shown}**. That is above its cut of {limit}, so it calls this picture "
                "**{called}**.",
                **values,
            )
        return t(
            "The network gives **{positive} {shown}**. That is below its cut of {limit}, so it calls this picture "
            "**{called}**.",
            **values,
        )
    if card.task == "multilabel":
        if not called:
            return t(
                "None of the {count} findings reaches its cut; the network calls none of them.", count=len(given)
            )  # fmt: skip
        names = listing([f"{t(name)} ({percent(given[name])})" for name in called])
        return t("At its cuts the network calls **{names}**.", names=names)
    ranked = sorted(given, key=lambda name: given[name], reverse=True)
    return t(
        "The network gives **{first} {share}**, more than to any other of its {count} answers; next is {second} with "
        "{next_share}.",
        first=t(called[0]), share=percent(given[called[0]]), count=len(ranked), second=t(ranked[1]),
        next_share=percent(given[ranked[1]]),
    )  # fmt: skip


def sum_sentence(answer: SumAnswer, classes: Sequence[str]) -> str:
    """What several classes give together, and on which side of its cut that lies (Markdown)."""
    shown, limit = finer_percents(answer.probability, answer.cut)
    values = {"name": t(answer.name), "shown": shown, "classes": listing([t(name) for name in classes]), "limit": limit}
    if answer.called:
        return t("**{name} {shown}** ({classes} together): at or above its cut of {limit}.", **values)
    return t("**{name} {shown}** ({classes} together): below its cut of {limit}.", **values)


def domain_sentence(card: ModelCard) -> str:
    """That the network answers for any picture, whatever it shows."""
    spec = DATASETS.get(card.training_dataset)
    kind = f" ({t(spec.modality)})" if spec is not None else ""
    gate = "" if card.ood is None else " " + t("The gate notices most pictures of other kinds, not all of them.")
    text = t(
        "The network has no way to know whether a picture is of the kind it was trained on{kind}: it gives one of its "
        "{count} answers for any picture, and its numbers hold only for pictures like those.",
        kind=kind, count=len(card.class_names),
    )  # fmt: skip
    return text + gate


def decision_words(card: ModelCard) -> str:
    """How scores become an answer: by a cut, or by the most probable class."""
    if card.task == "multiclass":
        return t("Its answers exclude each other, so the most probable one counts and there is no cut.")
    return t("The cut was {rule}.", rule=rule_words(card.threshold))


def mismatch_sentence(card: ModelCard, *, synthetic: bool) -> str:
    """What is wrong with this pair of picture and model, or "" where nothing is known to be."""
    if card.source_file:  # brought along: nobody has said what it was trained on
        return ""
    if synthetic and not card.synthetic:
        return t("This is a drawn phantom, and the network was trained on real images: its answer means nothing here.")
    if card.synthetic and not synthetic:
        return t(
            "This network was trained on drawn phantoms only. On a real image its answer means nothing; "
            "it shows how the program works."
        )
    return ""


def card_headline(card: ModelCard) -> str:
    """ "Tells Normal from Pneumonia. Trained on Chest X-ray pneumonia (Kermany): 3,120 images of 1,800 patients."."""
    if card.task == "multilabel":
        does = t("Looks for {count} findings.", count=len(card.class_names))
    elif card.task == "binary":
        does = t("Tells {first} from {second}.", first=t(card.class_names[0]), second=t(card.class_names[1]))
    else:
        does = t("Tells apart {classes}.", classes=listing([t(name) for name in card.class_names]))
    if card.source_file:
        foreign = t("Brought along by a user; its training data are not stated, and nobody has measured it here.")
        return f"{does} {foreign}"
    counts = counted(card.n_train_images, card.n_train_groups, group_field(card))
    trained = t("Trained on {dataset}: {counts}.", dataset=dataset_title(card.training_dataset), counts=counts)
    return f"{does} {trained}"


def card_estimates(card: ModelCard) -> list[str]:
    """How good it is, a line each: AUC, and sensitivity and specificity at its cut."""
    lines = []
    for metric in CARD_METRICS:
        found = first_overall(card.estimates, metric)
        if found is not None:
            text, several = estimate_text(found, group_field(card)), len(card.class_names)
            lines.append(text if several == 2 else t("Mean of {n} classes: {estimate}", n=several, estimate=text))
    for one in card.sums:
        for metric in CARD_METRICS:
            found = first_overall(one.estimates, metric)
            if found is not None:
                lines.append(f"{t(one.name)}: {estimate_text(found, group_field(card))}")
    return lines


def first_overall(estimates: Sequence[Estimate], metric: str) -> Estimate | None:
    """The first estimate of `metric` over all classes."""
    return next((e for e in estimates if e.metric == metric and e.class_name is None), None)


def group_field(card: ModelCard) -> str:
    """What a group of the training data is ("patient")."""
    spec = DATASETS.get(card.training_dataset)
    return spec.group_field if spec is not None else "group"


def data_words(card: ModelCard) -> str:
    """On what it was trained, as the card says it; title and kind of a data set of ours in the reader's language."""
    spec, text = DATASETS.get(card.training_dataset), card.training_data
    for part in () if spec is None else (spec.title, spec.modality):
        text = text.replace(part, t(part), 1)
    return text


def licence_words(card: ModelCard) -> str:
    """The licence of network and head, as the card says it."""
    told = _LICENCE.fullmatch(card.licence)
    if told is None:
        return t(card.licence)
    return t(
        "Network: {network}. Head: {head}, trained on data under: {data}.",
        network=t(told["network"]), head=told["head"], data=t(told["data"]),
    )  # fmt: skip


def built_sentence(card: ModelCard) -> str:
    """What the network is made of, and how large the file is."""
    if card.source_file:
        return t(
            "{network}, {size}; its scores are not calibrated.",
            network=architecture_title(card.architecture), size=size(card.model_bytes),
        )  # fmt: skip
    built = t(
        "{network} with {head}, {size}; scores calibrated with temperature {temperature}.",
        network=architecture_title(card.architecture), head=head_title(card.head), size=size(card.model_bytes),
        temperature=f"{card.temperature:.2f}",
    )  # fmt: skip
    return f"{built} {views_sentence(card)}".rstrip()


def views_sentence(card: ModelCard) -> str:
    """From how many sides a picture is seen; nothing where it is seen as it is."""
    if card.views == ONE:
        return ""
    return t(
        "Each picture is seen from {n} sides, turned over; scores and heat maps are means over them.",
        n=len(views_of(card.views)),
    )  # fmt: skip


def engine_sentence(card: ModelCard) -> str:
    """What runs the network, how closely it agrees with Keras, or why it is not ONNX Runtime."""
    if card.engine_parity:
        return t(
            "{engine}; on its golden images it differs from Keras by at most {probabilities} in a probability and "
            "{maps} in a map.",
            engine=card.engine, probabilities=f"{card.engine_parity['probabilities']:.0e}",
            maps=f"{card.engine_parity['maps']:.0e}",
        )  # fmt: skip
    reason = (
        retold(card.engine_reason)
        if card.engine_reason
        else t("It was exported without ONNX graphs; export it again for them.")
    )
    return f"{card.engine}. {reason}"


def map_sentence(heatmap: Heatmap) -> str:
    """What a heat map is made of, or that it is empty."""
    rows, columns = heatmap.grid
    if heatmap.is_empty:
        return t(
            "The map is empty: no part of the picture raises the score of {class_name}. That is an answer, not a "
            "fault; look at another class.",
            class_name=t(heatmap.class_name),
        )
    if not heatmap.layer:
        return unlayered_sentence(heatmap)
    return t(
        "{method} for {class_name}: {rows} x {columns} cells of the layer {layer}, smoothed to the size of the "
        "picture. It shows what raised this score, not where a disease lies.",
        method=heatmap.method, class_name=t(heatmap.class_name), rows=rows, columns=columns, layer=heatmap.layer,
    )  # fmt: skip


def calibration_sentence(calibration: Calibration) -> str:
    """How far stated probabilities are from what came true, before and after the temperature (Markdown)."""
    text = t(
        "A perfectly calibrated network that says 80 % is right in 80 of 100 such images. Here the mean gap between "
        "stated and seen is **{gap} percentage points** (calibration error, 10 bins).",
        gap=f"{100 * calibration.error:.1f}",
    )
    if calibration.temperature is None or calibration.error_after is None:
        return text
    if abs(calibration.temperature - 1) < NO_CHANGE:
        corrected = t("Validation asked for no correction: the fitted temperature is 1.")
    else:
        values = {"temperature": f"{calibration.temperature:.2f}", "gap": f"{100 * calibration.error_after:.1f}"}
        corrected = (
            t(
                "On validation the scores were too sure: divided by a temperature of {temperature}, the gap on test "
                "becomes **{gap} points**.",
                **values,
            )
            if calibration.temperature > 1
            else t(
                "On validation the scores were not sure enough: divided by a temperature of {temperature}, the gap on "
                "test becomes **{gap} points**.",
                **values,
            )
        )
    return f"{text}\n\n{corrected}"
