"""What help texts say an option takes is what the room behind it takes."""

from wsproxy.cli import flags
from wsproxy.mitm.run import MODES
from wsproxy.protocol.grammar import DIALECTS
from wsproxy.replay.matchers import MATCHES
from wsproxy.store.redaction_rules import RULE_FORMS


def test_help_texts_name_what_options_take() -> None:
    """Where this fails, write in wsproxy/cli/flags.py what the room says."""
    assert flags.MATCHES == MATCHES
    assert ", ".join(DIALECTS) == flags.DIALECTS
    assert flags.MODES == MODES
    assert flags.REDACTIONS == RULE_FORMS
