"""The Live page: what the browser is told, what a snapshot becomes, what is refused, what is said."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from core.data.images import decode_image, encode_jpeg, encode_png
from core.errors import ImageRefused
from core.figures.overlay import blend
from pages.ui import gallery, live_camera

JPEG = encode_jpeg(np.full((72, 128, 3), 90, dtype=np.uint8))


def as_address(data, kind="jpeg"):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def told(app):
    """What the component is given in this run."""
    (camera,) = app.get("bidi_component")
    return json.loads(camera.proto.json or camera.proto.mixed.json)


def asked(app):
    """(path, query) of the address that frames are sent to."""
    parts = urlsplit(told(app)["address"])
    return parts.path, {key: value for key, (value,) in parse_qs(parts.query).items()}


@pytest.fixture
def snapshots(monkeypatch):
    """Addresses that the camera hands over, one per run of the page; then none."""
    waiting, mounted = [], live_camera.live_camera

    def camera(*args, **kwargs):
        mounted(*args, **kwargs)
        return waiting.pop(0) if waiting else None

    monkeypatch.setattr(live_camera, "live_camera", camera)
    return waiting


def test_without_a_model_no_camera_is_mounted(empty_stores, open_page):
    app = open_page("live")
    assert not app.exception
    assert any("export RUN_ID" in code.value for code in app.code)
    assert not app.get("bidi_component")


def test_frames_are_sent_to_this_server_for_the_model_and_the_class_of_the_map(stores, open_page):
    app = open_page("live", model="real")
    assert not app.exception
    assert asked(app) == ("/api/live", {"model": "real", "target": "Pneumonia"})
    app.get("segmented_control")[0].set_value("Normal").run()
    assert asked(app) == ("/api/live", {"model": "real", "target": "Normal"})
    app.selectbox(key="model-select").select("drawn").run()
    assert asked(app)[1]["model"] == "drawn"


def test_with_more_than_two_answers_the_map_follows_the_most_probable_one(stores, open_page):
    app = open_page("live", model="three")
    assert asked(app) == ("/api/live", {"model": "three"})
    assert told(app)["cuts"] == {}
    app.get("segmented_control")[0].set_value("Viral pneumonia").run()
    assert asked(app)[1]["target"] == "Viral pneumonia"


def test_the_browser_paints_with_the_ramp_of_the_other_pages(stores, open_page):
    app = open_page("live", model="real")
    full = blend(np.zeros((1, 1, 3), dtype=np.uint8), np.ones((1, 1)), 1.0)
    assert told(app)["ramp"][-3:] == full[0, 0].tolist()
    assert len(told(app)["ramp"]) == 256 * 3
    assert told(app)["strength"] == 0.55
    app.slider(key="live-strength").set_value(20).run()
    app.toggle(key="live-mirror").set_value(True).run()
    assert (told(app)["strength"], told(app)["mirror"]) == (0.2, True)


def test_it_says_what_it_needs_and_what_its_numbers_are_not(stores, open_page):
    app = open_page("live", model="drawn")
    words = " ".join(c.value for c in app.caption)
    assert "HTTPS or on localhost" in words
    assert "A camera sees no radiograph" in words
    assert "those of filmed pictures are not those of files" in words
    assert any("This is not a diagnosis" in warning.value for warning in app.warning)
    assert any("trained on drawn phantoms only" in error.value for error in app.error)


def test_a_snapshot_is_predicted_and_stands_in_the_gallery_until_it_is_cleared(
    stores, open_page, fake_network, snapshots
):
    snapshots.append(as_address(JPEG))
    app = open_page("live", model="real")
    while snapshots:
        app.run()
    app.run()
    assert not app.exception
    assert fake_network.calls == ["snapshot"]
    assert fake_network.shapes == [(72, 128, 3)]
    pictures = [picture for image in app.image for picture in image.proto.imgs]
    assert [p.alt.split(":")[0] for p in pictures] == ["Camera snapshot, untouched", "Heat map for Pneumonia"]
    assert any("gives **Pneumonia 90" in m.value for m in app.markdown)
    assert any("Filmed by a camera" in c.value for c in app.caption)
    app.button(key="gallery-clear").click().run()
    assert not app.image
    assert any("Nothing here yet" in c.value for c in app.caption)


def test_the_gallery_is_bounded_and_says_when_the_oldest_goes(stores, open_page, fake_network, snapshots, monkeypatch):
    monkeypatch.setattr(gallery, "KEPT", 2)
    snapshots.extend(as_address(encode_jpeg(np.full((64, 64, 3), g, dtype=np.uint8))) for g in (0, 100, 200))
    app = open_page("live", model="real")
    while snapshots:
        app.run()
    kept = [round(decode_image(item.picture).mean(), -1) for item in app.session_state["gallery"]]
    assert kept == [200, 100]
    assert any("1 older picture made room: 2 are kept." in c.value for c in app.caption)


def test_a_snapshot_that_is_no_jpeg_of_the_camera_is_refused_in_a_sentence(stores, open_page, fake_network, snapshots):
    snapshots.append(as_address(JPEG[:200]))
    app = open_page("live", model="real")
    while snapshots:
        app.run()
    assert not app.exception
    assert fake_network.calls == []
    assert any("the snapshot" in error.value for error in app.error)
    assert "gallery" not in app.session_state


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "did not arrive as a JPEG"),
        ("javascript:alert(1)", "did not arrive as a JPEG"),
        (as_address(encode_png(np.zeros((32, 32, 3), dtype=np.uint8)), "png"), "did not arrive as a JPEG"),
        ("data:image/jpeg;base64,@@@@", "arrived damaged"),
        ("data:image/jpeg;base64," + "A" * (6 * 1024**2), "larger than 4 MB"),
        (as_address(b"hello, not a picture"), "not an accepted image"),
    ],
    ids=["empty", "script", "png", "not base64", "too large", "other bytes"],
)
def test_what_a_snapshot_must_be(address, words):
    with pytest.raises(ImageRefused, match=words):
        live_camera.snapshot_pixels(address)


def test_a_good_snapshot_gives_its_pixels():
    assert np.array_equal(live_camera.snapshot_pixels(as_address(JPEG)), decode_image(JPEG))


@pytest.mark.parametrize("path", sorted(live_camera.FOLDER.iterdir()), ids=lambda p: p.name)
def test_the_front_end_writes_no_markup_asks_no_other_machine_and_is_one_screenful_of_job_a_file(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 300
    assert path.suffix != ".js" or path.name in live_camera.SCRIPTS
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "import ",
                 "//cdn", "url(", "@import"):  # fmt: skip
        assert word not in text
    assert not [line for line in text.splitlines() if "://" in line and "http://localhost on" not in line]
