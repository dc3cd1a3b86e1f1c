// The client's certificate for mutual TLS.
#pragma once

#include <string>

namespace spindle_grpc {

// False with the reason in `why` unless both are PEM and belong together. gRPC would only find out in each call.
bool identity_check(const std::string &certificate, const std::string &key, std::string &why);

} // namespace spindle_grpc
