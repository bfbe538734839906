"""A simulated project, served from a process of its own, so that it does not share the interpreter that is measured."""

import base64
import contextlib
import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator

WINDOW = 100


class Target:
    """The served project, and what signs requests to it."""

    def __init__(self, text: str) -> None:
        self.text = text
        values = dict(re.findall(r"^export (\w+)=(\S+)$", text, re.MULTILINE))
        self.base_url = values["QC_BASE_URL"]
        self.user_id = values["QUANTCONNECT_USER_ID"]
        self.api_token = values["QUANTCONNECT_API_TOKEN"]
        self.project_id = int(re.findall(r"^# project (\d+)", text, re.MULTILINE)[0])

    def headers(self) -> dict[str, str]:
        """What the documentation tells users to send."""
        timestamp = str(int(time.time()))
        digest = hashlib.sha256(f"{self.api_token}:{timestamp}".encode()).hexdigest()
        pair = base64.b64encode(f"{self.user_id}:{digest}".encode()).decode()
        return {"Authorization": f"Basic {pair}", "Timestamp": timestamp}

    def window(self, start: int) -> dict[str, int]:
        """The body of a request."""
        return {"projectId": self.project_id, "start": start, "end": start + WINDOW}


@contextlib.contextmanager
def served(orders: int, latency: float) -> Iterator[Target]:
    """Serve a project from another process."""
    command = [sys.executable, "-m", "qcasync.simulator", "--projects", str(orders), "--latency", str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        text = ""
        while "QUANTCONNECT_API_TOKEN" not in text or "QC_BASE_URL" not in text:
            line = process.stdout.readline()
            if not line:
                raise SystemExit("the simulator did not start")
            text += line
        yield Target(text)
    finally:
        process.terminate()
        process.wait()
