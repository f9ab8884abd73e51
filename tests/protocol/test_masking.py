"""Masking is an XOR with the key, from any place in the payload data."""

from hypothesis import given
from hypothesis import strategies as st

from wsproxy.protocol.masking import apply_mask, apply_mask_from_start

keys = st.binary(min_size=4, max_size=4)


def test_rfc_example() -> None:
    assert apply_mask(b"Hello", bytes.fromhex("37fa213d")) == bytes.fromhex("7f9f4d5158")


@given(st.binary(max_size=200), keys, st.integers(0, 1 << 62))
def test_each_byte_meets_its_own_byte_of_the_key(data: bytes, key: bytes, position: int) -> None:
    expected = bytes(byte ^ key[(position + index) % 4] for index, byte in enumerate(data))
    assert apply_mask(data, key, position) == expected


@given(st.binary(max_size=200), keys)
def test_from_the_start_is_from_position_0(data: bytes, key: bytes) -> None:
    assert apply_mask_from_start(data, key) == apply_mask(data, key)
