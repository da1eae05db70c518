"""DICOM and NIfTI on the Predict page: which frame is shown, the chooser, and no word about a person."""

import io
import zipfile

import numpy as np
import pytest


@pytest.fixture(scope="module")
def loop(medical):
    return medical.dicom(medical.dataset(np.stack([np.full((32, 32), 50 * n, np.uint8) for n in range(1, 6)])))


def uploaded(app, *files):
    for name, content in files:
        app.file_uploader[0].upload(name, content)
    return app.run()


def captions(app):
    return [c.value.replace("\u00a0", " ").replace("\\", "") for c in app.caption]


def test_a_loop_shows_its_middle_frame_and_a_slider(stores, open_page, fake_network, loop):
    app = uploaded(open_page("predict", model="real"), ("loop.dcm", loop))
    assert not app.exception and not app.error
    assert any("Frame 3 of 5, the middle one." in text for text in captions(app))
    slider = next(s for s in app.slider if s.label.startswith("Frame of"))
    assert (slider.value, slider.min, slider.max) == (3, 1, 5)
    slider.set_value(5).run()
    assert not app.exception
    assert any("Frame 5 of 5." in text for text in captions(app))
    assert len(fake_network.calls) == 2  # the other frame is another picture


@pytest.mark.slow
def test_a_volume_has_axes_and_slices(stores, open_page, fake_network, medical):
    series = np.stack([medical.volume, medical.volume[::-1]], axis=-1)
    app = uploaded(open_page("predict", model="real"), ("brain.nii", medical.nifti(series)))
    assert not app.exception and not app.error
    assert any("Axial slice 14 of 28, the middle one. Volume 1 of 2, the first." in text for text in captions(app))
    axis = next(w for w in app.get("segmented_control") if w.label.startswith("Slices of"))
    axis.set_value("coronal").run()
    next(s for s in app.slider if s.label == "Coronal slice").set_value(20).run()
    app.number_input[0].set_value(2).run()
    assert not app.exception
    assert any("Coronal slice 20 of 24. Volume 2 of 2." in text for text in captions(app))


def test_a_scan_with_one_frame_has_no_chooser_and_says_its_window(stores, open_page, fake_network, medical):
    file = medical.dataset(medical.radiograph, Modality="DX", BodyPartExamined="CHEST", ViewPosition="PA")
    file.WindowCenter, file.WindowWidth = 2000, 3000
    app = uploaded(open_page("predict", model="real"), ("scan.dcm", medical.dicom(file)))
    assert not app.exception
    assert not any(s.label.startswith("Frame of") for s in app.slider)
    wanted = "Chest, digital radiography, view PA. Grey values: the file's own window, 3000 wide around 2000."
    assert any(wanted in text for text in captions(app))


def test_nothing_of_a_person_stands_on_the_page(stores, open_page, fake_network, medical):
    file = medical.dataset(medical.radiograph, PatientName="ZZPHI7391", StudyDescription="ZZPHI7391")
    file.BodyPartExamined = file.PatientID = "ZZPHI7391"
    good = medical.dicom(file)
    app = uploaded(open_page("predict", model="real"), ("good.dcm", good), ("bad.dcm", good[:-5]))
    assert not app.exception
    (refused,) = [error.value.replace("\\", "") for error in app.error]
    assert "bad.dcm: the file is cut off" in refused
    assert "ZZPHI7391" not in repr(app.main)


def test_the_same_scan_twice_is_shown_once(stores, open_page, fake_network, loop):
    app = uploaded(open_page("predict", model="real"), ("a.dcm", loop), ("b.dcm", loop))
    assert not app.exception
    assert sum(s.label.startswith("Frame of") for s in app.slider) == 1
    assert len(fake_network.calls) == 1


def test_a_zip_of_scans_is_taken_apart_and_its_bad_entry_named(stores, open_page, fake_network, loop):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.dcm", loop)
        archive.writestr("b.txt", "hello")
    app = uploaded(open_page("predict", model="real"), ("batch.zip", stream.getvalue()))
    assert not app.exception
    assert any(text.startswith("batch.zip/a.dcm") for text in captions(app))
    (refused,) = [error.value.replace("\\", "") for error in app.error]
    assert "batch.zip/b.txt: the file is plain text" in refused
