// Where a call goes: grpc://HOST:PORT/package.Service/Method, or grpcs:// for TLS.
#pragma once

#include <string>

#include "address.h"
#include "fault.h"

namespace spindle_grpc {

struct Target {
    bool tls = false;
    std::string host; // in lower case, without brackets
    uint16_t port = 0;
    bool literal = false; // the host is the address below
    address where{};
    std::string service; // "package.Service"
    std::string method;

    std::string authority() const; // as :authority has it
    std::string path() const { return "/" + service + "/" + method; }
    // What descriptors are kept by: the same scheme, host and port.
    std::string origin() const { return (tls ? "grpcs://" : "grpc://") + authority(); }
};

bool target_read(Target &target, const std::string &text, Fault &fault);

} // namespace spindle_grpc
