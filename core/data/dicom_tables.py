"""Words of the DICOM standard that may leave the DICOM reader, and names of what it meets.

A text of a file is told only when it is one of these words: anything else could name a person.
Source: DICOM PS3.3 C.7.3.1.1.1 (modalities), PS3.16 annex L (body parts), PS3.3 C.8.1.3 and C.8.11.5 (views), PS3.6
annex A (transfer syntaxes and storage classes).
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODALITIES = _words(
    """AR ASMT AU BDUS BI BMD CR CT CTPROTOCOL DG DMS DOC DX ECG EPS ES FID GM HC HD IO IOL IVOCT IVUS KER KO LEN LS MG
    MR NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PLAN PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTPLAN RTRECORD
    RTSTRUCT RWV SEG SM SMR SR SRF STAIN TG US VA XA XC"""
)
BODY_PARTS = _words(
    """ABDOMEN ABDOMENPELVIS ANKLE AORTA ARM BLADDER BRAIN BREAST BRONCHUS BUTTOCK CALCANEUS CALF CHEST CHESTABDOMEN
    CHESTABDPELVIS CLAVICLE COCCYX COLON CSPINE CTSPINE EAR ELBOW ESOPHAGUS EXTREMITY EYE FACE FEMUR FINGER FOOT HAND
    HEAD HEADNECK HEART HIP HUMERUS ILIUM JAW KIDNEY KNEE LEG LIVER LSPINE LSSPINE LUNG MANDIBLE MAXILLA MEDIASTINUM
    NECK NECKCHEST NECKCHESTABDOMEN NOSE ORBIT OVARY PANCREAS PATELLA PELVIS PROSTATE RADIUS RADIUSULNA RECTUM RIB
    SACRUM SCALP SCAPULA SHOULDER SKIN SKULL SPINE SPLEEN SSPINE STERNUM STOMACH TESTIS THIGH THUMB THYROID TIBIA
    TIBIAFIBULA TLSPINE TOE TSPINE ULNA UTERUS WHOLEBODY WRIST ZYGOMA"""
)
VIEWS = _words("AP PA LL RL LLD LLO RLD RLO LAT LATERAL OBL CC MLO ML LM FB SIO XCC XCCL XCCM AXIAL")

_NO_IMAGE = "1.2.840.10008.5.1.4.1.1."
KINDS: Mapping[str, str] = MappingProxyType({
    # storage classes by their beginning; then modalities, for files that do not name their class
    _NO_IMAGE + "88.": "a structured report",
    _NO_IMAGE + "104.1": "an encapsulated PDF document",
    _NO_IMAGE + "104.": "an encapsulated document",
    _NO_IMAGE + "481.3": "a set of radiotherapy structures",
    _NO_IMAGE + "481.5": "a radiotherapy plan",
    _NO_IMAGE + "481.8": "a radiotherapy plan",
    _NO_IMAGE + "481.": "a radiotherapy record",
    _NO_IMAGE + "9.": "a recorded waveform",
    _NO_IMAGE + "11.": "a presentation state",
    _NO_IMAGE + "66": "a set of coordinates",
    _NO_IMAGE + "4.2": "a spectrum",
    "1.2.840.10008.1.3.10": "a DICOMDIR",
    "SR": "a structured report", "KO": "a list of key images", "PR": "a presentation state", "DOC": "a document",
    "RTPLAN": "a radiotherapy plan", "RTSTRUCT": "a set of radiotherapy structures", "ECG": "a recorded waveform",
    "REG": "a registration",
})  # fmt: skip

DECODERS: Mapping[str, tuple[str, str]] = MappingProxyType({
    # transfer syntax to (its name, the package that decodes it)
    "1.2.840.10008.1.2": ("Implicit VR Little Endian", ""),
    "1.2.840.10008.1.2.1": ("Explicit VR Little Endian", ""),
    "1.2.840.10008.1.2.2": ("Explicit VR Big Endian", ""),
    "1.2.840.10008.1.2.4.50": ("JPEG Baseline", "pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.51": ("JPEG Extended", "pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.57": ("JPEG Lossless", "pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.70": ("JPEG Lossless", "pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.80": ("JPEG-LS", "pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.81": ("JPEG-LS", "pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.90": ("JPEG 2000", "pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.4.91": ("JPEG 2000", "pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.4.92": ("JPEG 2000 Part 2", ""),
    "1.2.840.10008.1.2.4.93": ("JPEG 2000 Part 2", ""),
    "1.2.840.10008.1.2.4.94": ("JPIP, pixels that lie on a server", ""),
    "1.2.840.10008.1.2.4.95": ("JPIP, pixels that lie on a server", ""),
    "1.2.840.10008.1.2.4.100": ("an MPEG-2 video", ""),
    "1.2.840.10008.1.2.4.101": ("an MPEG-2 video", ""),
    "1.2.840.10008.1.2.4.102": ("an H.264 video", ""),
    "1.2.840.10008.1.2.4.103": ("an H.264 video", ""),
    "1.2.840.10008.1.2.4.107": ("an H.265 video", ""),
    "1.2.840.10008.1.2.4.110": ("JPEG XL", ""),
    "1.2.840.10008.1.2.4.111": ("JPEG XL", ""),
    "1.2.840.10008.1.2.4.112": ("JPEG XL", ""),
    "1.2.840.10008.1.2.4.201": ("High-Throughput JPEG 2000", "pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.4.202": ("High-Throughput JPEG 2000", "pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.4.203": ("High-Throughput JPEG 2000", "pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.5": ("RLE Lossless", "pylibjpeg-rle"),
})  # fmt: skip


def known_word(file: "Dataset", keyword: str, words: Collection[str]) -> str:
    """The first value of an element when it is one of `words`, else an empty text."""
    try:
        value = file.get(keyword)
        text = str(value if isinstance(value, str) or not hasattr(value, "__getitem__") else value[0])
    except (AttributeError, IndexError, KeyError, NotImplementedError, TypeError, ValueError):
        return ""
    text = text.strip().upper()
    return text if text in words else ""
