"""A server whose reflection and whose answers are wrong in every way. Prints its port."""
import threading
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2 as pb

F = descriptor_pb2.FieldDescriptorProto


def file_of(name, package, service=None, imports=(), methods=("Call",)):
    """A file with a message that holds itself, and perhaps a service."""
    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3", dependency=imports)
    node = file.message_type.add(name="Node")
    kind = f".{package}.Node"
    node.field.add(name="next", number=1, label=F.LABEL_OPTIONAL, type=F.TYPE_MESSAGE, type_name=kind)
    node.field.add(name="many", number=2, label=F.LABEL_REPEATED, type=F.TYPE_MESSAGE, type_name=kind)
    node.field.add(name="text", number=3, label=F.LABEL_OPTIONAL, type=F.TYPE_STRING)
    if service:
        made = file.service.add(name=service)
        for method in methods:
            made.method.add(name=method, input_type=kind, output_type=kind)
    return file


def wide_file(file):
    for i in range(100001):
        file.message_type[0].reserved_name.append(f"r{i}")
    return file


def answer(*files):
    return pb.ServerReflectionResponse(file_descriptor_response=pb.FileDescriptorResponse(
        file_descriptor_proto=[file if isinstance(file, bytes) else file.SerializeToString() for file in files]))


def error(text):
    return pb.ServerReflectionResponse(error_response=pb.ErrorResponse(error_code=5, error_message=text))


CALLS = ("Garbage", "Nothing", "Two", "Deep", "Wide", "NotText", "Long", "Packed")
symbols = {
    "hostile.Garbage": answer(b"\xff\xff\xff"),
    "hostile.Nothing": pb.ServerReflectionResponse(),
    "hostile.Empty": answer(),
    "hostile.Other": answer(file_of("other.proto", "hostile", "SomethingElse")),
    "hostile.Orphan": answer(file_of("orphan.proto", "hostile", "Orphan", ["nowhere.proto"])),
    "hostile.Cycle": answer(file_of("a.proto", "hostile", "Cycle", ["b.proto"]), file_of("b.proto", "hostile.b", None, ["a.proto"])),
    "hostile.Twice": answer(file_of("c.proto", "hostile", "Twice"), file_of("d.proto", "hostile", "Twice")),
    "hostile.Chain": answer(file_of("chain0.proto", "hostile", "Chain", ["chain1.proto"])),
    "hostile.Imports": answer(file_of("many.proto", "hostile", "Imports", [f"i{i}.proto" for i in range(513)])),
    "hostile.SameImport": answer(file_of("same.proto", "hostile", "SameImport", ["google/protobuf/any.proto"] * 100000)),
    "hostile.Fields": answer(wide_file(file_of("fields.proto", "hostile", "Fields"))),
    "hostile.Long": answer(file_of("long.proto", "hostile", "Long"), b"x" * (5 << 20)),
    "hostile.Private": answer(file_of("private.proto", "hostile", "Private")),
    "hostile.Calls": answer(file_of("calls.proto", "hostile", "Calls", (), CALLS)),
}


def admit(context):
    if dict(context.invocation_metadata()).get("authorization") != "Bearer s3cret-value":
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "no or wrong credentials")


def private(_, context):
    admit(context)
    return b""


def reflect(requests, context):
    for request in requests:
        symbol, name = request.file_containing_symbol, request.file_by_filename
        if symbol == "hostile.Ends":
            return
        if symbol == "hostile.Silent":
            ended = threading.Event()
            context.add_callback(ended.set)
            ended.wait()
            return
        if symbol == "hostile.Private":
            admit(context)
        if symbol == "hostile.Fails":
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for you")
        if symbol:
            yield symbols.get(symbol, error("no such symbol"))
        elif name.startswith("chain"):
            number = int(name[5:-6])
            yield answer(file_of(name, f"hostile.c{number}", None, [f"chain{number + 1}.proto"]))
        elif name:
            yield error("no such file")
        else:
            # Very many names: the list is bounded too.
            services = [pb.ServiceResponse(name=f"hostile.S{i}") for i in range(5000)]
            yield pb.ServerReflectionResponse(list_services_response=pb.ListServiceResponse(service=services))


def nested(depth):
    data = b""
    for _ in range(depth):
        size, length = len(data), b""
        while size > 127:
            length += bytes([size & 127 | 128])
            size >>= 7
        data = b"\x0a" + length + bytes([size]) + data
    return data


answers = {
    "Garbage": [b"\x0a\xff\xff\xff"], "Nothing": [], "Two": [b"", b""], "Deep": [nested(150)], "Wide": [b"\x12\x00" * 1000000],
    "Packed": [b"\x1a\x80\x80\x40" + b"x" * (1 << 20)],
    "NotText": [b"\x1a\x02\xff\xfe"], "Long": [b"\x1a\x80\x80\x80\x08" + b"x" * 10],
}


def say(name, context):
    if name == "Packed":
        context.set_compression(grpc.Compression.Gzip)
    yield from answers[name]


same = {"request_deserializer": None, "response_serializer": None}
server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
server.add_generic_rpc_handlers((
    grpc.method_handlers_generic_handler("grpc.reflection.v1alpha.ServerReflection", {
        "ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(
            reflect, pb.ServerReflectionRequest.FromString, pb.ServerReflectionResponse.SerializeToString)}),
    grpc.method_handlers_generic_handler("hostile.Private", {"Call": grpc.unary_unary_rpc_method_handler(private, **same)}),
    grpc.method_handlers_generic_handler("hostile.Calls", {
        name: grpc.unary_stream_rpc_method_handler(lambda _, context, name=name: say(name, context), **same) for name in answers}),
))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
server.wait_for_termination()
