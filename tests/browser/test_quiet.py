"""After a test nothing of its live server works on."""

import socket
import threading


def test_a_request_whose_sender_has_gone_is_waited_for(live_server, conversations, monkeypatch):
    httpd = live_server.thread.httpd
    usual, begun, go_on, done = httpd.get_app(), threading.Event(), threading.Event(), threading.Event()

    def slow(environ, start_response):
        if environ["PATH_INFO"] != "/slow":
            return usual(environ, start_response)
        begun.set()
        go_on.wait(60)
        done.set()
        start_response("204 No Content", [])
        return [b""]

    monkeypatch.setattr(httpd, "application", slow)
    with socket.create_connection((live_server.thread.host, live_server.thread.port)) as wire:
        wire.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert begun.wait(60)
    resting = threading.Thread(target=conversations.end)
    resting.start()
    assert resting.is_alive()
    assert not done.is_set()
    go_on.set()
    resting.join(60)
    assert not resting.is_alive()
    assert done.is_set()
