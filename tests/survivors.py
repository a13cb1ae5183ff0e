"""Mutants of the engine that its tests let pass, each with the reason, under the name that the run prints."""

ALONE = "the list has one entry"
APART = "3 shares no bit with a multiple of 8"
FEW = "NumPy refuses bytes that are too few"
FIRST = "b is the first kind of DTYPES"
MORE = "it is refused for its length all the same"
COUNTED = "they are of one number"
LARGEST = "no byte is larger"
LARGER = "the larger of two in either order"
NO_ROOM = "neither is room"
NO_ZERO = "a number that is cached is not 0"
UNUSED = "nobody looks at it where none is cached"
SMALLER = "of MIRROR and COPY the first is the smaller one"
MOMENTS = "a moment is compared with itself alone"
NO_BODY = "a head alone takes the longer way to the same empty body"

EACH_SENT = "for stream, state in zip(self._all, sent, "
DRAWN_AGAIN = "again = [kind.stand_in is None and kind.seedings "
OF_BOTH = " for kind, (_, n) in zip(SEEDING, shared, "

SURVIVORS: dict[str, dict[str, str]] = {
    "added": {
        "if order == sorted(order): -> if order <= sorted(order):": "none is smaller than the sorted",
        (
            'code = {position: cell for position, cell in stands.items() if cell.cell_type == "code"} -> '
            'code = {position: cell for position, cell in stands.items() if cell.cell_type <= "code"}'
        ): "markdown and raw come after it",
        (
            'return names_in(cell.source if cell.cell_type == "code" else "") -> '
            'return names_in(cell.source if cell.cell_type <= "code" else "")'
        ): "markdown and raw come after it",
        (
            "limits = [index - 1 for lower, index, used in needs if lower > position and not used.isdisjoint(helped)] "
            "-> "
            "limits = [index - 1 for lower, index, used in needs if lower >= position and not used.isdisjoint(helped)]"
        ): "a cell of the student's own is none of these",
        (
            "awaited[name] = min(place, awaited.get(name, place)) -> "
            "awaited[name] = min(awaited.get(name, place), place)"
        ): "the smaller one is the same",
    },
    "arrays": {
        (
            "rest = bytearray(memoryview(data)[3 + 8 * ndim :]) -> rest = bytearray(memoryview(data)[3 ^ 8 * ndim :])"
        ): APART,
        (
            "rest = bytearray(memoryview(data)[3 + 8 * ndim :]) -> rest = bytearray(memoryview(data)[3 | 8 * ndim :])"
        ): APART,
        'if dtype.kind == "b": -> if dtype.kind <= "b":': FIRST,
        'if dtype.kind == "b": -> if dtype.kind <= "b": (place 2)': FIRST,
        (
            "if not dtype.itemsize or _size(dtype, shape) != len(content): -> "
            "if not dtype.itemsize or _size(dtype, shape) < len(content):"
        ): FEW,
        (
            "if _size(dtype, shape) != len(content) or (part is not None and rest): -> "
            "if _size(dtype, shape) < len(content) or (part is not None and rest):"
        ): FEW,
        "if len(data) != 1 + dtype.itemsize: -> if len(data) > 1 + dtype.itemsize:": FEW,
    },
    "channel": {
        "if len(first) >= 8: -> if len(first) > 8:": NO_BODY,
        "if len(first) >= 8: -> if len(first) >= 9:": NO_BODY,
        (
            "if count == 0 and size == len(first) - 8 <= self.codec.max_body: -> "
            "if count <= 0 and size == len(first) - 8 <= self.codec.max_body:"
        ): "the count has no sign",
        (
            "if count == 0 and size == len(first) - 8 <= self.codec.max_body: -> "
            "if count == 0 and size == len(first) - 8 < self.codec.max_body:"
        ): "the longest body is copied then, and is the same",
        "first = self.sock.recv(65536) -> first = self.sock.recv( 65537)": "any size of a read will do",
        "first = self.sock.recv(65536) -> first = self.sock.recv( 65535)": "any size of a read will do",
        "have = min(length, len(rest)) -> have = min(len(rest), length)": "the smaller one is the same",
    },
    "judge": {
        'if raw["cell_type"] == "code": -> if raw["cell_type"] <= "code":': "markdown and raw come after it",
        (
            'if cell is not None and cell.kind == "test": -> if cell is not None and cell.kind >= "test":'
        ): "text, the one kind after it, is no code",
        (
            'if tasks and timeouts < ENDLESS and check.status == "timed out": -> '
            'if tasks and timeouts < ENDLESS and check.status >= "timed out":'
        ): "no status comes after it",
        (
            "share = AGAIN if cell and self._timeouts(cell)[0] else 1.0 -> "
            "share = AGAIN if cell and self._timeouts(cell)[ 1] else 1.0"
        ): "tasks are named where checks are counted",
        (
            "share = AGAIN if cell and self._timeouts(cell)[0] else 1.0 -> "
            "share = AGAIN if cell and self._timeouts(cell)[ -1] else 1.0"
        ): "tasks are named where checks are counted",
        (
            "elif len(tasks) == 1 and reason is None: -> elif len(tasks) <= 1 and reason is None:"
        ): "of no task there is nothing to note",
    },
    "life": {
        (
            'why = f" ({share:.0%} of the usual, since what it uses ran out of time before)" if share < 1 else "" -> '
            'why = f" ({share:.0%} of the usual, since what it uses ran out of time before)" if share != 1 else ""'
        ): "no share is above 1",
        "with self._alarm(min(limit, half)): -> with self._alarm(min(half, limit)):": "the smaller one is the same",
        ("signal.setitimer(signal.ITIMER_REAL, 0) -> signal.setitimer(0, signal.ITIMER_REAL)"): "ITIMER_REAL is 0",
    },
    "callbacks": {
        "if number == len(self._functions): -> if number >= len(self._functions):": "it is never more",
        (
            "same_values = not isinstance(now, dict) or all(map(_is_same, now.values(), before.values())) -> "
            "same_values = not isinstance(now, dict) or all(map(_is_same, before.values(), now.values()))"
        ): "each is the same as the other",
        (
            "return len(now) == len(before) and all(map(_is_same, now, before)) and same_values -> "
            "return len(now) == len(before) and all(map(_is_same, before, now)) and same_values"
        ): "each is the same as the other",
    },
    "containers": {
        "while len(values) % SLICE == 0: -> while len(values) % SLICE <= 0:": "no remainder is smaller",
        "if seen.moment != moment: -> if seen.moment < moment:": "moments go on alone",
        (
            "_require_same(len(keys) == len(answer) and seen.length in (None, len(keys))) -> "
            "_require_same(len(keys) >= len(answer) and seen.length in (None, len(keys)))"
        ): "they are never more",
        (
            "seen.known = dict(zip(keys, values, strict=True)) | seen.known -> "
            "seen.known = dict(zip(keys, values, strict=False)) | seen.known"
        ): COUNTED,
        (
            "seen.known = dict(zip(keys, values, strict=True)) | seen.known -> "
            "seen.known = dict(zip(keys, values, **{})) | seen.known"
        ): COUNTED,
    },
    "session": {
        (
            "content_alone or kind != protocol.VALUE -> content_alone or kind < protocol.VALUE"
        ): "both other kinds come before it",
        (
            'return self._answer(message[0], of_result or message[0] == "call") -> '
            'return self._answer(message[0], of_result or message[0] <= "call")'
        ): "of what comes before it, to bind a name, nothing is asked back",
        (
            "self._mirrored = self._mirrored or code == MIRROR -> self._mirrored = self._mirrored or code <= MIRROR"
        ): SMALLER,
        (
            "if code == COPY and type(content) is not np.ndarray: -> "
            "if code >= COPY and type(content) is not np.ndarray:"
        ): SMALLER,
        (
            "keep = self._mirrors.mirror if code == MIRROR else self._mirrors.copy -> "
            "keep = self._mirrors.mirror if code <= MIRROR else self._mirrors.copy"
        ): SMALLER,
        "self.moment = 0 -> self.moment = 1": MOMENTS,
        "self.moment = 0 -> self.moment = -1": MOMENTS,
        "self.moment += operation not in protocol.LOOKS -> self.moment -= operation not in protocol.LOOKS": MOMENTS,
    },
    "mirrors": {
        (
            "elif sys.getrefcount(array) <= 3: -> elif sys.getrefcount(array) == 3:"
        ): "the pair, the name and the argument are always there",
    },
    "outputs": {
        (
            'data = text[: self.room + 1].encode("utf-8", "surrogatepass") -> '
            'data = text[: self.room << 1].encode("utf-8", "surrogatepass")'
        ): MORE,
        (
            'data = text[: self.room + 1].encode("utf-8", "surrogatepass") -> '
            'data = text[: self.room + 2].encode("utf-8", "surrogatepass")'
        ): MORE,
        'return 2 if self.name == "stderr" else 1 -> return 2 if self.name <= "stderr" else 1': "stdout comes after it",
        "elif self.room > 0: -> elif self.room != 0:": "with less than no room nothing comes here",
        "self.room = 0 -> self.room = -1": NO_ROOM,
        "self.room = 0 -> self.room = -1 (place 2)": NO_ROOM,
        "limit = max(limit - len(line), 0) -> limit = max(0, limit - len(line))": LARGER,
    },
    "pictures": {
        "place = 2 -> place = 1": "the FF that comes next is skipped as one that fills up",
        'return kind == b"acTL" -> return kind >= b"acTL"': "the other is IDAT",
        "while data[place] == 0xFF: -> while data[place] >= 0xFF:": LARGEST,
        "if marker == 0xFF: -> if marker >= 0xFF:": LARGEST,
        (
            'place += 12 + int(struct.unpack_from(">I", data, place)[0]) -> '
            'place += 12 + int(struct.unpack_from(">I", data, place)[ -1])'
        ): ALONE,
        (
            'place += 2 + int(struct.unpack_from(">H", data, place + 2)[0]) -> '
            'place += 2 + int(struct.unpack_from(">H", data, place + 2)[ -1])'
        ): ALONE,
    },
    "randomness": {
        (
            "near = np.flatnonzero(np.isclose(self._kept(ones[:-2], ones[2:], np), cached, rtol=SAME, atol=0.0)) -> "
            "near = np.flatnonzero(np.isclose(self._kept(ones[:-2], ones[2:], np), cached, rtol=SAME, atol= -1.0))"
        ): "here the two logarithms agree in every digit",
        (
            "near = np.flatnonzero(np.isclose(self._kept(ones[:-2], ones[2:], np), cached, rtol=SAME, atol=0.0)) -> "
            "near = np.flatnonzero(np.isclose(self._kept(ones[:-2], ones[2:], np), cached, rtol=SAME, **{}))"
        ): "no other pair of two million is so near by chance",
        (
            "near = np.flatnonzero(np.isclose(self._kept(ones[:-2], ones[2:], np), cached, rtol=SAME, atol=0.0)) -> "
            "near = np.flatnonzero(np.isclose(cached, self._kept(ones[:-2], ones[2:], np), rtol=SAME, atol=0.0))"
        ): "each is as near to the other",
        (
            "return words - PAIR - int(near[-1]) if near.size else None -> "
            "return words - PAIR - int(near[- 0]) if near.size else None"
        ): ALONE,
        (
            "return bool(self._cached[0]) and not self._gauss()[0] -> "
            "return bool(self._cached[ 1]) and not self._gauss()[0]"
        ): NO_ZERO,
        (
            "return bool(self._cached[0]) and not self._gauss()[0] -> "
            "return bool(self._cached[ -1]) and not self._gauss()[0]"
        ): NO_ZERO,
        (
            "return bool(self._cached[0]) and not self._gauss()[0] -> "
            "return bool(self._cached[0]) and not self._gauss()[ 1]"
        ): NO_ZERO,
        (
            "return bool(self._cached[0]) and not self._gauss()[0] -> "
            "return bool(self._cached[0]) and not self._gauss()[ -1]"
        ): NO_ZERO,
        "if after is None or after == OLD: -> if after is None or after <= OLD:": "less is refused above",
        "if len(self._foreign) < MAX_FOREIGN: -> if len(self._foreign) != MAX_FOREIGN:": "it grows by one",
        "if len(self._foreign) < MAX_FOREIGN: -> if len(self._foreign) is not MAX_FOREIGN:": "it grows by one",
        "if len(states) > len(self._all): -> if len(states) != len(self._all):": "the judge never sends fewer",
        "if len(states) > len(self._all): -> if len(states) is not len(self._all):": "the judge never sends fewer",
        (
            "for stream, moved in zip(self._all, moves, strict=True): -> "
            "for stream, moved in zip(self._all, moves, strict=False):"
        ): COUNTED,
        (
            "for stream, moved in zip(self._all, moves, strict=True): -> "
            "for stream, moved in zip(self._all, moves, **{}):"
        ): COUNTED,
        **{f"{EACH_SENT}strict=True): -> {EACH_SENT}{lax}):": COUNTED for lax in ("strict=False", "**{}")},
        (
            "for stream, state in zip(self._all, states, strict=True): -> "
            "for stream, state in zip(self._all, states, strict=False):"
        ): COUNTED,
        (
            "for stream, state in zip(self._all, states, strict=True): -> "
            "for stream, state in zip(self._all, states, **{}):"
        ): COUNTED,
        (
            "generator.random_raw(words, output=False) -> generator.random_raw(words, output=True)"
        ): "it takes memory alone",
        "generator.random_raw(words, output=False) -> generator.random_raw(words, **{})": "it takes memory alone",
        "return int(cached is not None), cached or 0.0 -> return int(cached is not None), cached or 1.0": UNUSED,
        "return int(cached is not None), cached or 0.0 -> return int(cached is not None), cached or -1.0": UNUSED,
        (
            "PYTHON.setstate((3, (*key.tolist(), position), cached if has_gauss else None)) -> "
            "PYTHON.setstate(( 2, (*key.tolist(), position), cached if has_gauss else None))"
        ): ("Python reads a state of version 2 as well"),
        (
            "if after is not None and (type(after) is not int or not OLD <= after <= max(words - PAIR, OLD)): -> "
            "if after is not None and (type(after) is not int or not OLD <= after <= max(OLD, words - PAIR)):"
        ): LARGER,
    },
    "seeding": {
        **{
            f"{line}strict=True){end} -> {line}{lax}){end}": COUNTED
            for line, end in (
                (DRAWN_AGAIN + "== n" + OF_BOTH, "]"),
                ("for kind, (stand_in, seedings) in zip(SEEDING, shared, ", ":"),
            )
            for lax in ("strict=False", "**{}")
        },
        f"{DRAWN_AGAIN}== n{OF_BOTH}strict=True)] -> {DRAWN_AGAIN}<= n{OF_BOTH}strict=True)]": "they grow alone",
        "kind.seedings += 1 -> kind.seedings += 2": "they are compared with themselves alone",
        "kind.seedings += 1 -> kind.seedings -= 1": "they are compared with themselves alone",
    },
    "submission": {
        "data = file.read(limit + 1) -> data = file.read(limit << 1)": MORE,
        "data = file.read(limit + 1) -> data = file.read(limit | 1)": "no limit is odd",
        "data = file.read(limit + 1) -> data = file.read(limit ^ 1)": "no limit is odd",
        "data = file.read(limit + 1) -> data = file.read(limit + 2)": MORE,
        (
            'for root, folders, files, root_fd in os.fwalk(".", dir_fd=folder_fd, follow_symlinks=False): -> '
            'for root, folders, files, root_fd in os.fwalk(".", dir_fd=folder_fd, **{}):'
        ): "that is its default",
        (
            "if folders and root.count(os.sep) >= MAX_LEVELS: -> if folders and root.count(os.sep) == MAX_LEVELS:"
        ): "nothing deeper is gone into",
        (
            "if folders and root.count(os.sep) >= MAX_LEVELS: -> if folders and root.count(os.sep) is MAX_LEVELS:"
        ): "nothing deeper is gone into",
    },
    "tables": {
        (
            'if name == "Fraction" and not _RATIO.fullmatch(text): -> '
            'if name >= "Fraction" and not _RATIO.fullmatch(text):'
        ): "the other name is Decimal",
        "if values.ndim != 1: -> if values.ndim < 1:": "pandas refuses two dimensions",
        'text = rest[0] if type(rest[0]) is str else "" -> text = rest[ -1] if type(rest[0]) is str else ""': ALONE,
        'text = rest[0] if type(rest[0]) is str else "" -> text = rest[0] if type(rest[ -1]) is str else ""': ALONE,
        "return _read_index(rest[0]) -> return _read_index(rest[ -1])": ALONE,
        "return getattr(pandas, name)(rest[0]) -> return getattr(pandas, name)(rest[ -1])": ALONE,
        (
            "return pandas.MultiIndex.from_tuples(rest[0], names=name) -> "
            "return pandas.MultiIndex.from_tuples(rest[ -1], names=name)"
        ): ALONE,
        (
            "return max(abs(value.numerator), value.denominator).bit_length() <= 3 * _DIGITS -> "
            "return max(value.denominator, abs(value.numerator)).bit_length() <= 3 * _DIGITS"
        ): LARGER,
    },
    "wire": {
        (
            "self.max_body = min(limits.message_bytes, BODY_PER_ITEM * limits.message_items) -> "
            "self.max_body = min(BODY_PER_ITEM * limits.message_items, limits.message_bytes)"
        ): "the smaller of two is the same in any order",
        (
            'msgpack.Packer(default=self._extend, strict_types=True, unicode_errors="surrogatepass", buf_size=_BUFFER) '
            '-> msgpack.Packer(default=self._extend, strict_types=True, unicode_errors="surrogatepass", **{})'
        ): "a buffer's size costs time alone",
        **{
            f"if len(pairs) > MAX_ALIKE: -> if len(pairs) {other} MAX_ALIKE:": "so few are alike too seldom"
            for other in (">=", "!=", "is not")
        },
        **{
            (
                'if len(body) > self.limits.message_depth or b"\\xff" in bytes(body): -> '
                f'if len(body) {other} self.limits.message_depth or b"\\xff" in bytes(body):'
            ): "more messages are verified, none of which is refused"
            for other in (">=", "!=", "is not")
        },
    },
    "repair": {
        "if positions != sorted(positions): -> if positions > sorted(positions):": "none is smaller than the sorted",
    },
    "replaced": {
        (
            "again = {name for name in names if is_another(names[name], self._known.get(name))} -> "
            "again = {name for name in names if is_another(self._known.get(name), names[name])}"
        ): "each is another than the other",
    },
}
