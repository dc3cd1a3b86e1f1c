"""Three servers that do not speak gRPC: one sends bytes without sense, one answers in HTTP/1.1, one says nothing. Prints their ports."""
import socket
import threading


def serve(server, answer):
    connections = []
    while True:
        connection, _ = server.accept()
        if not answer:
            connections.append(connection)  # held open
            continue
        connection.sendall(answer)
        try:
            connection.recv(65536)
        except ConnectionError:
            pass
        connection.close()


servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
answers = [b"\x00\x01nonsense\xff" * 50, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b""]
for server, answer in zip(servers, answers):
    threading.Thread(target=serve, args=(server, answer)).start()
print(*(server.getsockname()[1] for server in servers), flush=True)
