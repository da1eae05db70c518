"""Names of session keys and query parameters: one place, so that two pages never mean different things.

The choices that stand in the URL (pages/ui/linked.py): `?model=`, `?dataset=`, `?task=`, `?run=`, `?source=`,
`?question=`.
"""

MODEL = "model"
DATASET = "dataset"
TASK = "task"
RUN = "run"
SOURCE = "source"  # of published figures
QUESTION = "question"  # a task in the words of a source
PLAN = "plan"  # a shipped plan on the Train page

PREDICTED = "predicted"  # session state: (model, its state, picture, method, layer, numbers) -> PredictionResult
TRUST = "trust"  # session state: (model state, picture, method, layer, class, numbers) -> Hiding
RANDOM_MAPS = "random-maps"  # session state: of the last picture, maps of networks with random weights
RANDOM_ASKED = "random-asked"  # session state: the key of RANDOM_MAPS that was asked for last
PLAYED = "played"  # session state: the Picture that was brought to the playground
PLAYED_ROUND = "played-round"  # session state: how often its controls were put back; new widgets each time
DECODED = "decoded"  # session state: (digest, frame) -> Picture, of the files that are uploaded now
UNPACKED = "unpacked"  # session state: (ids of the uploads, their files), entries of ZIPs one by one
HEADERS = "headers"  # session state: digest -> ImageHeader of the same files
SAMPLE = "sample"  # session state: the sample chosen last
NETWORKS = "networks"  # session state: sha256 of a file -> ForeignReport
GALLERY = "gallery"  # session state: tuple of GalleryItem, the newest first
GALLERY_DROPPED = "gallery-dropped"  # session state: how many older pictures made room
TRIAGE = "triage"  # session state: (model sha256, file key) -> Scored, of the pictures on the reading list now
TRIAGE_ROUND = "triage-round"  # session state: how often the list was cleared; a new uploader each time
TRIAGE_PHANTOMS = "triage-phantoms"  # session state: whether phantoms fill the list

LESSON = "lesson"  # query parameter of the Learn page: a key of core/registry/lessons.py
LIVE_LESSON = "live"  # query parameter of the lesson on networks: "1" for a network and a picture of one's own
LESSON_TRACES = "lesson-traces"  # session state: (model, its sha256, picture) -> (Trace, is it unlike?), a few of them
PRESENT = "present"  # query parameter: "1" for the presenter's view
TOUR, STEP = "tour", "step"  # query parameters: a tour of pages/tours/ and its step, from 1
LANGUAGE = "lang"  # query parameter and session state: a key of core.language.LANGUAGES
LANGUAGE_SEEN = "lang-seen"  # session state: what the URL last said of it
ERROR_MAPS = "error-maps"  # session state: (model, its sha256, image, class) -> (small heat map, is it empty?)
ERROR_MAPS_ASKED = "error-maps-asked"  # session state: the keys of ERROR_MAPS that are to be made now
QUIZ = "quiz"  # session state: the QuizRound that is being played
