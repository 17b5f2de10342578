"""The least that can be behind a broker: a socket that takes every PUBLISH, looks at nothing, and answers PUBACK.

`python -m benchmarks.bare PORT FILTER`; a line on standard input is answered by how many came so far.
"""

import os
import select
import socket
import sys

from benchmarks import reports

READ_BYTES = 1 << 18


def main() -> None:
    port, topic_filter = sys.argv[1:]
    line = socket.create_connection(("127.0.0.1", int(port)))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.sendall(reports.connect("bare", "", "") + reports.subscribe(topic_filter))
    rest, count = b"", 0
    poll = select.poll()
    poll.register(line, select.POLLIN)
    poll.register(0, select.POLLIN)
    while True:
        for number, _ in poll.poll():
            if number == 0:
                if not os.read(0, 4096):
                    return
                print(count, flush=True)
                continue
            data = line.recv(READ_BYTES)
            if not data:
                sys.exit("the broker closed the connection")
            rest, answers, more = take(rest + data)
            count += more
            if answers:
                line.sendall(answers)


def take(data: bytes) -> tuple[bytes, bytes, int]:
    """What is left of the bytes, the PUBACKs of the whole packets in them, and how many PUBLISHes those were."""
    at, end, count = 0, len(data), 0
    answers = []
    while end - at >= 2:
        size, shift, body = 0, 0, at + 1
        while body < end:
            byte = data[body]
            size |= (byte & 0x7F) << shift
            body += 1
            if byte < 0x80:
                break
            shift += 7
        else:
            break
        if body + size > end:
            break
        kind = data[at]
        if kind >> 4 == 3:
            count += 1
            if kind & 0x06:
                topic = (data[body] << 8) | data[body + 1]
                answers.append(data[body + 2 + topic : body + 4 + topic])
        at = body + size
    return data[at:], b"".join(b"\x40\x02" + number for number in answers), count


if __name__ == "__main__":
    main()
