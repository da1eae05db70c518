"""A refused upload is told in the reader's language, and in English to everything else: commands, API, logs."""

import io
import zipfile

import numpy as np
import pytest

from core.data.images import decode_image, encode_png
from core.data.sniff import _FOREIGN, ACCEPTED
from core.data.unpack import unpacked
from core.errors import ImageRefused
from core.language import catalogue, speaking

PNG = encode_png(np.full((64, 64, 3), 90, np.uint8))
WIDE = encode_png(np.full((32, 3200, 3), 90, np.uint8))
FILES = {
    "an empty file": (b"", "a.png: the file is empty; {}.", "a.png: el archivo está vacío; {}."),
    "another kind": (
        b"%PDF-1.7", "a.png: the file is a PDF document, not an accepted image; {}.",
        "a.png: el archivo es un documento PDF, no una imagen aceptada; {}.",
    ),
    "one cut off": (
        PNG[:-20], "a.png: the file is cut off (PNG); {}.", "a.png: el archivo está cortado (PNG); {}.",
    ),
    "a ribbon": (
        WIDE,
        "a.png: the picture has 3,200 x 32 pixels, but its longer side may be at most 10 times the shorter (PNG); {}.",
        "a.png: la imagen tiene 3,200 x 32 píxeles, pero su lado mayor puede ser como máximo 10 veces el menor (PNG); "
        "{}.",
    ),
}  # fmt: skip


def refusal(data):
    with pytest.raises(ImageRefused) as told:
        decode_image(data, "a.png")
    return str(told.value)


@pytest.mark.parametrize("kind", FILES)
def test_the_same_refusal_in_english_by_default_and_in_spanish_for_a_reader(kind):
    data, english, spanish = FILES[kind]
    assert refusal(data) == english.format(ACCEPTED)
    with speaking("es"):
        assert refusal(data) == spanish.format("se aceptan JPEG, PNG, BMP, TIFF, WebP, GIF, DICOM y NIfTI")


def test_a_reason_from_the_process_that_reads_dicom_is_translated_too():
    data = b"\0" * 128 + b"DICM" + b"\2\0\0\0UL\4\0\xff"
    english = refusal(data)
    assert english.endswith(f" (DICOM); {ACCEPTED}.")
    with speaking("es"):
        assert refusal(data).endswith(" (DICOM); se aceptan JPEG, PNG, BMP, TIFF, WebP, GIF, DICOM y NIfTI.")


def test_a_bad_entry_of_a_zip_and_a_file_too_many():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../out.png", PNG)
        archive.writestr("second.png", PNG)

    def said():
        return [str(content) for _, content in unpacked([("z.zip", packed.getvalue())], 1)]

    assert said() == [
        "z.zip/../out.png: its name leads out of the archive or is no plain path.",
        "1 more file(s) were left out; accepted are up to 1 at once.",
    ]
    with speaking("es"):
        assert said() == [
            "z.zip/../out.png: su nombre sale del archivo o no es una ruta sencilla.",
            "1 archivo(s) más quedaron fuera; se aceptan hasta 1 a la vez.",
        ]


def test_every_kind_of_foreign_file_has_its_spanish():
    missing = [kind for _, _, kind in _FOREIGN if kind not in catalogue("es")]
    assert not missing
