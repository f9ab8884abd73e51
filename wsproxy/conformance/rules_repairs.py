"""The rules of the table that only a repair knows of, by their id."""

from collections.abc import Mapping
from types import MappingProxyType

from wsproxy.conformance.rule import Rule
from wsproxy.conformance.rules_receiver import RECEIVER_RULES

REPAIR_RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in RECEIVER_RULES})
