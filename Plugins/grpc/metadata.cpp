// Metadata of a call. gRPC's library ends the process for what it thinks is malformed, so all of it is checked here.
#include "request.h"

#include "base64.h"
#include "text.h"

namespace spindle_grpc {

namespace {

constexpr size_t most_entries = 100, most_bytes = 16384;

bool wrong(Fault &fault, const std::string &parameter, const std::string &message) {
    return refuse(fault, "grpc.parameter", parameter + ": " + message, pointer_part(parameter));
}

bool is_binary(const std::string &name) {
    return name.size() > 4 && name.compare(name.size() - 4, 4, "-bin") == 0;
}

// What frames a call belongs to the library.
bool is_reserved(const std::string &name) {
    static const char *const names[] = {"te", "content-type", "user-agent", "host", "connection", "keep-alive", "upgrade",
                                        "transfer-encoding", "proxy-connection", "content-length"};
    if (name.compare(0, 5, "grpc-") == 0) return true;
    for (const char *reserved : names) {
        if (name == reserved) return true;
    }
    return false;
}

bool has(const Request &request, const std::string &name) {
    for (const auto &entry : request.metadata) {
        if (entry.first == name) return true;
    }
    return false;
}

bool is_printable(const std::string &value) {
    for (char c : value) {
        if (c < 0x20 || c > 0x7E) return false;
    }
    return true;
}

void add_own(Request &request, const char *name, spindle_str value) {
    std::string text(value.len == 0 ? "" : value.ptr, value.len);
    if (!text.empty() && text.size() <= 1024 && is_printable(text) && !has(request, name)) {
        request.metadata.emplace_back(name, std::move(text));
    }
}

} // namespace

bool metadata_read(Request &request, const std::string &parameter, const std::string &name, std::string value, Fault &fault) {
    std::string key;
    size_t bytes = 0;
    for (char c : name) {
        c = ascii_lower(c);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.')) {
            return wrong(fault, parameter, "a name of metadata has letters, digits, '-', '_' and '.' only");
        }
        key += c;
    }
    if (key.empty()) return wrong(fault, parameter, "the name is missing: Metadata_NAME");
    if (is_reserved(key)) return wrong(fault, parameter, "that is the library's own and cannot be set");
    if (has(request, key)) return wrong(fault, parameter, "it is given twice");
    if (is_binary(key)) {
        std::string decoded;
        bool read = base64_decode(decoded, value);
        wipe(value);
        if (!read) return wrong(fault, parameter, "the value of a name that ends with -bin has to be base64");
        value.swap(decoded);
    } else {
        while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back(); // of a secret's file
        if (!is_printable(value)) return wrong(fault, parameter, "the value may only have printable ASCII");
    }
    for (const auto &entry : request.metadata) bytes += entry.first.size() + entry.second.size();
    if (request.metadata.size() >= most_entries || bytes + key.size() + value.size() > most_bytes) {
        return wrong(fault, parameter, "more than 100 entries or 16 KiB of metadata");
    }
    request.metadata.emplace_back(std::move(key), std::move(value));
    return true;
}

void metadata_complete(Request &request, const spindle_request &source) {
    add_own(request, "idempotency-key", source.idempotency_key);
    add_own(request, "traceparent", source.traceparent);
    add_own(request, "tracestate", source.tracestate);
}

} // namespace spindle_grpc
