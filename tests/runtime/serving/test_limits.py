"""Too much is refused while the rest goes on, and a stop finishes what has begun."""

import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from structkd.runtime.serving import ServingError, serve
from tests.runtime.serving.client import ask, connected, everything, get, head, post, records
from tests.runtime.serving.process import SLOW, running, stopped, taggers

BODY = json.dumps({"text": SLOW}).encode()


def waiting(server, number):
    """Wait until so many requests are in the queue."""
    while f"structkd_queue_requests {number:.1f}\n".encode() not in ask(server, "GET", "/metrics")[2]:
        pass


def test_a_full_queue_refuses_and_says_when_to_try_again():
    with running(queue=2) as server, ThreadPoolExecutor(2) as pool:
        begun = [pool.submit(records, server, text=SLOW) for _ in range(2)]
        waiting(server, 2)
        status, headers, body = ask(server, "POST", "/tag", BODY, {"Content-Type": "application/json"})
        assert (status, headers["Retry-After"]) == (503, "1")
        assert json.loads(body)["error"]["message"] == "found 2 requests that wait, expected fewer than 2"
        assert [one.result()[0]["text"] for one in begun] == [SLOW] * 2
        assert records(server, text="later")


def test_nobody_waits_too_long():
    with running(wait_seconds=0.1) as server:
        status, answer = post(server, {"text": SLOW})
        assert (status, answer["error"]["expected"]) == (503, "one within 0.1 seconds")
        waiting(server, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_finishes_what_has_begun(number):
    with running() as server, connected(server) as idle, connected(server) as reading, ThreadPoolExecutor(9) as pool:
        begun = [pool.submit(records, server, text=f"{SLOW} {place}") for place in range(4)]
        waiting(server, 4)
        reading.sendall(head(len(BODY)) + BODY[:5])
        get(server, "/health")
        ended = pool.submit(stopped, server, number)
        assert signal.Signals(number).name in server.stderr.readline()
        while not refused(server):
            pass
        reading.sendall(BODY[5:])
        assert [one.result()[0]["text"] for one in begun] == [f"{SLOW} {place}" for place in range(4)]
        assert everything(reading).startswith(b"HTTP/1.1 200 ")
        assert everything(idle) == b""
        assert ended.result() == 0
        assert server.stderr.read() == ""


def refused(server):
    try:
        ask(server, "GET", "/health")
    except OSError:
        return True
    return False


def test_a_stop_takes_no_longer_than_its_grace():
    with running(grace_seconds=1, receive_seconds=60) as server, connected(server) as slow:
        slow.sendall(head(len(BODY)) + BODY[:5])
        get(server, "/health")
        assert stopped(server) == 0
        assert everything(slow).startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(second):
    with running(receive_seconds=60) as server, connected(server) as slow:
        slow.sendall(head(len(BODY)) + BODY[:5])
        get(server, "/health")
        server.send_signal(signal.SIGTERM)
        server.stderr.readline()
        assert stopped(server, second) == 128 + second


def at(**address):
    """The command of a server at an address."""
    code = "from tests.runtime.serving.process import serve, taggers, tell; "
    return [sys.executable, "-c", f"{code}serve(taggers(['spans']), tell=tell, **{address})"]


def test_a_killed_server_starts_again_at_its_port():
    with running() as server:
        before = records(server, text="Ada flew to Oslo.")
        with connected(server):
            server.kill()
            server.wait()
        with running(command=at(port=server.port)) as again:
            assert again.port == server.port
            assert records(again, text="Ada flew to Oslo.") == before


def test_a_port_that_is_taken_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServingError, match=rf"cannot listen at 127.0.0.1, port {port}: Address already in use"):
            serve(taggers(["spans"]), port=port, tell=print)
    with pytest.raises(ServingError, match=r"cannot listen at no\.such\.host, port 0"):
        serve(taggers(["spans"]), host="no.such.host", port=0, tell=print)


@pytest.mark.parametrize("host", ["0.0.0.0", "::1", "localhost"])
def test_it_says_who_can_reach_it(host):
    with running(command=at(host=host, port=0)) as server:
        assert ("OTHER MACHINES CAN REACH IT" in server.line) == (host == "0.0.0.0")
        assert ("only this machine" in server.line) == (host != "0.0.0.0")


def test_a_missing_package_is_named():
    code = (
        "import sys; sys.modules['uvicorn'] = None; from structkd.runtime.serving import serve; serve({}, tell=print)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    expected = "the server needs the package uvicorn; install it with: pip install 'structkd[serve]'"
    assert done.stderr.splitlines()[-1].endswith(f"ServingError: {expected}")
