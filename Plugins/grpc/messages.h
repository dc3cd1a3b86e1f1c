// JSON and fields to messages, and messages to JSON.
#pragma once

#include <spindle/executor.h>

#include <string>
#include <vector>

#include "descriptors.h"
#include "fault.h"
#include "request.h"

namespace spindle_grpc {

// The messages to send, encoded: one, or, for a method that takes a stream, those of a JSON array.
bool messages_encode(std::vector<std::string> &messages, const Schema &schema, const google::protobuf::MethodDescriptor &method,
                     const Request &request, spindle_str payload, Fault &fault);

enum class Decoded { ok, too_large, malformed };
// One line of JSON, at most `most` bytes; the reason in `why`.
Decoded message_decode(std::string &json, const Schema &schema, const google::protobuf::Descriptor &type,
                       const std::string &bytes, bool emit_defaults, size_t most, std::string &why);

} // namespace spindle_grpc
