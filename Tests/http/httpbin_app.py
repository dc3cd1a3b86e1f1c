"""httpbin for gunicorn, which takes bytes only: some of its pages give a bytearray."""
from httpbin import app as httpbin


def app(environ, start_response):
    pieces = httpbin.wsgi_app(environ, start_response)
    try:
        for piece in pieces:
            yield bytes(piece)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
