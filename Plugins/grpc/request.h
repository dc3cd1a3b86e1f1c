// What a job asks for, read from its parameters.
#pragma once

#include <spindle/executor.h>

#include <string>
#include <utility>
#include <vector>

#include "fault.h"
#include "target.h"

namespace spindle_grpc {

struct Field {
    std::string parameter; // as the job named it
    std::string path;      // "name" or "outer.inner"
    std::string text;
    bool is_secret; // the text must not be told
};

struct Request {
    Target target;
    std::vector<std::pair<std::string, std::string>> metadata; // names in lower case; values of -bin names are bytes
    size_t job_metadata_count = 0; // so many of them are the job's own, first
    std::vector<Field> fields;
    int64_t max_response_bytes = SPINDLE_MAX_OUTPUT_BYTES;
    bool emit_defaults = false;

    Request() = default;
    Request(const Request &) = delete;
    ~Request(); // overwrites what may hold secrets
};

extern const char parameters_schema[];
extern const std::vector<std::string> parameter_names; // for suggestions

bool request_read(Request &request, const spindle_request &source, Fault &fault);

// In metadata.cpp: checks a name and a value and adds them.
bool metadata_read(Request &request, const std::string &parameter, const std::string &name, std::string value, Fault &fault);
// Adds what every call carries unless the job has its own: the idempotency key and the trace context.
void metadata_complete(Request &request, const spindle_request &source);

} // namespace spindle_grpc
