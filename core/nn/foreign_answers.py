"""What a person states about a foreign network, held against what the file says; nothing is guessed in silence."""

import re
from dataclasses import dataclass

from core.errors import ModelRefused
from core.nn.inspect import InspectedModel
from core.nn.inspect_outputs import output_words
from core.registry.pixels import RANGES
from core.types import TabularInput

OUTPUTS = ("softmax", "sigmoid")
MAX_NAME = 60
# names stand in Markdown, tables and CSV files: no marks of their languages, and no formula at the beginning
NAME = re.compile(r"[^\W_][\w \-/.,()'+%&:]{0,59}")

EXPECTED = f"expected are 1 to {MAX_NAME} letters, digits, spaces and - / . , ( ) ' + % & :, a letter or digit first"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignAnswers:
    """What the file of a network cannot say.

    `class_names` in the order of its outputs; of one sigmoid, the class of 0 first. `pixel_scaling` "" takes the guess.
    `positive_class`: for two classes, the one that is looked for. `output`: "softmax" or "sigmoid" for a network that
    ends in logits. `cam_layer` "": the last layer with cells. `table`: one entry for each number beside the picture.
    `take`: which of several outputs answers; the rest of the network is left out.
    """

    name: str
    class_names: tuple[str, ...] = ()
    title: str = ""
    pixel_scaling: str = ""
    positive_class: str | None = None
    output: str = ""
    cam_layer: str = ""
    table: tuple[TabularInput, ...] = ()
    size_px: int | None = None
    take: str = ""


def settled_pixels(found: InspectedModel, answers: ForeignAnswers) -> str:
    """The pixel range: the one stated, else the guess. Raises ModelRefused for a word that is none."""
    chosen = answers.pixel_scaling or found.pixel_scaling
    if chosen not in RANGES:
        raise ModelRefused(f"The pixel range {chosen!r} is not known; there are {', '.join(RANGES)}.")
    return chosen


def settled_output(found: InspectedModel, stated: str) -> str:
    """ "softmax" or "sigmoid": what the numbers that come out are, or become. Raises ModelRefused."""
    if stated and stated not in OUTPUTS:
        raise ModelRefused(f"The output {stated!r} is not known; there are softmax and sigmoid.")
    if found.output_kind in OUTPUTS:
        if stated and stated != found.output_kind:
            raise ModelRefused(f"The network ends in a {found.output_kind}; it cannot be read as {stated}.")
        return found.output_kind
    if found.output_kind == "log_softmax":
        return "softmax"
    if found.output_kind != "linear":
        raise ModelRefused(
            f"The last activation is {found.output_kind}, which gives neither probabilities nor logits; expected is "
            "softmax, sigmoid, or none."
        )
    if found.outputs == 1 and stated != "sigmoid":
        raise ModelRefused(
            "The network gives one number without an activation: a regression, or the logit of yes or no. If it is a "
            "logit, say so with the output sigmoid; a regression has no classes and cannot be shown."
        )
    return stated or "softmax"


def check_answers(found: InspectedModel, answers: ForeignAnswers) -> None:
    """Raises ModelRefused when the answers do not fit the network."""
    names = answers.class_names
    if len(found.choices) > 1 and not answers.take:
        raise ModelRefused(
            f"The network has several outputs, {output_words(found.choices)}. Say which one answers (--which NAME); "
            "the others are left out."
        )
    if len(names) != found.class_count:
        what = "one sigmoid, which is two classes" if found.outputs == 1 else f"{found.outputs} numbers"
        raise ModelRefused(
            f"The network gives {what}, and {len(names)} class names are given ({', '.join(names)[:80] or 'none'}); "
            f"expected are {found.class_count}, in the order of its outputs."
        )
    for name in names:
        if not NAME.fullmatch(name):
            raise ModelRefused(f"{name[:70]!r} is no class name: {EXPECTED}.")
    if len({name.casefold() for name in names}) < len(names):
        raise ModelRefused("Two classes have one name; give each its own.")
    if answers.title and not NAME.fullmatch(answers.title):
        raise ModelRefused(f"{answers.title[:70]!r} is no title: {EXPECTED}.")
    output = settled_output(found, answers.output)
    settled_pixels(found, answers)
    binary = found.class_count == 2 and (output == "softmax" or found.outputs == 1)
    if binary and answers.positive_class is None and found.outputs > 1:
        raise ModelRefused(
            f"Which of the two classes is looked for, {names[0]} or {names[1]}? State the positive class."
        )
    if answers.positive_class is not None and (not binary or answers.positive_class not in names):
        expected = f"one of {', '.join(names)}" if binary else "none, for it does not tell two classes apart"
        raise ModelRefused(f"The positive class is {answers.positive_class[:60]!r}; expected is {expected}.")
    if len(answers.table) != found.table_columns:
        raise ModelRefused(
            f"The network takes {found.table_columns} numbers beside the picture, and {len(answers.table)} are named "
            f"({', '.join(item.name for item in answers.table)[:80] or 'none'}). Name them in order, such as age,sex."
        )
    for item in answers.table:
        if not NAME.fullmatch(item.name):
            raise ModelRefused(f"{item.name[:70]!r} is no name of a number: {EXPECTED}.")
        if item.low is not None and item.high is not None and not item.low < item.high:
            raise ModelRefused(
                f"{item.name}: its range goes from {item.low:g} to {item.high:g}; expected low below high."
            )
    if len({item.name for item in answers.table}) < len(answers.table):
        raise ModelRefused("Two numbers beside the picture have one name; give each its own.")


def positive_of(answers: ForeignAnswers, task: str) -> str | None:
    """The positive class of a network of two; of one sigmoid that is the class of 1, unless another is stated."""
    return (answers.positive_class or answers.class_names[1]) if task == "binary" else None
