"""The `websocket-client` library, which blocks: each session in a thread."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import websocket
from websocket import ABNF

from tests.rescue.case import Report, Task
from tests.rescue.peers.peer import FAULTS, fault, words_of


@dataclass(slots=True)
class WebsocketClient:
    """`websocket-client` as the client. It gives up by itself after `patience_s`."""

    patience_s: float
    name: str = "websocket-client"
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(32, "websocket-client"))

    async def talk(self, url: str, task: Task, report: Report) -> None:
        """Do the task."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._talk, url, task, report)

    async def stop(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _talk(self, url: str, task: Task, report: Report) -> None:
        connection: Any = None
        try:
            connection = websocket.create_connection(
                url, timeout=self.patience_s, subprotocols=list(task.subprotocols), http_no_proxy=["*"]
            )
            _hold(connection, task, report)
        except websocket.WebSocketTimeoutException:
            report.hung = True
        except Exception as error:
            report.words = words_of(error)
        finally:
            if connection is not None:
                connection.shutdown()


def _hold(connection: Any, task: Task, report: Report) -> None:
    report.stage = "talking"
    for said in task.says:
        connection.send(said, ABNF.OPCODE_TEXT if isinstance(said, str) else ABNF.OPCODE_BINARY)
    for payload in task.pings:
        connection.ping(payload)
    while True:
        got_all = len(report.heard) >= len(task.hears) and len(report.pongs) >= len(task.pings)
        if report.stage == "talking" and got_all:
            report.stage = "closing"
            if task.closes:
                connection.send_close()
        opcode, frame = connection.recv_data_frame(control_frame=True)
        if opcode == ABNF.OPCODE_TEXT:
            report.heard.append(frame.data.decode())
        elif opcode == ABNF.OPCODE_BINARY:
            report.heard.append(bytes(frame.data))
        elif opcode == ABNF.OPCODE_PONG:
            report.pongs.append(frame.data.decode("utf-8", "replace"))
        elif opcode == ABNF.OPCODE_CLOSE:
            report.code = int.from_bytes(frame.data[:2], "big") if frame.data else 1005
            if report.code in FAULTS:
                report.words = fault(report.code, frame.data[2:].decode("utf-8", "replace"))
            else:
                report.stage = "closed"
            return
