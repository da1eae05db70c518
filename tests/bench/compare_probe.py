"""Run in a process of its own: opens the Compare page once and prints what that took, as JSON.

Started by `opening.py` with the repository as working directory and MEDLENS_RESULTS set.
"""

import json
import sys
import time
from pathlib import Path

STARTED = time.perf_counter()
HEAVY = ("tensorflow", "keras", "tf_keras_vis")


def main() -> int:
    """Print one JSON object: seconds, peak memory, heavy modules, and what the page showed."""
    from streamlit.testing.v1 import AppTest

    imported = time.perf_counter()
    app = AppTest.from_file(str(Path("app.py").resolve()), default_timeout=120)
    app.switch_page("pages/compare.py")
    processor = time.process_time()
    app.run()
    processor, opened = time.process_time() - processor, time.perf_counter()
    from machine import peak_memory_mb

    memory, again = peak_memory_mb(), time.process_time()
    app.run()
    again = time.process_time() - again
    document = {
        "import_seconds": imported - STARTED,
        "script_seconds": opened - imported,
        "script_processor_seconds": processor,
        "again_seconds": time.perf_counter() - opened,
        "again_processor_seconds": again,
        "peak_memory_mb": memory,
        "heavy_modules": sorted(set(HEAVY) & set(sys.modules)),
        "titles": [title.value for title in app.title],
        "runs_listed": len(app.dataframe[0].value) if len(app.dataframe) else 0,
        "errors": [error.value for error in app.error] + [error.value for error in app.exception],
    }
    print(json.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
