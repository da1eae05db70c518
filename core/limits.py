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
MAX_REQUEST_BYTES = 64 * 1024**2  # a body of the HTTP API: two of the largest pictures, or hundreds of small ones
MAX_BODIES_BYTES = 256 * 1024**2  # bodies of all requests at once: they are held in memory, never on a disk
MAX_FILES_PER_REQUEST = 100  # a batch of this size is answered within seconds; more is asked for in turns
MAX_FORM_PARTS = MAX_FILES_PER_REQUEST + 20  # the files, and fields as few as there are options
MAX_PART_HEADER_BYTES = 4096  # of one part of a form: names and types have some hundred bytes
MAX_FIELD_BYTES = 1024  # of one field of a form: the name of a model or class
MAX_REQUEST_HEADERS = 64  # browsers send about 20
MAX_REQUEST_HEADER_BYTES = 32 * 1024  # cookies of other programs on the same host included
MAX_BODY_SECONDS = 60.0  # 64 MB on a line of 10 Mbit/s; who is slower holds memory that others need
MAX_WAITING_REQUESTS = 32  # at 20 ms each the last one waits under a second; then the client should ask later
MIN_TOKEN_LENGTH = 16  # characters; shorter ones can be guessed over a network
MAX_ZIP_ENTRIES = 300_000  # each costs 0.7 KB of memory for as long as the archive is read
MAX_ZIP_DIRECTORY_BYTES = 64 * 1024**2  # 300,000 entries with names of 160 letters
MAX_ZIP_RATIO = 100  # pictures are packed already and hardly shrink; bombs grow a thousandfold
ZIP_RATIO_FREE_BYTES = 1024**2  # a small blank bitmap shrinks more than that, and harms nobody
MAX_ZIP_TOTAL_BYTES = 1024**4  # a million radiographs; nothing is kept of them, but reading more takes days
MAX_ZIP_NAME_LENGTH = 1_000  # below what file systems take for a path
