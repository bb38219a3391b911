"""Tools for tests of channels and of whatever uses them: a fake that records, and the suite that every channel passes.

`RecordingChannel` is a whole channel in memory with scripted answers: see `recording.py`. `ChannelConformance` is the
suite: see `conformance.py`; `HardCases` adds a far side that misbehaves: see `hard_cases.py`. `registered` makes a
channel known to the registry while a test lasts:

    with registered(RecordingChannel):
        schedule = {"channel": "recording", "connection": "test", "to": ["ada@example.com"]}
"""

from prefect_mailroom.channels.registry import registered
from prefect_mailroom.testing.conformance import ChannelConformance
from prefect_mailroom.testing.far_side import FarSide, parcel_for
from prefect_mailroom.testing.hard_cases import HardCases, HardFarSide
from prefect_mailroom.testing.recorder import Answer, Recorder
from prefect_mailroom.testing.recording import RecordingChannel, RecordingDestination

__all__ = [
    "Answer",
    "ChannelConformance",
    "FarSide",
    "HardCases",
    "HardFarSide",
    "Recorder",
    "RecordingChannel",
    "RecordingDestination",
    "parcel_for",
    "registered",
]
