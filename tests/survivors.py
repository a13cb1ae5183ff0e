"""Mutants of the engine that its tests let pass, each with the reason, under the name that the run prints."""

SURVIVORS: dict[str, dict[str, str]] = {
    "arguments": {
        (
            'return extension(HANDLE, handle.to_bytes(8, "little")) -> '
            'return extension(HANDLE, handle.to_bytes( 9, "little"))'
        ): "one more byte of zeros is the same number",
    },
    "arrays": {
        "end = start + 3 + 8 * ndim -> end = start + 3 ^ 8 * ndim": "3 and 7 share no bit with a multiple of 8",
        'if dtype.kind == "b": -> if dtype.kind <= "b":': "b is the first kind of DTYPES",
        (
            "if _size(dtype, shape) != len(content) or (part is not None and len(data) != end): -> "
            "if _size(dtype, shape) < len(content) or (part is not None and len(data) != end):"
        ): "NumPy refuses bytes that are too few",
    },
    "judge": {
        "if needs_names: -> if not needs_names:": "each cell of the student's has fetched them, run again too",
    },
    "proxies": {
        'if name != "__signature__": -> if name < "__signature__":': "the two other names come before it",
    },
    "repair": {
        "if positions != sorted(positions): -> if positions > sorted(positions):": "none is smaller than the sorted",
    },
    "wire": {
        "self._depth = 0 -> self._depth = 1": "encode and decode set it before they use it",
        (
            'msgpack.Packer(default=self._extend, strict_types=True, unicode_errors="surrogatepass", buf_size=4096) -> '
            'msgpack.Packer(default=self._extend, strict_types=True, unicode_errors="surrogatepass", **{})'
        ): "a buffer's size costs time alone",
    },
}
