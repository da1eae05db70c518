"""What the API says of pictures unlike the training images, and of scores that a person should read."""

from dataclasses import replace

import pytest

from core.nn.ood import OodAnswer
from core.types import Referral, ReferralRecord

FAR = OodAnswer(score=3.5, percentile=1.0, threshold=1.0, flagged=True)
TOLD = {"score": 3.5, "threshold": 1.0, "percentile": 1.0, "flagged": True}


@pytest.fixture
def doubting(helpers):
    """A client whose model has a gate that flags everything, and a band from 0.4 to 0.6."""
    card = helpers.card("fake")
    band = Referral(low=0.4, high=0.6, rule="coverage:0.9", chosen_on="validation")
    predictor = helpers.Predictor(replace(card, referral=ReferralRecord(band=band, estimates=())))
    predictor.gate = FAR
    with helpers.client(helpers.Models(predictor)) as client:
        yield client


def test_a_flagged_picture_is_told_as_such_in_both_routes(doubting, helpers):
    picture = helpers.picture(204)
    answer = doubting.post("/api/predict", files={"file": picture}, data={"model": "fake"}).json()
    single = answer["predictions"][0] if "predictions" in answer else answer
    assert single["out_of_distribution"] == TOLD
    live = doubting.post("/api/live?model=fake", content=picture, headers={"content-type": "image/png"}).json()
    assert live["out_of_distribution"] == TOLD


@pytest.mark.parametrize(("red", "refer"), [(128, True), (250, False), (5, False)])
def test_scores_inside_the_band_go_to_a_person(doubting, helpers, red, refer):
    headers = {"content-type": "image/png"}
    live = doubting.post("/api/live?model=fake", content=helpers.picture(red), headers=headers).json()
    assert live["refer"] is refer
