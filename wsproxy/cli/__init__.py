"""The command line."""

try:
    from wsproxy.cli.main import main
except KeyboardInterrupt:
    # The imports take a moment, in which the group that turns Ctrl-C into its exit code is not there yet.
    raise SystemExit(130) from None

__all__ = ["main"]
