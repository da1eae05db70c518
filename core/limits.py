"""One table of size, time and depth limits, each with its reason.

Every check of what comes in reads its number here, so that a limit is changed in one place.
"""

MAX_IMAGE_BYTES = 32 * 1024**2  # a 12-bit mammogram as PNG has about 25 MB; more is a mistake or an attack
MAX_IMAGE_PIXELS = 64_000_000  # 8,000 x 8,000: above every plain radiograph, below what fills this memory
MIN_IMAGE_SIDE_PX = 16  # less holds no anatomy at all
MAX_IMAGE_ASPECT = 10.0  # a 3 x 5,000 strip is no radiograph
MAX_JPEG_SCANS = 200  # progressive files have about ten; each is a pass over every pixel
MAX_TIFF_ENTRIES = 100_000  # of all pages together: 5,000 pages with 20 entries each
MAX_DICOM_DEPTH = 50  # sequences within sequences; enhanced CT and MR have about six
MAX_DICOM_FRAMES = 200  # a cine loop or a volume that a person still chooses a frame from
MAX_DICOM_ELEMENTS = 400_000  # of all levels: 200 frames with their own groups have about 30,000
MAX_DICOM_FRAGMENTS = 4_000  # pieces of compressed pixels: 200 frames in pieces of some kilobytes
MAX_VOLUME_BYTES = 512 * 1024**2  # all frames or voxels as stored; also where inflating stops
MAX_DECODE_SECONDS = 10.0  # of a child process over one file; the largest good one takes about two
MAX_DECODER_BYTES = 2 * 1024**3  # address space of that child: a volume of 512 MB, and what is made of it
MAX_DECODERS = 4  # such children at once; each is one core at work and about 80 MB
MAX_FRAME_TEXT_LENGTH = 40  # "sagittal:1024:200" and blanks
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
MAX_MODEL_CONFIG_BYTES = 10 * 1024**2  # the layers of EfficientNetB7 as JSON have 1 MB
MAX_MODEL_CONFIG_DEPTH = 100  # of nested JSON; a network nested three times has about 30
MAX_MODEL_MEMBER_RATIO = 20  # Keras stores its files unpacked; packed again, JSON shrinks about tenfold
MAX_MODEL_PARAMETERS = 300_000_000  # VGG16 with its dense layers has 138 million: 1.2 GB as float32
MAX_MODEL_ACTIVATIONS = 500_000_000  # numbers between the layers for one image, all together: 2 GB as float32
MAX_MODEL_LAYERS = 5_000  # calls of layers; a network nested and called again and again would grow without end
MAX_MODEL_OBJECTS = 100_000  # groups and data sets of an HDF5 file: two or three per layer
MAX_MODEL_CLASSES = 1_000  # as many as ImageNet has; every one of them gets a heat map
MAX_MODEL_SIDE_PX = 1_024  # of the picture that a network takes
MAX_TABLE_COLUMNS = 64  # numbers about a patient that go in beside the picture; they are typed by hand
MODEL_CHILD_BYTES = 4 * 1024**3  # address space of a process that tries a network; TensorFlow alone takes 1.8 GB
MODEL_LOAD_SECONDS = 60.0  # TensorFlow starts in 5 to 10 seconds, VGG16 is read in 5
MODEL_PREDICT_SECONDS = 30.0  # for a few images; a network this slow is of no use on a page
