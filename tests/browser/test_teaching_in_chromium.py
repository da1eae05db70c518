"""A room: a tour led by the keys of a remote control, no menus on screen; and a quiz that is played by keys."""

import pytest


@pytest.mark.slow
def test_a_tour_is_led_by_page_down_and_hides_menus_and_pickers(app, visit):
    page = visit(f"{app}/learn?lesson=imbalance&present=1&tour=stakeholders&step=4", width=1920)
    page.get_by_text("Step 4 of 5").wait_for(timeout=30_000)
    assert not page.get_by_test_id("stSidebar").is_visible()
    assert not page.get_by_test_id("stHeader").is_visible()
    size = page.evaluate("() => parseFloat(getComputedStyle(document.querySelector('p')).fontSize)")
    assert size >= 19
    page.keyboard.press("PageDown")
    page.get_by_text("Step 5 of 5").wait_for(timeout=60_000)
    visit.settle(page)
    assert "/run?" in page.url and "step=5" in page.url and "present=1" in page.url
    assert page.get_by_test_id("stSelectbox").first.is_hidden()  # the link has chosen
    page.keyboard.press("PageUp")
    page.get_by_text("Step 4 of 5").wait_for(timeout=60_000)
    assert page.faults == []


@pytest.mark.slow
def test_a_picture_is_guessed_by_keys(app, visit):
    page = visit(f"{app}/quiz?model=phantom-nodule")
    page.get_by_text("Picture 1 of 12").wait_for(timeout=30_000)
    page.keyboard.press("2")
    page.get_by_text("The score so far").wait_for(timeout=60_000)
    assert page.locator('img[alt^="Heat map for Nodule"]').count() == 1
    page.keyboard.press("n")
    page.get_by_text("Picture 2 of 12").wait_for(timeout=60_000)
    assert page.faults == []
