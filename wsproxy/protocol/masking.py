"""XOR with the masking key, done by the C code of `websockets`.

Source: RFC 6455 section 5.3.
"""

from websockets.speedups import apply_mask as _apply_mask


def apply_mask(data: bytes, masking_key: bytes, position: int = 0) -> bytes:
    """Mask or unmask `data`, which starts `position` bytes into the payload data."""
    turn = position % 4
    return _apply_mask(data, masking_key[turn:] + masking_key[:turn] if turn else masking_key)
