"""The same picture by other heads: on Predict, for the models that ship with heads, and for no others."""

from pathlib import Path

import numpy as np
import pytest

from core.data.images import encode_png
from core.data.phantom import draw_phantom

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture
def with_phantoms(monkeypatch, tmp_path, stores):
    """The shipped model of phantoms, its heads beside it, and a copy without them."""
    import shutil
    from dataclasses import replace

    from core.store.models import load_card, save_model

    shutil.copytree(MODELS / "phantom-nodule", tmp_path / "models" / "phantom-nodule")
    card = load_card("phantom-nodule", MODELS)
    files = {name: (MODELS / "phantom-nodule" / name).read_bytes() for name in ("model.keras", *card.other_sha256)}
    save_model(replace(card, name="alone", title="Alone"), files, tmp_path / "models")
    monkeypatch.setenv("MEDLENS_MODELS", str(tmp_path / "models"))


@pytest.mark.slow
def test_bars_table_and_maps_of_all_heads_stand_beside_each_other(with_phantoms, open_page, monkeypatch):
    from pages.ui import blocks

    # the tester forgets at every run that the router has run, and the page starts again without the click
    monkeypatch.setattr(blocks, "through_router", lambda: None)
    content = encode_png(next(p for p in (draw_phantom(7, n, 0) for n in range(60)) if "nodule" in p.tokens).pixels)
    app = open_page("predict", model="phantom-nodule")
    app.file_uploader[0].upload("a.png", content).run()
    assert not app.dataframe, "nothing is asked before somebody opens it"
    ((_, _, digest, *_),) = app.session_state["predicted"]
    app.session_state[f"beside-phantom-nodule-{digest}"] = True
    app.run()
    assert not app.exception
    table = app.dataframe[-1].value
    assert list(table["Decides by"]) == [
        "The network itself", "MLP (two small layers)", "Logistic regression", "Random forest", "Gradient boosting"
    ]  # fmt: skip
    assert table["AUC on test"].iloc[0] == "0.957 (0.914–0.988)"
    said = " ".join(str(element.value) for element in [*app.markdown, *app.caption])
    assert "give the highest probability to" in said
    assert "3,313 images of 1,440 synthetic patients of the training part" in said.replace("\\", "")
    toggle = next(t for t in app.toggle if t.label == "Show where each of them looked")
    toggle.set_value(True)
    app.session_state[f"beside-phantom-nodule-{digest}"] = True  # the tester does not send back that it is open
    app.run()
    assert not app.exception
    captions = [image.proto.imgs[0].caption.replace("\\", "") for image in app.image]
    shown = [text.removesuffix(" (nowhere in particular)") for text in captions if "CAM" in text or "occlusion" in text]
    assert shown == [
        "The network: Grad-CAM", "The network itself: occlusion", "MLP (two small layers): occlusion",
        "Logistic regression: occlusion", "Random forest: occlusion", "Gradient boosting: occlusion",
    ]  # fmt: skip


def test_a_model_without_heads_offers_nothing_and_damaged_heads_say_so(with_phantoms, open_page, tmp_path):
    picture = encode_png(np.full((64, 64, 3), 90, np.uint8))
    app = open_page("predict", model="alone")
    app.file_uploader[0].upload("a.png", picture).run()
    assert not [box for box in app.expander if "by other heads" in box.label]
    (tmp_path / "models" / "alone" / "siblings.json").write_text("{", encoding="utf-8")
    app.run()
    assert not app.exception
    assert any("its heads cannot be used" in error.value for error in app.error)
