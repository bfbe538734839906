"""What QuantConnect answered, kept in a file, and answered again later without a network.

`Recorder` writes, `ReplayTransport` reads; what is between them is the format in `_lines.py`. Nothing here knows of
clients and their resources: a recorder is an observer, and a replay is a transport.
"""

from qcasync.recording.recorder import Recorder
from qcasync.recording.replay import RecordingEnded, ReplayTransport

__all__ = ["Recorder", "RecordingEnded", "ReplayTransport"]
