"""Row thinning: keep a share of the images of a raw label, before anything is split.

Two options that every data set takes: `keep`, such as "nv=0.4" or "nv=0.4,bkl=0.5", and `keep_seed`. Who stays hangs
on the image ids and the seed alone, never on the order of the rows; a larger share keeps all that a smaller one keeps.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from core.errors import SpecInvalid
from core.language import said
from core.types import DatasetSpec

KEEP, KEEP_SEED = "keep", "keep_seed"
FORM = said(
    'expected LABEL=SHARE, several joined by a comma, with shares above 0 and up to 1, such as "nv=0.4,bkl=0.5"'
)

Options = Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True)
class Thinning:
    """The share that stays of each raw label named, and the seed of the draw."""

    shares: Mapping[str, float]
    seed: int = 0


def taken_out(options: Options) -> tuple[dict[str, int | float | str], Thinning | None]:
    """The options without `keep` and `keep_seed`, for the reader; and what those two say, None where they are absent.

    Raises: SpecInvalid when a text cannot be understood, a label stands twice, or there is a seed without a share.
    """
    rest = {name: value for name, value in options.items() if name not in (KEEP, KEEP_SEED)}
    if KEEP not in options:
        if KEEP_SEED in options:
            raise SpecInvalid(
                said(
                    "{keep_seed} is given without {keep}: nothing is drawn; {keep}: {form}.",
                    keep_seed=KEEP_SEED,
                    keep=KEEP,
                    form=FORM,
                )
            )
        return rest, None
    seed = options.get(KEEP_SEED, 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SpecInvalid(
            said("{keep_seed} = {seed}; expected a whole number from 0.", keep_seed=KEEP_SEED, seed=repr(seed))
        )
    return rest, Thinning(_shares(options[KEEP]), seed)


def _shares(text: int | float | str) -> dict[str, float]:
    shares: dict[str, float] = {}
    for entry in text.split(",") if isinstance(text, str) else [""]:
        # the last "=" separates: a label may hold one itself
        label, equals, number = entry.rpartition("=")
        try:
            share = float(number)
        except ValueError:
            share = math.nan
        label = label.strip()
        if not equals or not label or not 0 < share <= 1:
            raise SpecInvalid(said("{keep} = {text}; {form}.", keep=KEEP, text=repr(text), form=FORM))
        if label in shares:
            raise SpecInvalid(
                said("{keep} = {text}: the label {label} stands twice.", keep=KEEP, text=repr(text), label=repr(label))
            )
        shares[label] = share
    return shares


def thinned(rows: pd.DataFrame, thinning: Thinning, spec: DatasetSpec) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows that stay, in their order, and a sentence for each label that was thinned.

    A label means the images whose raw label is that text as a whole: "Mass" is not "Mass|Nodule". Of n images
    `round(share * n)` stay, at least one.
    Raises: SpecInvalid for a label that the data set does not have.
    """
    known = set(spec.class_names) or {token for label in rows["label"].unique() for token in str(label).split("|")}
    unknown = [label for label in thinning.shares if not set(label.split("|")) <= known]
    if unknown:
        raise SpecInvalid(
            said(
                "{keep}: {title} has no label {listed}; it has {listed_2}.",
                keep=KEEP,
                title=said(spec.title),
                listed=", ".join(map(repr, unknown)),
                listed_2=", ".join(sorted(known)),
            )
        )
    stays = pd.Series(True, index=rows.index)
    notes = []
    for label, share in thinning.shares.items():
        own = rows.loc[rows["label"] == label, "image_id"]
        drawn = sorted(own.index, key=lambda index: (_draw(str(own[index]), thinning.seed), str(own[index])))
        out = drawn[max(1, round(share * len(own))) :]
        stays[out] = False
        notes.append(
            said(
                "{n:,} of {n_2:,} images with the label {label} were left out by {keep} = {share:g} "
                "({keep_seed} {seed})",
                n=len(out),
                n_2=len(own),
                label=repr(label),
                keep=KEEP,
                share=share,
                keep_seed=KEEP_SEED,
                seed=thinning.seed,
            )
        )
    return rows[stays].reset_index(drop=True), tuple(notes)


def _draw(image_id: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}\x1f{image_id}".encode(), digest_size=8).digest()
