"""One table of size, time and depth limits, each with its reason.

Every check of what comes in reads its number here, so that a limit is changed in one place.
"""

MAX_IMAGE_BYTES = 32 * 1024**2  # a 12-bit mammogram as PNG has about 25 MB; more is a mistake or an attack
MAX_IMAGE_PIXELS = 64_000_000  # 8,000 x 8,000: above every plain radiograph, below what fills this memory
MIN_IMAGE_SIDE_PX = 16  # less holds no anatomy at all
MAX_IMAGE_ASPECT = 10.0  # a 3 x 5,000 strip is no radiograph
MAX_JPEG_SCANS = 200  # progressive files have about ten; each is a pass over every pixel
MAX_TIFF_ENTRIES = 100_000  # of all pages together: 5,000 pages with 20 entries each
MAX_FILES_PER_UPLOAD = 20  # what one page can show side by side without hiding a refusal
MAX_CSV_BYTES = 256 * 1024**2  # Data_Entry_2017.csv has 8 MB; a table this large is not one of ours
MAX_ARRAY_BYTES = 4 * 1024**3  # the images of one MedMNIST split at 224 px; they are held in memory
MAX_RUN_JSON_BYTES = 16 * 1024**2  # a record with curves of 14 classes has under 1 MB
MAX_PREDICTIONS_BYTES = 512 * 1024**2  # a million rows of 14 classes
MAX_CARD_BYTES = 4 * 1024**2  # golden outputs included
MAX_MODEL_BYTES = 512 * 1024**2  # VGG16 with its dense layers has 528 MB; nothing larger is served
