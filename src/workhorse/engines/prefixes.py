"""Keys under a prefix, where keys are in the order of code points."""


def beyond(prefix: str) -> str:
    """The first key after all that begin with the prefix."""
    for length in range(len(prefix), 0, -1):
        if (last := ord(prefix[length - 1])) < 0x10FFFF:
            following = 0xE000 if last == 0xD7FF else last + 1
            return prefix[: length - 1] + chr(following)
    return chr(0x10FFFF) * 4
