// Whether bytes are a message of a type, without making one: a few bytes may stand for a very large message in memory.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>

namespace spindle_grpc {

// Also false when a text is not UTF-8 (in proto3) or a required field is missing (in proto2). The reason is in `why`.
bool wire_check(const google::protobuf::Descriptor &type, const std::string &bytes, std::string &why);

} // namespace spindle_grpc
