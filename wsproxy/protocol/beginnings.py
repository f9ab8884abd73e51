"""What two byte strings, texts or lists have in common."""


def common_length[T: (bytes, str, list[str])](one: T, other: T) -> int:
    """How long a beginning the two have in common; long ones are compared as fast as slices are."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
