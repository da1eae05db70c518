"""The app as a person meets it: an upload, a comparison, a deep link, a batch."""

from pathlib import Path

import numpy as np
import pytest

from core.data.images import decode_image, encode_jpeg
from core.data.phantom import draw_phantom
from core.store.models import list_models
from core.store.runs import list_runs


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory):
    """A radiograph-like JPEG on the disk, as a person would drop it."""
    path = tmp_path_factory.mktemp("upload") / "chest.jpeg"
    path.write_bytes(encode_jpeg(draw_phantom(5, 1, 0, 512).pixels))
    return path


def test_the_repository_ships_runs_and_models_to_look_at():
    assert list_runs().done
    assert list_models().cards


def test_a_dropped_jpeg_gets_probabilities_a_map_and_a_download(app, visit, jpeg, tmp_path):
    page = visit(f"{app}/predict?model=phantom-nodule")
    page.locator('input[type="file"]').first.set_input_files(str(jpeg))
    page.get_by_role("heading", name="The network gives").wait_for(timeout=120_000)
    visit.settle(page)
    assert "%" in page.get_by_role("heading", name="The network gives").inner_text()
    assert page.get_by_text("This is not a diagnosis").first.is_visible()
    assert page.locator('img[alt^="Heat map for"]').count() == 1
    assert page.locator('img[alt$="untouched"]').count() == 1
    with page.expect_download(timeout=60_000) as waiting:
        page.get_by_role("button", name="Download the overlay").click()
    saved = tmp_path / "overlay.png"
    waiting.value.save_as(saved)
    assert saved.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    sheet = decode_image(saved)
    assert sheet.shape[0] > sheet.shape[1] >= 480
    assert not np.array_equal(sheet[..., 0], sheet[..., 2])  # the heat has a colour, the phantom has none
    assert not page.foreign
    health = page.request.get(f"{app}/health").json()
    assert "phantom-nodule" in health["models_loaded"]
    assert not health["tensorflow_loaded"]


@pytest.mark.slow
def test_the_compare_page_shows_the_sentence_and_the_roc_figure_and_can_be_taken_along(app, visit, tmp_path):
    page = visit(f"{app}/compare")
    sentence = page.get_by_role("heading", name="has the highest AUC")
    sentence.wait_for(timeout=60_000)
    assert "images of" in sentence.inner_text()
    page.get_by_text("chance (AUC 0.50)").wait_for(timeout=30_000)
    assert page.locator(".js-plotly-plot .scatterlayer .trace").count() > 3
    assert page.locator('[data-testid="stDataFrame"]').count() >= 1
    with page.expect_download(timeout=60_000) as waiting:
        page.get_by_role("button", name="Download the comparison (HTML)").click()
    waiting.value.save_as(tmp_path / "comparison.html")
    told = " ".join(sentence.inner_text().split())
    page.goto((tmp_path / "comparison.html").as_uri())
    page.wait_for_selector("body[data-drawn=yes]", timeout=30_000)
    assert told in " ".join(page.locator("main").inner_text().split())
    drawn = page.locator("figure").count()
    assert drawn > 5 and page.locator("figure .main-svg").first.is_visible()
    assert page.locator("figure:has(.main-svg)").count() == drawn
    assert page.faults == page.foreign == []


@pytest.mark.slow
def test_a_deep_link_is_the_first_thing_that_a_new_server_sees(cold_app, visit):
    page = visit(f"{cold_app}/compare")
    page.get_by_role("link", name="Predict").wait_for(timeout=30_000)
    names = page.get_by_test_id("stSidebarNav").get_by_role("link").all_inner_texts()
    titles = [name.split("\n")[-1].strip() for name in names]
    assert titles[0] == "Predict" and {"Compare", "Run", "Data", "Models", "Learn", "Methods"} < set(titles)
    assert page.get_by_role("heading", name="Compare", exact=True).is_visible()


@pytest.mark.slow
def test_a_row_of_the_leaderboard_leads_to_its_run(app, visit):
    run = list_runs().done[0]
    page = visit(f"{app}/run?run={run.run_id}")
    assert page.get_by_text("python -m core benchmark").first.is_visible()
    assert run.run_id in page.url


@pytest.mark.slow
def test_a_batch_with_a_bad_file_becomes_a_reading_list_to_take_along(app, visit, tmp_path):
    for patient in range(3):
        (tmp_path / f"scan{patient}.jpg").write_bytes(encode_jpeg(draw_phantom(5, patient, 0).pixels))
    (tmp_path / "notes.txt").write_text("=HYPERLINK()", encoding="utf-8")
    page = visit(f"{app}/triage?model=phantom-nodule")
    page.locator('input[type="file"]').first.set_input_files([str(path) for path in sorted(tmp_path.iterdir())])
    page.get_by_text("1 file has no score and no place").wait_for(timeout=60_000)
    visit.settle(page)
    assert page.locator('[data-testid="stDataFrame"]').count() == 1
    with page.expect_download(timeout=60_000) as waiting:
        page.get_by_role("button", name="Download the list").click()
    lines = Path(waiting.value.path()).read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["place", "1", "2", "3", ""]
    assert "notes.txt" in lines[-1]
    page.get_by_role("tab", name="What it would save").click()
    page.get_by_text("Of the ill, half are read within").wait_for(timeout=60_000)
    page.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for(timeout=30_000)
    assert not page.foreign and not page.faults
