"""The program that reads documents in a process of its own, for `sandbox.py`: requests in, texts out.

It holds no secret, writes no file, and gives up by itself when it needs too much. Frames on its standard input and
output are four bytes of length, big-endian, and JSON in UTF-8.
"""

import gc
import json
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

# The exit code of a process whose document took more memory than it may.
OUT_OF_MEMORY = 77
# The system's own limit lies so much higher: Python that has no byte left may spin for ever instead of failing.
_ROOM_BYTES = 768 * 1024 * 1024
_WATCH_S = 0.05
_STATM = Path("/proc/self/statm")
# Above this the next document finds a fresh process.
_TIRED_BYTES = 300 * 1024 * 1024


def main() -> None:
    """Serve until the input ends. Arguments: seconds and bytes of memory that a document may take."""
    most_s, most_bytes = int(sys.argv[1]), int(sys.argv[2])
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what a library prints must not stand between frames
        _without_what_no_reader_needs()
        _bound(most_bytes + _ROOM_BYTES)
        threading.Thread(target=_watch, args=(most_bytes,), daemon=True).start()
        # A tree of many small parts is built faster while nobody looks for garbage in it.
        gc.disable()
        while request := _take(sys.stdin.buffer):
            _allow_cpu(most_s)
            _reply(out, _answer(request))


def _reply(out: BinaryIO, reply: dict[str, Any]) -> None:
    """Say it, and whether the next document should find a fresh process."""
    tired = _used() > _TIRED_BYTES
    try:
        data = json.dumps({**reply, "tired": tired}, ensure_ascii=False, default=str).encode("utf-8", "replace")
        out.write(len(data).to_bytes(4, "big") + data)
        out.flush()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    if tired:
        os._exit(0)
    gc.collect()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from knowledge.formats.links import read_links
    from knowledge.load import Source, load, members
    from sahut.errors import LoadError

    try:
        if request["do"] == "members":
            return {"members": [asdict(member) for member in members(Path(request["file"]))]}
        if request["do"] == "links":
            return {"links": asdict(read_links(Path(request["file"]).read_bytes(), xml=request["xml"]))}
        source = Source(Path(request["file"]), "", request["path"], request["member"])
        return {"loaded": asdict(load(source))}
    except LoadError as error:
        return {"error": str(error)}
    except MemoryError:
        # There may be none left to say so, or to tidy up in.
        os._exit(OUT_OF_MEMORY)
    except RecursionError:
        return {"error": "it is nested too deep to be read"}
    except Exception as error:  # whatever a library makes of a broken file
        return {"error": f"it is damaged, or it is not what its name says ({type(error).__name__})"}


def _take(stream: BinaryIO) -> dict[str, Any] | None:
    head = stream.read(4)
    if len(head) < 4:
        return None
    request: dict[str, Any] = json.loads(stream.read(int.from_bytes(head, "big")))
    return request


def _without_what_no_reader_needs() -> None:
    """openpyxl would load these where they happen to be installed: pictures of strangers and half a second."""
    for name in ("numpy", "PIL", "lxml", "pandas"):
        sys.modules[name] = None  # type: ignore[assignment]


def _bound(most_bytes: int) -> None:
    """Limits that the system holds, where it has them (not on Windows): memory, no writing, few files, no core."""
    if sys.platform == "win32":
        return
    import resource

    for limit, value in (
        (resource.RLIMIT_AS, most_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _watch(most_bytes: int) -> None:
    """End this process, whatever it is doing, once it has taken too much."""
    while _used() <= most_bytes:
        time.sleep(_WATCH_S)
    os._exit(OUT_OF_MEMORY)


def _allow_cpu(most_s: int) -> None:
    """Processor time for one more document, so that this process ends even when nobody is left to end it."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + most_s + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _used() -> int:
    """The memory that this process holds, in bytes; 0 where the system does not say."""
    if sys.platform == "linux":
        # The highest mark that getrusage tells here is that of the process we come from.
        return int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    elif sys.platform == "darwin":  # noqa: RET505  # the type checker looks at one platform at a time
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    else:
        return 0


if __name__ == "__main__":
    main()
