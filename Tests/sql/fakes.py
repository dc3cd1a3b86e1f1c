"""Servers that are none: one that says nothing, one that talks nonsense, and a proxy that swallows the answer to a commit."""
import socket
import threading


class Fake:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def close(self):
        self.listener.close()


class Mute(Fake):
    def serve(self, connection):
        while connection.recv(4096):
            pass


class Garbage(Fake):
    def serve(self, connection):
        with connection:
            connection.sendall(b"\x16HTTP/1.1 400 Bad Request\r\n\r\nwhat was that?\0" * 20)


class CommitCutter(Fake):
    """Passes all on, also the COMMIT, but not what the server says to it."""

    def __init__(self, port):
        self.server = port
        self.seen = 0
        super().__init__()

    def serve(self, client):
        server = socket.create_connection(("127.0.0.1", self.server))
        cut, inserted = threading.Event(), False

        def back():
            try:
                while data := server.recv(65536):
                    if cut.is_set():
                        break
                    client.sendall(data)
            except OSError:
                pass
            # The server has answered, so it has committed.
            for end in (client, server):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        threading.Thread(target=back, daemon=True).start()
        try:
            while data := client.recv(65536):
                # Drivers also commit what they ask for themselves.
                inserted = inserted or b"INSERT" in data
                if inserted and b"COMMIT" in data.upper():
                    self.seen += 1
                    cut.set()
                server.sendall(data)
        except OSError:
            pass
