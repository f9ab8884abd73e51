"""mitmproxy's parts that its public interface does not type: asked for in one place."""

from collections.abc import Iterator
from typing import Any, cast

from mitmproxy import addonmanager, ctx, exceptions
from mitmproxy.master import Master


def find_addon(name: str) -> Any:
    """The addon of that name in the running mitmproxy, or None. Relies on AddonManager's `get`."""
    return cast(Any, ctx.master.addons).get(name)


def all_addons(master: Master) -> Iterator[object]:
    """Every addon in order, also those inside others. Relies on AddonManager's `chain` and `traverse`."""
    return cast(Iterator[object], cast(Any, addonmanager).traverse(master.addons.chain))


def set_options(**values: object) -> None:
    """Set options of the running mitmproxy. Raises OptionsError for a value that an addon refuses."""
    cast(Any, ctx.options).update(**values)


def options_error(reason: str) -> exceptions.OptionsError:
    """What to raise when an option's value cannot be used."""
    return cast(exceptions.OptionsError, cast(Any, exceptions.OptionsError)(reason))


def shut_down() -> None:
    """End the running mitmproxy. Any thread may call this."""
    cast(Any, ctx.master).shutdown()
