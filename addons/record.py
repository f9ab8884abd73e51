"""Records every WebSocket session: `mitmdump -s addons/record.py --set wsproxy_recording=PATH_OR_URL`.

With mitmweb and mitmproxy, too. It does what `wsproxy record` does; `--options` lists all of `wsproxy_*`.
"""

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader

from wsproxy.mitm.addon import wsproxy_addons

DEFAULT_RECORDING = "recordings/wsproxy.db"


class RecordByDefault:
    """Records to the usual place if no other is given."""

    def load(self, loader: Loader) -> None:
        """Set it before the command line is applied."""
        ctx.options.wsproxy_recording = ctx.options.wsproxy_recording or DEFAULT_RECORDING


addons = [*wsproxy_addons(), RecordByDefault()]
