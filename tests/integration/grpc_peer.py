"""A gRPC server, and a client that speaks with it: `serve ADDRESS:PORT` echoes; `visit ADDRESS:PORT HOST CA LASTS GAP` asks until it is
answered, sends a message each GAP seconds over one stream for LASTS seconds, says "ended" and when, and stays connected until its input ends.
Programs of their own, because gRPC and a fork do not go together."""

import sys
import time
from concurrent import futures

import grpc


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/hall.Test/Stream":
            return grpc.stream_stream_rpc_method_handler(lambda messages, _: messages)
        return grpc.unary_unary_rpc_method_handler(lambda message, _: message)


def serve(where):
    server = grpc.server(futures.ThreadPoolExecutor(8), (Echo(),))
    if not server.add_insecure_port(where):
        sys.exit(f"{where} cannot be had")
    server.start()
    print("serves", flush=True)
    sys.stdin.read()
    server.stop(0)


def ask_until_answered(channel):
    ask, said = channel.unary_unary("/hall.Test/Ask"), None
    while True:
        try:
            assert ask(b"hello", timeout=60) == b"hello"
            print("answered", flush=True)
            return
        except grpc.RpcError as error:
            if error.code() != said:
                said = error.code()
                print("refused", said.name, flush=True)
            time.sleep(0.25)


def visit(where, host, authority, lasts, gap):
    with open(authority, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    channel = grpc.secure_channel(where, credentials, (("grpc.ssl_target_name_override", host), ("grpc.default_authority", host),
                                                       ("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 500)))
    ask_until_answered(channel)

    def messages():
        """The stream ends with the last one: idle time counts from there."""
        for n in range(int(lasts / gap) + 1):
            time.sleep(gap if n > 0 else 0)
            yield b"x" * 1000

    try:
        for n, message in enumerate(channel.stream_stream("/hall.Test/Stream")(messages())):
            assert len(message) == 1000
            print("moved", n + 1, flush=True)
        print("ended", time.monotonic(), flush=True)
    except grpc.RpcError as error:
        print("cut", error.code().name, error.details(), flush=True)
    sys.stdin.read()
    channel.close()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        visit(*sys.argv[2:5], *map(float, sys.argv[5:]))
