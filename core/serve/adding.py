"""Who may add networks on the pages, how many, and how large: a server that others reach is not theirs to fill.

The command line is not asked: whoever can call it runs the server.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from core import limits, paths
from core.errors import ModelRefused, SpecInvalid
from core.language import said
from core.serve.access import TOKEN_VARIABLE, is_loopback
from core.store.models import list_models, model_folder

SWITCH = "MEDLENS_MODELS_ADD"

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Room:
    """What visitors have added so far: networks, and bytes of their folders."""

    models: int
    used_bytes: int


def who_may_add(address: str, hosts: Sequence[str]) -> Literal["everyone here", "switched off", "shared without token"]:
    """Whether visitors of a server may add networks.

    Without MEDLENS_MODELS_ADD: at an address that only this machine reaches, and under no name of others; or with a
    token, for then everybody who opens the pages has it. "on" and "off" decide otherwise.

    Args:
        address: that the server is bound to; "" is every address.
        hosts: names under which it may be called.
    Raises: SpecInvalid when the switch is neither on nor off.
    """
    switch = os.environ.get(SWITCH, "").strip().lower()
    if switch not in ("", "on", "off"):
        raise SpecInvalid(said("{switch} is {value}; expected is on or off.", switch=SWITCH, value=repr(switch[:20])))
    if switch:
        return "everyone here" if switch == "on" else "switched off"
    alone = is_loopback(address) and all(is_loopback(host) for host in hosts)
    return "everyone here" if alone or os.environ.get(TOKEN_VARIABLE, "").strip() else "shared without token"


def room() -> Room:
    """What stands in models/ of networks that were brought along, the command line's included."""
    added = [card for card in list_models().cards if card.source_file]
    files = [path for card in added for path in model_folder(card.name).iterdir() if path.is_file()]
    return Room(models=len(added), used_bytes=sum(path.stat().st_size for path in files))


@contextmanager
def room_for(upload_bytes: int) -> Iterator[None]:
    """While one network is added. Raises ModelRefused when there are too many, or they are too large together."""
    with _one_at_a_time:  # two that fit one by one may not fit together
        found = room()
        if found.models >= limits.MAX_ADDED_MODELS:
            raise ModelRefused(
                said(
                    "{models} networks were added to this server already, and {most} may be. Whoever runs it "
                    "can delete a folder in {name}/.",
                    models=found.models,
                    most=limits.MAX_ADDED_MODELS,
                    name=paths.models_folder().name,
                )
            )
        # its own format, and twice more as ONNX graphs
        if found.used_bytes + 3 * upload_bytes > limits.MAX_ADDED_BYTES:
            raise ModelRefused(
                said(
                    "The networks that were added here take {used_bytes:.1f} GB, and this one would need "
                    "{upload_bytes:.1f} GB more; {most:.1f} GB are set aside for them.",
                    used_bytes=found.used_bytes / 1e9,
                    upload_bytes=3 * upload_bytes / 1e9,
                    most=limits.MAX_ADDED_BYTES / 1e9,
                )
            )
        yield
