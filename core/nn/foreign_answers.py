"""What a person states about a foreign network, held against what the file says; nothing is guessed in silence."""

import re
from dataclasses import dataclass

from core.errors import ModelRefused
from core.language import said
from core.nn.inspect import InspectedModel
from core.nn.inspect_outputs import output_words
from core.registry.pixels import RANGES
from core.types import TabularInput

OUTPUTS = ("softmax", "sigmoid")
MAX_NAME = 60
# names stand in Markdown, tables and CSV files: no marks of their languages, and no formula at the beginning
NAME = re.compile(r"[^\W_][\w \-/.,()'+%&:]{0,59}")

EXPECTED = said(
    "expected are 1 to {max_name} letters, digits, spaces and - / . , ( ) ' + % & :, a letter or digit first",
    max_name=MAX_NAME,
)


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
        raise ModelRefused(
            said(
                "The pixel range {chosen} is not known; there are {listed}.",
                chosen=repr(chosen),
                listed=", ".join(RANGES),
            )
        )
    return chosen


def settled_output(found: InspectedModel, stated: str) -> str:
    """ "softmax" or "sigmoid": what the numbers that come out are, or become. Raises ModelRefused."""
    if stated and stated not in OUTPUTS:
        raise ModelRefused(
            said("The output {stated} is not known; there are softmax and sigmoid.", stated=repr(stated))
        )
    if found.output_kind in OUTPUTS:
        if stated and stated != found.output_kind:
            raise ModelRefused(
                said(
                    "The network ends in a {output_kind}; it cannot be read as {stated}.",
                    output_kind=found.output_kind,
                    stated=stated,
                )
            )
        return found.output_kind
    if found.output_kind == "log_softmax":
        return "softmax"
    if found.output_kind != "linear":
        raise ModelRefused(
            said(
                "The last activation is {output_kind}, which gives neither probabilities nor logits; "
                "expected is softmax, sigmoid, or none.",
                output_kind=found.output_kind,
            )
        )
    if found.outputs == 1 and stated != "sigmoid":
        raise ModelRefused(
            said(
                "The network gives one number without an activation: a regression, or the logit of yes "
                "or no. If it is a logit, say so with the output sigmoid; a regression has no classes "
                "and cannot be shown."
            )
        )
    return stated or "softmax"


def check_answers(found: InspectedModel, answers: ForeignAnswers) -> None:
    """Raises ModelRefused when the answers do not fit the network."""
    names = answers.class_names
    if len(found.choices) > 1 and not answers.take:
        raise ModelRefused(
            said(
                "The network has several outputs, {output_words}. Say which one answers (--which NAME); "
                "the others are left out.",
                output_words=output_words(found.choices),
            )
        )
    if len(names) != found.class_count:
        what = said("one sigmoid, which is two classes") if found.outputs == 1 else said("{n} numbers", n=found.outputs)
        raise ModelRefused(
            said(
                "The network gives {what}, and {n} class names are given ({listed}); expected are "
                "{class_count}, in the order of its outputs.",
                what=what,
                n=len(names),
                listed=", ".join(names)[:80] or said("none"),
                class_count=found.class_count,
            )
        )
    for name in names:
        if not NAME.fullmatch(name):
            raise ModelRefused(said("{name} is no class name: {expected}.", name=repr(name[:70]), expected=EXPECTED))
    if len({name.casefold() for name in names}) < len(names):
        raise ModelRefused(said("Two classes have one name; give each its own."))
    if answers.title and not NAME.fullmatch(answers.title):
        raise ModelRefused(said("{title} is no title: {expected}.", title=repr(answers.title[:70]), expected=EXPECTED))
    output = settled_output(found, answers.output)
    settled_pixels(found, answers)
    binary = found.class_count == 2 and (output == "softmax" or found.outputs == 1)
    if binary and answers.positive_class is None and found.outputs > 1:
        raise ModelRefused(
            said(
                "Which of the two classes is looked for, {names} or {other}? State the positive class.",
                names=names[0],
                other=names[1],
            )
        )
    if answers.positive_class is not None and (not binary or answers.positive_class not in names):
        expected = (
            said("one of {listed}", listed=", ".join(names))
            if binary
            else said("none, for it does not tell two classes apart")
        )
        raise ModelRefused(
            said(
                "The positive class is {positive_class}; expected is {expected}.",
                positive_class=repr(answers.positive_class[:60]),
                expected=expected,
            )
        )
    if len(answers.table) != found.table_columns:
        raise ModelRefused(
            said(
                "The network takes {table_columns} numbers beside the picture, and {n} are named "
                "({listed}). Name them in order, such as age,sex.",
                table_columns=found.table_columns,
                n=len(answers.table),
                listed=", ".join(item.name for item in answers.table)[:80] or said("none"),
            )
        )
    for item in answers.table:
        if not NAME.fullmatch(item.name):
            raise ModelRefused(
                said("{name} is no name of a number: {expected}.", name=repr(item.name[:70]), expected=EXPECTED)
            )
        if item.low is not None and item.high is not None and not item.low < item.high:
            raise ModelRefused(
                said(
                    "{name}: its range goes from {low:g} to {high:g}; expected low below high.",
                    name=item.name,
                    low=item.low,
                    high=item.high,
                )
            )
    if len({item.name for item in answers.table}) < len(answers.table):
        raise ModelRefused(said("Two numbers beside the picture have one name; give each its own."))


def positive_of(answers: ForeignAnswers, task: str) -> str | None:
    """The positive class of a network of two; of one sigmoid that is the class of 1, unless another is stated."""
    return (answers.positive_class or answers.class_names[1]) if task == "binary" else None
