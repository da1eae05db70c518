"""Medical files built by their own libraries, for the tests of every folder that takes an image."""

import gzip
import io
from types import SimpleNamespace

import numpy as np
import pytest


def dicom_dataset(pixels, *, photometric="MONOCHROME2", stored=None, frames=None, **tags):
    """A pydicom data set of integer pixels (H, W), (F, H, W) or (H, W, 3); `tags` are set last, by keyword."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset

    colour = photometric not in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    file.SOPClassUID, file.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3.4"
    file.Modality = "OT"
    shape = pixels.shape[:-1] if colour else pixels.shape
    file.Rows, file.Columns = shape[-2:]
    if len(shape) == 3 or frames is not None:
        file.NumberOfFrames = frames if frames is not None else shape[0]
    file.SamplesPerPixel, file.PhotometricInterpretation = (3 if colour else 1), photometric
    if colour:
        file.PlanarConfiguration = 0
    bits = pixels.dtype.itemsize * 8
    file.BitsAllocated, file.BitsStored = bits, stored or bits
    file.HighBit, file.PixelRepresentation = file.BitsStored - 1, int(pixels.dtype.kind == "i")
    file.PixelData = pixels.tobytes()
    for keyword, value in tags.items():
        setattr(file, keyword, value)
    return file


def dicom_bytes(file, syntax=None, *, implicit=None, little=None):
    """What a data set is as a file; `syntax` is a name of pydicom.uid, compressed where pydicom can."""
    import pydicom

    if syntax:
        uid = getattr(pydicom.uid, syntax)
        if uid.is_encapsulated:
            file.compress(uid, generate_instance_uid=False)
        else:
            file.file_meta.TransferSyntaxUID = uid
            if uid == pydicom.uid.ExplicitVRBigEndian and file.BitsAllocated == 16:
                file.PixelData = np.frombuffer(file.PixelData, "<u2").astype(">u2").tobytes()
    stream = io.BytesIO()
    if implicit is None:
        file.save_as(stream, enforce_file_format=True)
    else:
        pydicom.dcmwrite(stream, file, implicit_vr=implicit, little_endian=little, force_encoding=True)
    return stream.getvalue()


def nifti_bytes(values, *, affine=None, packed=False, **header):
    """A NIfTI file of an array; `header` sets fields of it last."""
    import nibabel

    image = nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine)
    data = bytearray(image.to_bytes())
    if header:
        changed = nibabel.Nifti1Header(bytes(data[:348]), check=False)
        for name, value in header.items():
            changed[name] = value
        data[:348] = changed.binaryblock
    return gzip.compress(bytes(data), 1) if packed else bytes(data)


@pytest.fixture(scope="session")
def medical():
    """Builders of medical files, a radiograph of 12 bits and a volume in which every axis is told apart."""
    y, x = np.mgrid[0:48, 0:64]
    radiograph = (x * 40 + y * 25).astype(np.uint16)
    radiograph[5:12, 8:20] = 4000
    x, y, z = np.mgrid[0:20, 0:24, 0:28]
    volume = (x * 10 + y * 100 + z * 1000).astype(np.int16)
    return SimpleNamespace(
        dataset=dicom_dataset, dicom=dicom_bytes, nifti=nifti_bytes, radiograph=radiograph, volume=volume
    )
