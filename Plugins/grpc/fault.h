// What is wrong with a job or a configuration, and where.
#pragma once

#include <string>
#include <vector>

namespace spindle_grpc {

struct Fault {
    std::string code;    // "grpc.…"
    std::string message; // for a person
    std::string pointer; // RFC 6901, or empty
};

// Always false, so that a reader can end with `return refuse(…)`.
inline bool refuse(Fault &fault, const char *code, std::string message, std::string pointer = "") {
    fault = {code, std::move(message), std::move(pointer)};
    return false;
}

// "/" and a key as RFC 6901 wants it.
std::string pointer_part(const std::string &key);

// `; did you mean "x"?`, or nothing when none is near.
std::string suggestion(const std::string &text, const std::vector<std::string> &names);

// Overwrites and empties it: for anything that may hold a secret.
void wipe(std::string &text);

} // namespace spindle_grpc
