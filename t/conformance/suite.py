"""Runs the cases of the Autobahn test suite against a server that echoes.

The suite (https://github.com/crossbario/autobahn-testsuite, Apache License
2.0) is written for Python 2 and comes with no version for a later one.  Its
cases are taken as they are and translated; what plays them is the WebSocket
client of today's autobahn, so the judgement of what the server sends is not
ours either.

A text of Python 2 is a string of bytes.  Here it is one of characters up to
0xff, turned into bytes, and back, where it meets the client.
"""

import argparse
import binascii
import builtins
import collections
import fnmatch
import glob
import importlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
import types
import warnings

warnings.simplefilter("ignore")

import txaio

txaio.use_twisted()

from autobahn.twisted.websocket import (WebSocketClientFactory,
                                        WebSocketClientProtocol, connectWS)
from autobahn.websocket.protocol import WebSocketProtocol
from lib2to3.refactor import RefactoringTool, get_fixers_from_package
from twisted.internet import reactor, ssl

# what the cases wait before they give up is meant for an idle machine
PATIENCE = 4

GOOD = ("OK", "INFORMATIONAL")

# names that the client has changed since
RENAMED = {
    "acceptNoContextTakeover": "accept_no_context_takeover",
    "acceptMaxWindowBits": "accept_max_window_bits",
    "requestNoContextTakeover": "request_no_context_takeover",
    "requestMaxWindowBits": "request_max_window_bits",
}


def to_bytes(text):
    return text.encode("latin-1") if isinstance(text, str) else text


def to_text(data):
    return data.decode("latin-1") if isinstance(data, bytes) else data


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]

    return to_text(value)


# The translation ----------------------------------------------------------

def translate(source):
    # a text that is not ASCII stands in the source as UTF-8
    source = source.replace("\r\n", "\n")
    source = re.sub(r'"[^"\n]*[^\x00-\x7f][^"\n]*"',
                    lambda m: repr(to_text(m[0][1:-1].encode())), source)

    for old, new in RENAMED.items():
        source = source.replace(old, new)

    source = source.replace("(object, Case, )", "(Case, )")
    source = source.replace(".tostring()", ".tobytes()")
    source = source.replace("binascii.b2a_hex(", "b2a_hex(")
    source = source.replace("validate(vss[:i])", "validate(to_bytes(vss[:i]))")
    source = source.replace("/ self.p.autoFragmentSize",
                            "// self.p.autoFragmentSize")
    source = re.sub(r"from zope.interface import implements\n", "", source)

    return re.sub(r"\n +implements\(.*\)", "", source)


def load(suite):
    """The module of all cases, translated into a directory of its own."""

    source = os.path.join(suite, "autobahntestsuite", "autobahntestsuite")
    directory = tempfile.mkdtemp(prefix="autobahn-")
    package = os.path.join(directory, "case")
    tool = RefactoringTool(get_fixers_from_package("lib2to3.fixes"))

    os.mkdir(package)

    try:
        for path in glob.glob(os.path.join(source, "case", "*.py")):
            with open(path, encoding="utf-8") as file:
                text = translate(file.read())

            text = str(tool.refactor_string(text + "\n", path))
            text = re.sub(r"^from \.?case(\w*) import", r"from .case\1 import",
                          text, flags=re.M)

            name = os.path.basename(path)
            with open(os.path.join(package, name), "w") as file:
                file.write(text)

        builtins.b2a_hex = lambda x: binascii.b2a_hex(to_bytes(x)).decode()
        builtins.to_bytes = to_bytes

        resources = types.ModuleType("pkg_resources")
        resources.resource_filename = (
            lambda name, path: os.path.join(source, path))
        sys.modules["pkg_resources"] = resources
        sys.path.insert(0, directory)

        return importlib.import_module("case")

    finally:
        shutil.rmtree(directory)


def number(case):
    return ".".join(case.__name__[len("Case"):].split("_"))


# The client ---------------------------------------------------------------

class Client(WebSocketClientProtocol):
    """What the cases know as self.p."""

    case_class = None

    def connectionMade(self):
        self.createWirelog = False
        self.connectionWasOpen = False
        self.txFrameStats = collections.Counter()
        self.begun = time.time()
        self.case = self.case_class(self)
        super().connectionMade()

    def connectionLost(self, reason):
        super().connectionLost(reason)
        self.case.onConnectionLost(self.failedByMe)
        self.factory.report(self)

    def logTxFrame(self, head, *rest):
        self.txFrameStats[head.opcode] += 1

    def logRxFrame(self, *rest):
        pass

    def enableWirelog(self, enable):
        pass

    def failConnection(self):
        self._fail_connection()

    def continueLater(self, seconds, function, tag=None):
        def go_on():
            if self.state != WebSocketProtocol.STATE_CLOSED:
                function()

        reactor.callLater(seconds, go_on)

    def killAfter(self, seconds):
        self.continueLater(seconds * PATIENCE, self.failConnection)

    def closeAfter(self, seconds):
        self.continueLater(seconds, self.sendClose)

    def sendFrame(self, opcode, payload=b"", mask=None, **more):
        super().sendFrame(opcode, payload=to_bytes(payload),
                          mask=to_bytes(mask), **more)

    def sendMessage(self, payload, isBinary=False, **more):
        super().sendMessage(to_bytes(payload), isBinary, **more)

    def sendMessageFrameData(self, payload, *more):
        return super().sendMessageFrameData(to_bytes(payload), *more)

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        super().sendCloseFrame(code, to_bytes(reasonUtf8), isReply)

    def onOpen(self):
        self.connectionWasOpen = True
        self.case.onOpen()

    # the cases of compression want bytes, the others compare texts
    def onMessage(self, payload, isBinary):
        if not hasattr(self.case, "TESTDATA"):
            payload = to_text(payload)

        self.case.onMessage(payload, isBinary)

    def onPong(self, payload):
        self.case.onPong(to_text(payload))

    def onClose(self, *how):
        self.case.onClose(*how)


class Player(WebSocketClientFactory):
    """Plays one case after the other; several players share the list."""

    playing = 0

    def __init__(self, url, cases, results):
        super().__init__(url)
        self.cases = cases
        self.results = results
        self.logFrames = True
        self.setProtocolOptions(failByDrop=False, openHandshakeTimeout=30,
                                closeHandshakeTimeout=30,
                                serverConnectionDropTimeout=30)
        Player.playing += 1

    def next(self):
        if not self.cases:
            Player.playing -= 1

            if Player.playing == 0:
                reactor.stop()

            return

        self.case_class = self.cases.pop(0)
        connectWS(self, contextFactory=ssl.CertificateOptions(verify=False)
                  if self.isSecure else None)

    def buildProtocol(self, address):
        client = Client()
        client.factory = self
        client.case_class = self.case_class

        return client

    def report(self, client):
        case = client.case
        self.results[number(client.case_class)] = {
            "behavior": case.behavior,
            "close": case.behaviorClose,
            "why": "%s; %s; %s" % (case.result, case.resultClose,
                                   client.wasNotCleanReason),
            "code": client.remoteCloseCode,
            "ms": round(1000 * (time.time() - client.begun)),
        }

    def clientConnectionLost(self, connector, reason):
        self.next()

    def clientConnectionFailed(self, connector, reason):
        print("not connected:", reason.getErrorMessage())
        self.next()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("suite", help="where the test suite lies")
    arguments.add_argument("url")
    arguments.add_argument("--cases", default="*", help="as 1.*,6.2.*")
    arguments.add_argument("--except", dest="without", default="")
    arguments.add_argument("--players", type=int, default=4)
    options = arguments.parse_args()

    module = load(options.suite)
    module.Case1_1_1.__mro__[1].compare = (
        lambda case, a, b: plain(a) == plain(b))

    def wanted(case):
        def among(patterns):
            return any(fnmatch.fnmatch(number(case), p)
                       for p in patterns.split(",") if p)

        return among(options.cases) and not among(options.without)

    cases = [case for case in module.Cases if wanted(case)]
    asked = len(cases)
    results = {}

    for _ in range(min(options.players, asked)):
        reactor.callWhenRunning(Player(options.url, cases, results).next)

    reactor.run()

    outcomes = collections.Counter(
        (r["behavior"], r["close"]) for r in results.values())
    failed = {n: r for n, r in results.items()
              if r["behavior"] not in GOOD or r["close"] not in GOOD}

    for outcome, count in sorted(outcomes.items()):
        print("%6d  %s, close %s" % (count, *outcome))

    for name in sorted(failed, key=lambda n: [int(x) for x in n.split(".")]):
        print(name, json.dumps(failed[name]))

    sys.exit(1 if failed or len(results) != asked else 0)


main()
