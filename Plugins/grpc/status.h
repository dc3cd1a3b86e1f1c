// What the host makes of a gRPC status.
#pragma once

#include <grpcpp/support/status.h>
#include <grpcpp/support/string_ref.h>

#include <map>
#include <string>

#include "descriptors.h"

namespace spindle_grpc {

struct Judgement {
    int32_t outcome;        // SPINDLE_*
    std::string code;       // "grpc.…"
    std::string message;
    int64_t retry_after_ms; // -1 = the host's own delay
};

using Trailers = std::multimap<grpc::string_ref, grpc::string_ref>;

const char *status_name(int code); // "NOT_FOUND"

// `cancelled`: it was this side that broke the call off. `connected`: the channel has a connection, so what
// the status says are the words of a server and not the library's about the connection.
Judgement status_judge(const grpc::Status &status, const Trailers &trailers, bool cancelled, bool connected);

} // namespace spindle_grpc
