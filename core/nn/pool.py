"""The models in memory, one copy each for the whole process: the app's pages and the HTTP API share them."""

import threading
from collections import OrderedDict
from pathlib import Path

from core.nn.serving import Predictor
from core.store.models import CARD, model_folder

MAX_LOADED = 4  # a MobileNetV2 takes 30 to 60 MB; the least recently used one makes room

_lock = threading.Lock()
_loading: dict[tuple[str, str], threading.Lock] = {}
_loaded: OrderedDict[tuple[str, str], tuple[object, Predictor]] = OrderedDict()


def shared_predictor(name: str, folder: Path | None = None) -> Predictor:
    """The predictor of the model `name`, loaded at the first call and again when its card has changed on disk.

    Safe for several threads: who comes while a model loads waits for it, other models go on.
    Raises: what `Predictor.load` raises; nothing is kept then.
    """
    where = model_folder(name, folder)
    key, stamp = (name, str(where)), _stamp(where / CARD)
    with _lock:
        turn = _loading.setdefault(key, threading.Lock())
    with turn:
        with _lock:
            known = _loaded.get(key)
            if known is not None and known[0] == stamp:
                _loaded.move_to_end(key)
                return known[1]
        predictor = Predictor.load(name, folder)
        with _lock:
            _loaded[key] = (stamp, predictor)
            _loaded.move_to_end(key)
            while len(_loaded) > MAX_LOADED:
                _loaded.popitem(last=False)
    return predictor


def _stamp(card: Path) -> tuple[int, int] | None:
    """Size and time of change of the card: a model that was exported again has another one."""
    try:
        status = card.stat()
    except OSError:  # Predictor.load says what is wrong
        return None
    return status.st_size, status.st_mtime_ns


def loaded_models() -> tuple[str, ...]:
    """Names of the models in memory, the most recently used one last."""
    with _lock:
        return tuple(name for name, _folder in _loaded)
