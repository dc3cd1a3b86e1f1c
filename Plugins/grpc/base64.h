// Base 64 as RFC 4648 has it, also the alphabet for URLs; padding may be missing.
#pragma once

#include <string>

namespace spindle_grpc {

bool base64_decode(std::string &bytes, const std::string &text);
std::string base64_encode(const std::string &bytes);

} // namespace spindle_grpc
