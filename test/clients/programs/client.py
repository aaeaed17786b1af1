"""Usage: client.py URL CA-FILE. The requests of test/clients, by http.client: one kept-alive connection."""

import hashlib
import http.client
import ssl
import sys
from urllib.parse import urlsplit

url = urlsplit(sys.argv[1])
if url.scheme == "https":
    context = ssl.create_default_context(cafile=sys.argv[2])
    connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=20, context=context)
else:
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)


def ask(method, path, body=None):
    connection.request(method, path, body=body)
    answer = connection.getresponse()
    content = answer.read()
    print(method, path, answer.status, len(content), hashlib.sha256(content).hexdigest())


ask("GET", "/small")
ask("GET", "/large")
ask("POST", "/echo", b"x" * 100_000)
ask("HEAD", "/small")
ask("GET", "/missing")
