"""The gRPC server of the tests, on the loopback: server.py SHOP.PB [--reflection v1alpha|v1|none] [--tls CERT KEY [CLIENT_CA]]

Prints its port. SHOP.PB is the descriptor set of shop.proto: nothing is generated, so any version of protobuf will do.
"""
import argparse
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import any_pb2, struct_pb2, timestamp_pb2, wrappers_pb2  # noqa: F401 (shop.proto imports them)
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, empty_pb2, message_factory
from google.rpc import error_details_pb2, status_pb2

parser = argparse.ArgumentParser()
parser.add_argument("set")
parser.add_argument("--reflection", default="v1alpha")
parser.add_argument("--tls", nargs="+")
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--patient", action="store_true", help="answers where it would hold a call")
options = parser.parse_args()

pool = descriptor_pool.Default()
files = descriptor_pb2.FileDescriptorSet.FromString(open(options.set, "rb").read())
for file in files.file:
    if not file.name.startswith("google/"):
        pool.AddSerializedFile(file.SerializeToString())


def type_of(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


Order, OrderRequest, Kinds = type_of("shop.Order"), type_of("shop.OrderRequest"), type_of("shop.Kinds")
Behaviour, Blob, Echo, Seen = type_of("shop.Behaviour"), type_of("shop.Blob"), type_of("shop.Echo"), type_of("shop.Seen")
Number, Sum = type_of("shop.Number"), type_of("shop.Sum")
codes = {code.value[0]: code for code in grpc.StatusCode}

lock = threading.Lock()
changed = threading.Condition(lock)
calls, cancelled, reflections, peers = {}, {}, 0, set()


def note(table, tag):
    with changed:
        table[tag] = table.get(tag, 0) + 1
        changed.notify_all()


def every_detail():
    rpc = error_details_pb2
    return [
        rpc.BadRequest(field_violations=[rpc.BadRequest.FieldViolation(field="order_id", description="must be positive")]),
        rpc.ErrorInfo(reason="STOCK_EMPTY", domain="shop.example", metadata={"sku": "A-1"}),
        rpc.DebugInfo(stack_entries=["a", "b"], detail="trace"),
        rpc.QuotaFailure(violations=[rpc.QuotaFailure.Violation(subject="user:1", description="daily limit")]),
        rpc.PreconditionFailure(violations=[rpc.PreconditionFailure.Violation(type="TOS", subject="s", description="d")]),
        rpc.RequestInfo(request_id="r-1", serving_data="x"),
        rpc.ResourceInfo(resource_type="order", resource_name="7", owner="ada", description="gone"),
        rpc.Help(links=[rpc.Help.Link(description="docs", url="https://example.org")]),
        rpc.LocalizedMessage(locale="de", message="leer"),
        type_of("shop.Item")(sku="A-1", quantity=3),
    ]


def fail(b, context):
    details = every_detail() if b.details else []
    if b.retry_ms:
        delay = duration_pb2.Duration(seconds=b.retry_ms // 1000, nanos=b.retry_ms % 1000 * 1000000)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    trailers = []
    if details:
        status = status_pb2.Status(code=b.code, message=b.message)
        for detail in details:
            status.details.add().Pack(detail)
        if b.details:
            status.details.add(type_url="type.googleapis.com/some.Unknown", value=b"\x08\x01")
        trailers.append(("grpc-status-details-bin", status.SerializeToString()))
    if b.pushback:
        trailers.append(("grpc-retry-pushback-ms", b.pushback))
    if b.retry_after:
        trailers.append(("retry-after", b.retry_after))
    context.set_trailing_metadata(trailers)
    context.abort(codes[b.code], b.message)


def hold(b, context):
    ended = threading.Event()
    context.add_callback(ended.set)
    note(calls, b.tag)
    ended.wait()
    note(cancelled, b.tag)


def get_order(request, context):
    order = Order(order_id=request.order_id, customer="Ada", status=1, labels={"gift": "yes"})
    order.items.add(sku="A-1", quantity=2)
    if request.HasField("first_item"):
        order.items.append(request.first_item)
    order.created.FromJsonString("2026-01-02T03:04:05Z")
    if request.order_id == 404:
        context.abort(grpc.StatusCode.NOT_FOUND, "there is no order 404")
    if request.secret:
        order.customer = "the secret has %d bytes" % len(request.secret)
    return order


def behave(b, context):
    if b.hold and not options.patient:
        hold(b, context)
        return Blob()
    note(calls, b.tag)
    if b.sleep_ms:
        time.sleep(b.sleep_ms / 1000)
    if b.code:
        fail(b, context)
    return Blob(index=1, text="x" * b.size)


def stream(b, context):
    for i in range(b.count):
        if b.fail_after and i == b.fail_after:
            break
        yield Blob(index=i, text="x" * b.size)
    if b.hold:
        hold(b, context)
    elif b.code:
        fail(b, context)


def add(numbers, context):
    values = [n.value for n in numbers]
    return Sum(sum=sum(values), count=len(values))


def chat(numbers, context):
    total = Sum()
    for n in numbers:
        total.sum += n.value
        total.count += 1
        yield total


def who_am_i(_, context):
    left = context.time_remaining()
    context.send_initial_metadata([("x-head", "first"), ("x-raw-bin", b"\x00\xff")])
    context.set_trailing_metadata([("x-tail", "last")])
    echo = Echo(peer=context.peer(), deadline_ms=int(left * 1000) if left is not None and left < 1e8 else -1)
    for key, value in context.invocation_metadata():
        echo.metadata[key] = value.hex() if isinstance(value, bytes) else value
    return echo


def private(request, context):
    if dict(context.invocation_metadata()).get("authorization") != "Bearer s3cret-value":
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "no or wrong credentials")
    return who_am_i(request, context)


def see(b, context):
    # With `hold` it answers when the call of that name has been cancelled, with `count` when so many have been made.
    with changed:
        while b.hold and cancelled.get(b.tag, 0) == 0 or calls.get(b.tag, 0) < b.count:
            changed.wait()
        return Seen(calls=calls.get(b.tag, 0), cancelled=cancelled.get(b.tag, 0), connections=len(peers), reflections=reflections)


class Watch(grpc.ServerInterceptor):
    def intercept_service(self, proceed, details):
        global reflections
        if "ServerReflection" in details.method:
            with lock:
                reflections += 1
        return proceed(details)


unary, server_stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler


def handler(make, function, taken, given):
    return make(function, request_deserializer=taken.FromString, response_serializer=given.SerializeToString)


Empty = empty_pb2.Empty
handlers = {
    "GetOrder": handler(unary, get_order, OrderRequest, Order),
    "Mirror": handler(unary, lambda kinds, _: kinds, Kinds, Kinds),
    "Behave": handler(unary, behave, Behaviour, Blob),
    "Stream": handler(server_stream, stream, Behaviour, Blob),
    "Add": handler(grpc.stream_unary_rpc_method_handler, add, Number, Sum),
    "Chat": handler(grpc.stream_stream_rpc_method_handler, chat, Number, Sum),
    "WhoAmI": handler(unary, who_am_i, Empty, Echo),
    "Private": handler(unary, private, Empty, Echo),
    "See": handler(unary, see, Behaviour, Seen),
}
limits = [("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)]
server = grpc.server(futures.ThreadPoolExecutor(max_workers=64), interceptors=[Watch()], options=limits)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Shop", handlers),))
if options.reflection != "none":
    from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

    servicer = reflection.ReflectionServicer(["shop.Shop", reflection.SERVICE_NAME])
    if options.reflection == "v1alpha":
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)
    else:  # the same messages under the name that newer servers use
        info = handler(grpc.stream_stream_rpc_method_handler, servicer.ServerReflectionInfo,
                       reflection_pb2.ServerReflectionRequest, reflection_pb2.ServerReflectionResponse)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
            "grpc.reflection.v1.ServerReflection", {"ServerReflectionInfo": info}),))
address = "127.0.0.1:%d" % options.port
if options.tls:
    cert, key = (open(name, "rb").read() for name in options.tls[:2])
    authority = open(options.tls[2], "rb").read() if len(options.tls) > 2 else None
    port = server.add_secure_port(address, grpc.ssl_server_credentials([(key, cert)], authority, authority is not None))
else:
    port = server.add_insecure_port(address)
server.start()
print(port, flush=True)
server.wait_for_termination()
