"""XOR with the masking key, done by the C code of `websockets`.

Source: RFC 6455 section 5.3.
"""

from websockets.speedups import apply_mask as apply_mask_from_start

__all__ = ["apply_mask", "apply_mask_from_start"]


def apply_mask(data: bytes, masking_key: bytes, position: int = 0) -> bytes:
    """Mask or unmask `data`, which starts `position` bytes into the payload data.

    `apply_mask_from_start` is the same for a `position` of 0, without the cost of asking.
    """
    turn = position % 4
    return apply_mask_from_start(data, masking_key[turn:] + masking_key[:turn] if turn else masking_key)
