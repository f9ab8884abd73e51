"""How the story ends: the box is gone, and its recording answers."""

import asyncio

from wsproxy.demo.device import PATH
from wsproxy.demo.story import ask_with_websockets
from wsproxy.errors import ReachError
from wsproxy.replay import serve
from wsproxy.replay.report import ReplayReport


def replay_story(recording: str, session: int) -> ReplayReport:
    """Have a real client talk to the device in that session of the recording; what passed.

    Raises ReachError if the client does not get what was recorded.
    """
    with serve(recording, session) as replay:
        asyncio.run(ask_with_websockets(replay.url(PATH)))
        report = replay.report()
    if report.mismatches or report.unplayed:
        raise ReachError(f"the recorded box did not play its part; try again. {report.text}")
    return report
