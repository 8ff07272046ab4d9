"""Hosts the probe of @websock/tck with Debian's websockets library (10.4). Written from the kit's README alone.

It prints its URL, and exits when stdin ends. The first half is the probe, the second half a server of WebSock handlers.

Python has no AbortSignal. A mailbox shows the end of its connection (6.8) by `on_end(listener)`, which calls the listener
with an `AbortError` at the end, at once if that has passed; its `cause` is what `terminate` receives. A callback raises
this error, or another one `from` it, to say that it has given up because of the end: the server does not report it.
"""

import asyncio
import json
import re
import sys
import time
import urllib.parse

import websockets
from websockets.exceptions import ConnectionClosed, PayloadTooBig, ProtocolError
from websockets.frames import OP_CONT, OP_PING, OP_PONG, Close
from websockets.legacy.server import WebSocketServerProtocol

CANNOT = {
    "suspends": "a socket stays with its process",
    "returnsThenables": "Python has one kind of awaitable",
    "canSkipUtf8Validation": "websockets always validates",
    "overwritesFrames": "bytes are immutable in Python",
    "sendsInflationErrorCode": "websockets closes with 1002",
}

# ---- The probe ----

records = {}


class Record:
    def __init__(self, arg, mailbox):
        self.on = arg["on"]
        self.mailbox = mailbox
        self.events, self.kept, self.returned, self.gates = [], [], [], []
        self.posted = []
        self.state = None

    def post(self, info):
        self.events.append({"event": "post", "given": info})
        self.posted.append(info)
        self.mailbox.post(info)
        self.events.append({"event": "posted", "given": info, "waiting": self.mailbox.waiting})

    def stop(self, *close):
        self.events.append({"event": "stop", "given": close[0] if close else None})
        self.mailbox.stop(*close)
        self.events.append({"event": "stopped", "waiting": self.mailbox.waiting})

    def abortion(self):
        """The error of the end; None before it."""
        errors = []
        self.mailbox.on_end(errors.append)
        return errors[0] if errors else None


def brief(data):
    show = (lambda part: part) if isinstance(data, str) else (lambda part: part.hex())
    # The kit counts the UTF-16 units of text.
    length = len(data.encode("utf-16-le", "surrogatepass")) // 2 if isinstance(data, str) else len(data)
    return f"{length}: {show(data[:10])}…{show(data[-10:])}" if length > 1000 else show(data)


def with_error_as_text(reason):
    if reason["type"] != "error":
        return reason
    error = reason["error"]
    return {**reason, "error": f"Error: {error}" if isinstance(error, Exception) else str(error)}


def show_abortion(error):
    return {"name": type(error).__name__, "text": str(error), "cause": with_error_as_text(error.cause)}


def with_bytes(messages, record):
    if isinstance(messages, list):
        return [with_bytes(message, record) for message in messages]
    if not isinstance(messages, dict):
        return messages
    message = dict(messages)
    form = message.pop("as", "Uint8Array")
    if "long" in message:
        message["data"] = "x" * message.pop("long")
    if "hex" in message:
        data = bytes.fromhex(message.pop("hex"))
        record.returned.append(data)
        if form in ("ArrayBuffer", "shared"):
            data = bytearray(data)
        elif form != "Uint8Array":
            data = memoryview(b"\xee" * 8 + data + b"\xee" * 8)[8 : 8 + len(data)]
        message["data"] = data
    return message


class Probe:
    """A handler that follows instructions. With `own`, it serves one probe, and its state may be any value."""

    def __init__(self, own=None):
        self.own = own
        self.record = None
        for name in (own or {}).get("without", []):
            setattr(self, name, None)

    def init(self, arg, mailbox):
        record = records[arg["id"]] = Record(arg, mailbox)
        if self.own is not None:
            self.record = record
        seen = {"given": {"id": arg["id"]}, "sameState": True, "sameValue": arg is args.pop(arg["id"], None)}
        return self.follow("init", record, record.on.get("init"), seen)

    def handleIn(self, frame, state):
        record = self.record or state["record"]
        data = frame["data"]
        instructed = json.loads(data) if frame["opcode"] == "text" and data.startswith("{") else None
        if frame["opcode"] == "binary":
            record.kept.append(data)
        given = instructed if instructed is not None else {frame["opcode"]: brief(data)}
        instruction = instructed if instructed is not None else record.on.get("handleIn")
        return self.follow("handleIn", record, instruction, self.seen(given, record, state))

    def handleControl(self, frame, state):
        record = self.record or state["record"]
        record.kept.append(frame["data"])
        seen = self.seen({frame["opcode"]: frame["data"].hex()}, record, state)
        return self.follow("handleControl", record, record.on.get("handleControl"), seen)

    def handleInfo(self, info, state):
        record = self.record or state["record"]
        instructed = info if isinstance(info, dict) else None
        if instructed and instructed.get("stream"):
            record.mailbox.post({"stream": instructed["stream"] - 1})
            return {"type": "ok", "state": state}
        seen = self.seen({"info": info}, record, state)
        is_object = isinstance(info, (dict, list))
        seen["sameValue"] = not is_object or "stream" in info or any(info is each for each in record.posted)
        return self.follow("handleInfo", record, instructed or record.on.get("handleInfo"), seen)

    def terminate(self, reason, state):
        record = self.record or state["record"]
        seen = self.seen(with_error_as_text(reason), record, state)
        return self.follow("terminate", record, record.on.get("terminate"), seen)

    def seen(self, given, record, state):
        return {"given": given, "sameState": state is record.state}

    def follow(self, callback, record, instruction, seen):
        instruction = instruction or {}
        record.events.append({"event": "begin", "callback": callback, "sameThis": True, **seen})
        for info in instruction.get("post", []):
            record.post(info)
        if "signal" in instruction:
            record.mailbox.on_end(lambda error: record.events.append({"event": "abort", "given": show_abortion(error)}))
        if "stop" in instruction:
            record.stop(*([] if instruction["stop"] is True else [instruction["stop"]]))

        def settle():
            record.events.append({"event": "settle", "callback": callback})
            if "throwAbort" in instruction:
                if "throw" not in instruction:
                    raise record.abortion()
                raise Exception(instruction["throw"]) from record.abortion()
            if "throw" in instruction:
                raise Exception(instruction["throw"])
            if "tell" in instruction:
                reason = json.dumps(seen["given"], separators=(",", ":"))
                which = "the last state" if seen["sameState"] else "another state"
                raise Exception(f"terminate received {reason} with {which}")
            if "nothing" in instruction:
                return None
            if "raw" in instruction:
                return instruction["raw"]
            record.state = None if "noState" in instruction else instruction.get("state", {"record": record})
            result = dict(instruction.get("result", {"type": "ok"}))
            if "messages" in result:
                result["messages"] = with_bytes(result["messages"], record)
            return {**result, "state": record.state}

        async def later(awaited):
            await awaited
            return settle()

        if "forever" in instruction:
            return later(asyncio.get_running_loop().create_future())
        if "untilAbort" in instruction:
            ended = asyncio.get_running_loop().create_future()
            record.mailbox.on_end(ended.set_result)
            return later(ended)
        if "gate" in instruction:
            gate = asyncio.get_running_loop().create_future()
            record.gates.append(gate)
            return later(gate)
        if "wait" in instruction:
            return later(asyncio.sleep(instruction["wait"] / 1000))
        return settle()


probe = Probe()
args = {}


COMMANDS = ("trace", "post", "stop", "waiting", "signal", "release", "kept", "returned")


class Control:
    handleControl = None
    terminate = None

    def init(self, _arg, _mailbox):
        return {"type": "push", "messages": {"opcode": "text", "data": json.dumps(CANNOT)}, "state": None}

    def handleIn(self, frame, state):
        answer = json.dumps(self.obey(json.loads(frame["data"])))
        return {"type": "push", "messages": {"opcode": "text", "data": answer}, "state": state}

    def handleInfo(self, _info, state):
        return {"type": "ok", "state": state}

    def obey(self, command):
        [name] = [each for each in COMMANDS if each in command]
        record = records.get(command[name])
        if record is None:
            return {"post": 0, "release": False, "stop": False, "waiting": None, "signal": None}.get(name, [])
        if name == "trace":
            return record.events
        if name in ("kept", "returned"):
            return [data.hex() for data in getattr(record, name)]
        if name == "stop":
            record.stop(*([command["close"]] if "close" in command else []))
            return True
        if name == "waiting":
            return record.mailbox.waiting
        if name == "signal":
            error = record.abortion()
            return error and show_abortion(error)
        if name == "release":
            gates, record.gates = record.gates, []
            for gate in gates:
                gate.set_result(None)
            return len(gates) > 0
        post = record.mailbox.post
        for _ in range(command.get("times", 1)):
            for info in command["infos"]:
                if "times" in command or "detached" in command:
                    if isinstance(info, (dict, list)):
                        record.posted.append(info)
                    post(info)
                else:
                    record.post(info)
        return len(command["infos"])


control = Control()


def route(url):
    """The handler, arg and options for a request; None for a request that does not come from the kit."""
    path, _, query = url.partition("?")
    parameters = dict(urllib.parse.parse_qsl(query))
    if path == "/control":
        return control, None, {"idleTimeout": "Infinity"}
    if path != "/probe":
        return None
    arg = {"id": parameters["id"], "on": json.loads(parameters["on"])}
    args[arg["id"]] = arg
    handler = Probe(json.loads(parameters["handler"])) if "handler" in parameters else probe
    return handler, arg, json.loads(parameters["options"])


# ---- The server ----

CLOSE_BOUND = 2  # seconds; the library waits up to three times as long in total
STALL_BOUND = 4  # seconds; a stall may take two checks to detect
MAX_INFOS = 10_000
MAX_FRAGMENTS = 10_000
STANDARD_CODES = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014}


def may_send(code):
    return type(code) is int and (code in STANDARD_CODES or 3000 <= code < 5000)


def cut(text):
    data = text.encode("utf-8", "replace")[:123]
    return data.decode("utf-8", "ignore")


def check(result):
    """The messages of a result, and its stop; raises an error for an invalid result (rule 3.6)."""

    def require(condition, what):
        if not condition:
            raise ValueError(f"an invalid result: {what}")

    require(isinstance(result, dict) and "state" in result, "no state")
    kind = result.get("type")
    require(kind in ("ok", "push", "reply", "stop"), f"the type {kind}")
    require(("messages" in result) <= (kind != "ok"), "ok with messages")
    require(kind not in ("push", "reply") or "messages" in result, "no messages")
    require("status" not in result or kind == "reply", "a status")
    require(kind == "stop" or ("reason" not in result and "close" not in result), "a reason or a close")
    require(kind != "stop" or ("code" not in result and "error" not in result), "a code or an error")
    messages = result.get("messages", [])
    messages = messages if isinstance(messages, list) else [messages]
    for message in messages:
        require(isinstance(message, dict), "a message")
        opcode, data = message.get("opcode"), message.get("data")
        is_bytes = isinstance(data, (bytes, bytearray, memoryview))
        if opcode == "text":
            require(isinstance(data, str), "text without a string")
        elif opcode == "binary":
            require(is_bytes, "binary without bytes")
        else:
            require(opcode in ("ping", "pong"), f"the opcode {opcode}")
            require("data" not in message or is_bytes or isinstance(data, str), "the data of a ping")
            require(len(data.encode() if isinstance(data, str) else data or b"") <= 125, "a long ping")
    if kind != "stop":
        return messages, None
    reason = result.get("reason", "normal")
    is_error = isinstance(reason, dict) and "error" in reason
    require(is_error or reason in ("normal", "restart") and isinstance(reason, str), "the reason to stop")
    close = result.get("close", {"code": 1011 if is_error else 1012 if reason == "restart" else 1000})
    require(isinstance(close, dict) and may_send(close.get("code")), "the close code")
    text = close.get("reason", "")
    require(isinstance(text, str), "the close reason")
    why = {"type": "error", "error": reason["error"]} if is_error else {"type": "normal"}
    return messages, (why, close["code"], cut(text))


class Socket(WebSocketServerProtocol):
    """Adds to the library, for each connection: options, control frames, and a limit of fragments."""

    service = None
    on_control = None
    on_close = None
    heard_at = 0.0
    fragments = 0
    fault = None

    async def process_request(self, path, request_headers):
        self.service = route(path)
        if self.service is None:
            return 404, [], b""
        self.max_size = self.service[2].get("maxMessageSize", 10_000_000)
        return None

    def process_extensions(self, headers, available):
        if not self.service[2].get("compress"):
            return None, []
        return WebSocketServerProtocol.process_extensions(headers, available)

    def process_subprotocol(self, headers, _available):
        offered = ",".join(headers.get_all("Sec-WebSocket-Protocol")).split(",")
        protocol = self.service[2].get("protocol")
        return protocol if protocol in [name.strip() for name in offered] else None

    def data_received(self, data):
        self.heard_at = time.monotonic()
        super().data_received(data)

    async def write_close_frame(self, close, data=None):
        if self.close_rcvd is not None and self.on_close:
            self.on_close(self.close_rcvd)
        await super().write_close_frame(close, data)

    async def read_frame(self, max_size):
        frame = await super().read_frame(max_size)
        if frame.opcode in (OP_PING, OP_PONG) and self.on_control:
            self.on_control("ping" if frame.opcode == OP_PING else "pong", frame.data)
        self.fragments = self.fragments + 1 if frame.opcode == OP_CONT and not frame.fin else 0
        if self.fragments > MAX_FRAGMENTS:
            self.fault = 1008
            self.fail_connection(1008)
            await asyncio.sleep(60)  # until the library has ended this task
        return frame


def extra_headers(path, _request_headers):
    lines = []
    options = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query)).get("options", "{}")
    for name, value in json.loads(options).get("headers", {}).items():
        handshake = r"(?i)upgrade|connection|content-length|transfer-encoding|sec-websocket-.*"
        if not re.fullmatch(r"[!#$%&'*+.^_`|~\w-]+", name, re.ASCII) or re.fullmatch(handshake, name):
            raise ValueError(f"the header {name!r} cannot be sent")
        for each in [value] if isinstance(value, str) else value:
            if not re.fullmatch(r"[\x20-\x7e\x80-\xff]*", each):
                raise ValueError(f"the header {name!r} has a forbidden character")
            lines.append((name, each))
    return lines


class AbortError(Exception):
    """The connection has ended; `cause` is what `terminate` receives."""

    def __init__(self, cause):
        super().__init__(f"the connection has ended: {cause['type']}, {cause['code']}")
        self.cause = cause


class Connection:
    def __init__(self, socket):
        self.socket = socket
        self.handler, self.arg, self.options = socket.service
        self.queue = []
        self.wake = asyncio.Event()
        self.handled = asyncio.Event()
        self.ended, self.abort_error, self.on_end_listeners = None, None, []
        self.ending = asyncio.get_running_loop().create_future()
        self.has_state, self.state = False, None
        self.busy, self.sending, self.pinged, self.is_read = False, False, False, False
        self.discards = False  # whether frames that come, or wait, are discarded
        self.silence = 0.0
        socket.on_control = self.control
        socket.on_close = self.closed

    def post(self, info):
        if self.ended:
            return
        self.queue.append(("handleInfo", info))
        if self.sending and len(self.queue) > MAX_INFOS:
            self.drop("too many infos wait")
        self.wake.set()

    def stop(self, *close):
        if self.ended:
            return
        loop = asyncio.get_running_loop()
        loop.call_later(CLOSE_BOUND, self.socket.transport.abort)  # in all, whatever the client does
        try:
            _, stop = check({"type": "stop", "state": None, **({"close": close[0]} if close else {})})
        except Exception as error:
            self.report("mailbox.stop", error)
            stop = {"type": "error", "error": error}, 1011, ""
        self.begin_close(*stop)

    @property
    def waiting(self):
        return 0 if self.ended else sum(callback == "handleInfo" for callback, _ in self.queue)

    def on_end(self, listener):
        if self.ended:
            listener(self.abort_error)
        else:
            self.on_end_listeners.append(listener)

    def report(self, callback, error):
        is_abort = self.ended and self.abort_error in (error, error.__cause__)
        if not is_abort:
            print(f"{callback}: {error}", file=sys.stderr, flush=True)

    def control(self, opcode, data):
        if self.handler.handleControl and not self.ended:
            self.queue.append(("handleControl", {"opcode": opcode, "data": bytes(data)}))
            self.wake.set()

    def closed(self, close):
        self.end({"type": "remote", "code": close.code, "reason": close.reason}, by_server=False)

    def end(self, reason, by_server=True):
        if self.ended:
            return False
        self.ended, self.abort_error = reason, AbortError(reason)
        self.ending.set_result(None)
        for listener in self.on_end_listeners:
            listener(self.abort_error)
        self.queue = [each for each in self.queue if each[0] != "handleInfo"]
        if by_server:
            self.discard()
        self.wake.set()
        return True

    def discard(self):
        self.queue, self.discards = [], True

    def drop(self, what):
        self.socket.transport.abort()
        self.end({"type": "error", "error": what, "code": 1006, "reason": ""})

    async def close(self, why, code, reason=""):
        if not self.ended:
            await self.begin_close(why, code, reason)

    def begin_close(self, why, code, reason):
        loop = asyncio.get_running_loop()
        writing = loop.create_task(self.socket.write_close_frame(Close(code, reason)))  # before terminate
        self.end({**why, "code": code, "reason": reason})
        return loop.create_task(self.finish_close(writing))

    async def finish_close(self, writing):
        try:
            await asyncio.wait_for(writing, CLOSE_BOUND)
        except (ConnectionClosed, asyncio.TimeoutError):
            pass
        asyncio.get_running_loop().create_task(self.socket.close())

    async def read(self):
        """Reads one message at a time, so that the library stops reading while a callback is pending."""
        transfer = self.socket.transfer_data_task
        try:
            while self.socket.messages or not transfer.done():
                receiving = asyncio.ensure_future(self.socket.recv())
                await asyncio.wait([receiving, transfer], return_when=asyncio.FIRST_COMPLETED)
                if not receiving.done():
                    await asyncio.sleep(0)
                if not receiving.done():  # the library would wait for the end of the connection
                    receiving.cancel()
                    break
                data = await receiving
                if self.discards:
                    continue
                opcode = "text" if isinstance(data, str) else "binary"
                self.queue.append(("handleIn", {"opcode": opcode, "data": data}))
                self.handled.clear()
                self.wake.set()
                await self.handled.wait()
        except ConnectionClosed:
            pass
        cause = self.socket.transfer_data_exc
        codes = ((UnicodeDecodeError, 1007), (PayloadTooBig, 1009), (ProtocolError, 1002))
        code = self.socket.fault or next((code for kind, code in codes if isinstance(cause, kind)), None)
        if code:
            self.end({"type": "error", "error": str(cause), "code": code, "reason": ""}, by_server=False)
        self.end({"type": "remote", "code": 1006, "reason": ""}, by_server=False)
        self.is_read = True
        self.wake.set()

    async def watch(self):
        """The idle clock: it stands still while a callback is pending."""
        timeout = float(self.options.get("idleTimeout", 60_000)) / 1000
        heartbeat = self.options.get("heartbeat", True)
        before = self.socket.heard_at = time.monotonic()
        while not self.ended and timeout != float("inf"):
            due = timeout / 2 if heartbeat and not self.pinged else timeout
            await asyncio.sleep(min(max(due - self.silence, 0), timeout / 10, 1) + 0.001)
            now = time.monotonic()
            if self.socket.heard_at > before:
                self.silence, self.pinged = 0.0, False
                before = max(before, self.socket.heard_at)
            if not self.busy:
                self.silence += now - before
            before = now
            if self.busy or self.ended:
                continue
            if self.silence >= timeout:
                await self.close({"type": "timeout"}, 1001)
            elif heartbeat and self.silence >= timeout / 2 and not self.pinged:
                self.pinged = True
                await self.send("ping", b"")

    async def call(self, callback, *parameters):
        try:
            result = getattr(self.handler, callback)(*parameters)
            if asyncio.iscoroutine(result):
                self.busy = True
                result = await result
            messages, stop = check(result)
        except Exception as error:
            self.report(callback, error)
            self.discard()
            await self.close({"type": "error", "error": error}, 1011)
            return
        finally:
            self.busy = False
        self.has_state, self.state = True, result["state"]
        if stop:
            self.discard()
        if self.ended:
            return
        self.sending = True
        for message in messages:
            if not self.ended:
                await self.send(message["opcode"], message.get("data", b""))
        self.sending = False
        if stop:
            await self.close(*stop)

    async def send(self, opcode, data):
        if opcode not in ("ping", "pong"):
            sent = self.socket.send(data)
        else:
            data = data.encode() if isinstance(data, str) else bytes(data)
            sent = self.socket.write_frame(True, OP_PING if opcode == "ping" else OP_PONG, data)
        sending, transport = asyncio.ensure_future(sent), self.socket.transport
        left = transport.get_write_buffer_size()
        waiting = dict(timeout=STALL_BOUND, return_when=asyncio.FIRST_COMPLETED)
        while not (await asyncio.wait([sending, self.ending], **waiting))[0]:
            before, left = left, transport.get_write_buffer_size()
            if left >= before > 0:
                self.drop("the client does not read")
        if not sending.done():  # the connection has ended, and nothing waits for the client any more
            sending.add_done_callback(lambda done: done.cancelled() or done.exception())
        elif not sending.cancelled() and isinstance(sending.exception(), Exception):
            if not isinstance(sending.exception(), ConnectionClosed):
                raise sending.exception()

    async def serve(self):
        loop = asyncio.get_running_loop()
        reading, clock = loop.create_task(self.read()), loop.create_task(self.watch())
        await self.call("init", self.arg, self)
        turn = 0
        while self.has_state:
            if not self.queue:
                self.handled.set()
                if self.ended and (self.is_read or self.discards):
                    break
                self.wake.clear()
                await self.wake.wait()
                continue
            callback, value = self.queue.pop(0)
            await self.call(callback, value, self.state)
            turn += 1
            if turn % 100 == 0:
                await asyncio.sleep(0)  # yield to other connections
        self.discard()
        self.handled.set()
        if self.has_state and self.handler.terminate:
            try:
                result = self.handler.terminate(self.ended, self.state)
                if asyncio.iscoroutine(result):
                    await result
            except Exception as error:
                self.report("terminate", error)
        await reading
        clock.cancel()


async def main():
    serving = websockets.serve(
        lambda socket, _path: Connection(socket).serve(),
        "127.0.0.1",
        0,
        create_protocol=Socket,
        extra_headers=extra_headers,
        ping_interval=None,
        close_timeout=CLOSE_BOUND,
        max_queue=1,
    )
    async with serving as server:
        print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
