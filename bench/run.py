"""One run: every workload, every contestant, interleaved so that drift hits all alike."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import process
from bench.client import BenchError
from bench.contestants import Contestant, Relay, end, start, start_device
from bench.results import Results
from bench.scale import Scale
from bench.workloads import Workload, decoding, replaying
from bench.workloads.echo import Echo
from bench.workloads.growth import Growth
from bench.workloads.idle import Idle
from bench.workloads.large_frame import LargeFrame
from bench.workloads.messages import LargeMessages, SmallMessages

WORKLOADS = (Echo, SmallMessages, LargeMessages, LargeFrame, Growth, Idle)


def progress(line: str) -> None:
    """Tell the user what is going on."""
    print(line, file=sys.stderr, flush=True)


class Run:
    """One run over `contestants`; what fails is noted and not tried again in later rounds."""

    def __init__(self, scale: Scale, contestants: Sequence[Contestant]) -> None:
        self.results = Results(scale)
        self.scale = scale
        self.contestants = contestants
        self.failed: set[str] = set()
        self.began = time.monotonic()

    def relays(self, workloads: Sequence[Workload]) -> None:
        """Measure the workloads; those that do not look at memory share their relays."""
        sharing = [workload for workload in workloads if not workload.memory]
        with self._stage() as (stack, device_port, folder):
            running = self._start(stack, self.contestants, device_port, folder) if sharing else []
            for workload in sharing:
                self.results.rows += workload.rows(self.scale)
                for number in range(workload.rounds(self.scale)):
                    self._round(workload, running, number)
        for workload in workloads:
            if workload.memory:
                self._with_new_relays(workload)

    def _with_new_relays(self, workload: Workload) -> None:
        self.results.rows += workload.rows(self.scale)
        entrants = [one for one in self.contestants if not workload.skips(one, self.scale)]
        for number in range(workload.rounds(self.scale)):
            with self._stage() as (stack, device_port, folder):
                self._round(workload, self._start(stack, entrants, device_port, folder), number)

    @contextmanager
    def _stage(self) -> Iterator[tuple[ExitStack, int, Path]]:
        """A device that runs and a folder for the relays; what is put on the stack ends first."""
        with ExitStack() as stack:
            device_port = stack.enter_context(_device())
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wsproxy-bench-"))
            yield stack, device_port, Path(folder)

    def _start(
        self, stack: ExitStack, entrants: Iterable[Contestant], device_port: int, folder: Path
    ) -> list[Relay]:
        running = []
        for contestant in entrants:
            with self._noted(f"start {contestant.title}"):
                relay = start(contestant, device_port, folder / contestant.key)
                stack.callback(relay.stop)
                running.append(relay)
        ready = []
        for relay in running:
            with self._noted(f"start {relay.contestant.title}"):
                relay.wait_ready()
                ready.append(relay)
        return ready

    def _round(self, workload: Workload, running: list[Relay], number: int) -> None:
        which = f"{number + 1}/{workload.rounds(self.scale)}"
        for relay in _rotated(running, number):
            name = f"{workload.name} {relay.contestant.title}"
            if name in self.failed:
                continue
            self._say(f"{which} {name}")
            self.failed.add(name)
            with self._noted(name):
                self.results.add(relay.contestant.key, workload.measure(relay, self.scale))
                self.failed.remove(name)
            process.wait_quiet(relay.pid)

    def decoding(self) -> None:
        """Measure the decoders, in this process."""
        self.results.rows += decoding.rows()
        names = list(decoding.DECODERS)
        for number in range(self.scale.rounds):
            for name in _rotated(names, number):
                self._say(f"{number + 1}/{self.scale.rounds} decoding {name}")
                with self._noted(f"decoding {name}"):
                    self.results.add(name, decoding.measure(name, self.scale))

    def replaying(self) -> None:
        """Measure the replayed device."""
        self.results.rows += replaying.rows()
        for number in range(self.scale.memory_rounds):
            self._say(f"{number + 1}/{self.scale.memory_rounds} replaying")
            with self._noted("replaying"):
                self.results.add(replaying.COLUMN, replaying.measure(self.scale))

    def _say(self, what: str) -> None:
        progress(f"{time.monotonic() - self.began:6.1f} s  {what}")

    @contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        try:
            yield
        except (BenchError, OSError, ImportError) as error:
            note = f"{what}: {error or type(error).__name__}"
            if note not in self.results.notes:
                self.results.notes.append(note)
            progress(f"          {note}")


@contextmanager
def _device() -> Iterator[int]:
    device, port = start_device()
    try:
        yield port
    finally:
        end(device)


def _rotated[T](items: Sequence[T], by: int) -> list[T]:
    """The same items, begun `by` places later: who comes first changes from round to round."""
    by %= len(items) or 1
    return [*items[by:], *items[:by]]


def run(
    scale: Scale,
    contestants: Sequence[Contestant],
    workloads: Iterable[Callable[[], Workload]] = WORKLOADS,
    decode: bool = True,
    replay: bool = True,
) -> Results:
    """Measure everything asked for and return it."""
    one = Run(scale, contestants)
    if decode:
        one.decoding()
    if replay:
        one.replaying()
    one.relays([workload() for workload in workloads])
    return one.results
