"""Parts of the Data page: provenance, counts per split, what was refused, and what is not on this machine."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from core import paths
from core.errors import MedLensError
from core.figures.datasets import balance_figure
from core.figures.text import counted, group_title, group_word, percent, plural
from core.language import retold, t
from core.registry.datasets import DATASETS
from core.registry.labels import AS_IS, label_scheme
from core.types import ClassCounts, DatasetSpec, DatasetTable, LabelScheme
from pages.ui import cache
from pages.ui.blocks import chart, facts, plain

MOST_REASONS = 50
RARE = 0.1  # a class below this share of the training images is named


def provenance(spec: DatasetSpec) -> None:
    """Source, licence and citation, then what a careful reader knows of it."""
    facts(
        {
            t("Shows"): t(spec.modality),
            t("Source"): spec.source_url,
            t("Licence"): t(spec.licence),
            t("Cite"): spec.citation,
            t("Kept together in a split"): t(spec.group_field),
        },
        alt=t("Where {title} comes from", title=t(spec.title)),
    )
    st.markdown("\n".join(f"- {t(caveat)}" for caveat in spec.caveats))


def choose_scheme(spec: DatasetSpec, table: DatasetTable) -> LabelScheme:
    """Which task to count the labels for."""
    schemes = [label_scheme(key, table.spec) for key in spec.label_schemes or (AS_IS,)]
    titles = {scheme.key: t(scheme.title) for scheme in schemes}
    key = schemes[0].key
    if len(schemes) > 1:
        key = st.selectbox(t("Task"), list(titles), format_func=lambda k: titles[k], key=f"scheme-{spec.key}")
    return next(scheme for scheme in schemes if scheme.key == key)


def show_balance(spec: DatasetSpec, table: DatasetTable) -> None:
    """Images and groups per split and class, as a figure and as a table."""
    scheme = choose_scheme(spec, table)
    try:
        counts, kind, dropped = cache.split_counts(spec.key, scheme.key)
    except MedLensError as error:
        st.info(plain(error), icon=":material/info:")
        return
    named = {c.split: dict(c.images_per_class) for c in counts}
    if scheme.task != "multilabel":
        chart(
            balance_figure(named, scheme.class_names),
            alt="; ".join(
                f"{t(split)}: " + ", ".join(f"{n} {t(name)}" for name, n in row.items()) for split, row in named.items()
            ),
        )
    st.dataframe(count_frame(counts, spec), hide_index=True, alt=t("Images and groups per split and class"))
    words = {
        "group": t("no {word} in two splits", word=t(group_word(spec.group_field))),
        "official": t("the source's own test part"),
    }
    said = t("Split as a run with the default seed would: {how}.", how=words.get(kind, t(kind)))
    st.caption(plain(f"{said} {_rare(counts)}"))
    for reason, n in dropped.items():
        left_out = t("Left out for this task: {images} ({reason}).", images=plural(n, "image"), reason=retold(reason))
        st.caption(plain(left_out))


def _rare(counts: Sequence[ClassCounts]) -> str:
    train = next((c for c in counts if c.split == "train"), None)
    if train is None or not train.n_images:
        return ""
    shares = {name: n / train.n_images for name, n in train.images_per_class.items()}
    rare = [f"{t(name)} ({percent(share)})" for name, share in shares.items() if share < RARE]
    if not rare:
        return ""
    names = ", ".join(rare)
    if len(rare) == 1:
        return t("Rare, so that accuracy says little about it: {names}.", names=names)
    return t("Rare, so that accuracy says little about them: {names}.", names=names)


def count_frame(counts: Sequence[ClassCounts], spec: DatasetSpec) -> pd.DataFrame:
    """One row per split: images, groups, and images of each class."""
    group = group_title(spec.group_field)
    return pd.DataFrame(
        {
            t("Split"): t(c.split), t("Images"): c.n_images, group: c.n_groups,
            **{t(name): n for name, n in c.images_per_class.items()},
        }
        for c in counts
    )  # fmt: skip


def show_table_facts(spec: DatasetSpec, table: DatasetTable) -> None:
    """How much there is, and what was refused."""
    found = plain(counted(len(table), table.rows["group"].nunique(), spec.group_field))
    st.markdown(t("**{images}** at hand.", images=found))
    for note in table.notes:
        st.caption(plain(t(note)))
    if table.refused:
        with st.expander(
            t("{problems} found; those images are left out", problems=plural(len(table.refused), "problem"))
        ):
            for reason in table.refused[:MOST_REASONS]:
                st.markdown(f"- {plain(reason)}")
            if len(table.refused) > MOST_REASONS:
                st.caption(t("`python -m core data check {key}` lists all of them.", key=spec.key))


def show_missing(keys: Sequence[str]) -> None:
    """Data sets that are not here: what they are, and how to get them."""
    for key in keys:
        spec = DATASETS[key]
        with st.expander(t(spec.title), icon=":material/download:"):
            provenance(spec)
            if spec.manual_download:
                st.markdown(t("To get it: {how}", how=plain(t(spec.manual_download))))
            folder = paths.data_folder() / key
            st.code(f"# {t('put or link it here, or name its folder with --root')}\n{_short(folder)}", language="bash")


def _short(folder: Path) -> str:
    """The folder without the person's own home folder in it."""
    try:
        return f"~/{folder.relative_to(Path.home())}"
    except ValueError:
        return str(folder)
