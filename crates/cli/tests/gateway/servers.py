"""The world outside of the gateway, for its tests: servers on 198.51.100.1 and on the loopback."""
import http.server, socket, socketserver, struct, threading

OUTSIDE, OUTSIDE_V6 = "198.51.100.1", "2001:db8::1"
NAMES = {"files.example.test": OUTSIDE, "denied.example.test": "198.51.100.2"}


def answer(question):
    """A DNS answer: one address of a known name, or that there is no such name (RFC 1035)."""
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
        at += 1 + question[at]
    asked, kind = question[12:at + 5], struct.unpack("!H", question[at + 1:at + 3])[0]
    address = NAMES.get(".".join(labels))
    found = address and kind == 1
    code = 0x8180 if address else 0x8183
    head = question[:2] + struct.pack("!HHHHH", code, 1, 1 if found else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 300, 4) + socket.inet_aton(address) if found else b""
    return head + asked + record


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(answer(self.request[0]), self.client_address)


class Stream(socketserver.StreamRequestHandler):
    def handle(self):
        while length := self.rfile.read(2):
            told = answer(self.rfile.read(struct.unpack("!H", length)[0]))
            self.wfile.write(struct.pack("!H", len(told)) + told)


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        while piece := self.request.recv(65536):
            self.request.sendall(piece)


class EchoDatagram(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(self.request[0], self.client_address)


class Who(socketserver.BaseRequestHandler):
    """Tells a datagram's sender its own address, from where it was sent to or from where it asks for."""

    def handle(self):
        told = repr(self.client_address[:2]).encode()
        asked = self.request[0].decode().split()
        if not asked:
            return self.request[1].sendto(told, self.client_address)
        with socket.socket(self.request[1].family, socket.SOCK_DGRAM) as other:
            other.bind((asked[0], int(asked[1])))
            other.sendto(told, self.client_address)


class Ftp(socketserver.StreamRequestHandler):
    """As much of RFC 959 and RFC 2428 as a passive download needs."""

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 ready")
        passive = None
        for line in self.rfile:
            verb, _, rest = line.decode().strip().partition(" ")
            if verb in ("PASV", "EPSV"):
                passive = socket.create_server((OUTSIDE, 0))
                port = passive.getsockname()[1]
                place = ",".join(OUTSIDE.split(".") + [str(port >> 8), str(port & 255)])
                self.say(f"227 at ({place})" if verb == "PASV" else f"229 at (|||{port}|)")
            elif verb == "RETR":
                self.say("150 coming")
                data, _ = passive.accept()
                data.sendall(open(rest.lstrip("/"), "rb").read())
                data.close()
                self.say("226 done")
            elif verb == "QUIT":
                return self.say("221 bye")
            else:
                self.say({"USER": "331 word", "PASS": "230 in", "TYPE": "200 so be it"}.get(verb, "502 no"))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


class Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 4096


class ThreadsV6(Threads):
    address_family = socket.AF_INET6


class ThreadsOfDatagrams(socketserver.ThreadingUDPServer):
    daemon_threads = True


class ThreadsOfDatagramsV6(ThreadsOfDatagrams):
    address_family = socket.AF_INET6


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()


threading.stack_size(256 * 1024)
for at in (OUTSIDE, "127.0.0.1", "198.51.100.2"):
    serve(Threads((at, 8080), Quiet))
serve(ThreadsV6((OUTSIDE_V6, 8080), Quiet))
serve(ThreadsV6((OUTSIDE_V6, 7), Echo))
serve(ThreadsOfDatagramsV6((OUTSIDE_V6, 7), EchoDatagram))
serve(Threads((OUTSIDE, 2121), Ftp))
serve(Threads(("0.0.0.0", 7), Echo))
serve(ThreadsOfDatagrams((OUTSIDE, 7), EchoDatagram))
for at in (OUTSIDE, "198.51.100.2", "127.0.0.1"):
    serve(ThreadsOfDatagrams((at, 4000), Who))
serve(ThreadsOfDatagramsV6((OUTSIDE_V6, 4000), Who))
serve(Threads(("127.0.0.1", 5353), Stream))
serve(ThreadsOfDatagrams(("127.0.0.1", 5353), Datagram))
print("ready", flush=True)
threading.Event().wait()
