"""Tasks and reports as JSON, for peers that are not Python."""

import base64
from typing import Any

from tests.rescue.case import Message, Report, Task


def task_to_json(task: Task) -> dict[str, Any]:
    """The task; of the messages to hear, their number."""
    return {
        "says": [
            {"text": said} if isinstance(said, str) else {"binary": base64.b64encode(said).decode()}
            for said in task.says
        ],
        "hears": len(task.hears),
        "pings": list(task.pings),
        "closes": task.closes,
        "echoes": task.echoes,
        "subprotocols": list(task.subprotocols),
    }


def fill(report: Report, told: dict[str, Any]) -> None:
    """Note in the report what was told."""
    report.stage, report.pongs = told["stage"], told["pongs"]
    report.heard = [_message(each) for each in told["heard"]]
    report.code, report.words = told["code"], told["words"]


def _message(told: dict[str, str]) -> Message:
    return told["text"] if "text" in told else base64.b64decode(told["binary"])
