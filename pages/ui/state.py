"""Names of session keys and query parameters: one place, so that two pages never mean different things.

A key bound to the URL is the name of its query parameter: `?model=`, `?dataset=`, `?task=`, `?run=`.
"""

MODEL = "model"
DATASET = "dataset"
TASK = "task"
RUN = "run"
URL = "query-params"  # value of `bind=` that ties a widget to the URL

PREDICTED = "predicted"  # session state: (model, model state, picture digest, reference?) -> PredictionResult
DECODED = "decoded"  # session state: digest -> Picture, of the files that are uploaded now
SAMPLE = "sample"  # session state: the sample chosen last
