#include "status.h"

#include <spindle/executor.h>
#include <string.h>

#include "details.h"
#include "text.h"

namespace spindle_grpc {

namespace {

constexpr int64_t longest_wait_ms = 3600000;
constexpr size_t most_message = 2048;

struct Known {
    const char *name;
    bool retryable;
};

// In the order of their numbers. INTERNAL and UNKNOWN are what HTTP calls 500: a fault of the server, gone next time or not.
// CANCELLED that nobody here asked for is a server or a proxy that stopped.
const Known known[] = {
    {"OK", false},           {"CANCELLED", true},          {"UNKNOWN", true},        {"INVALID_ARGUMENT", false},
    {"DEADLINE_EXCEEDED", true}, {"NOT_FOUND", false},     {"ALREADY_EXISTS", false}, {"PERMISSION_DENIED", false},
    {"RESOURCE_EXHAUSTED", true}, {"FAILED_PRECONDITION", false}, {"ABORTED", true}, {"OUT_OF_RANGE", false},
    {"UNIMPLEMENTED", false}, {"INTERNAL", true},          {"UNAVAILABLE", true},    {"DATA_LOSS", false},
    {"UNAUTHENTICATED", false},
};
constexpr int known_count = (int)(sizeof known / sizeof *known);

bool find(const Trailers &trailers, const char *name, std::string &value) {
    auto entry = trailers.find(name);
    if (entry == trailers.end()) return false;
    value.assign(entry->second.data(), entry->second.size());
    return true;
}

int64_t capped(int64_t wait) {
    return wait > longest_wait_ms ? longest_wait_ms : wait;
}

// How long the server asks to be left alone; -1 = it does not say. False: it asks not to be called again at all.
bool read_pushback(const grpc::Status &status, const Trailers &trailers, int64_t &wait) {
    std::string text;
    wait = -1;
    if (find(trailers, "grpc-retry-pushback-ms", text)) {
        // By gRFC A6 a value that is negative or no number means no retry.
        if (!parse_decimal(text.data(), text.size(), INT64_C(1) << 40, &wait)) return false;
        wait = capped(wait);
        return true;
    }
    wait = details_retry_delay_ms(status.error_details());
    if (wait >= 0) {
        wait = capped(wait);
    } else if (find(trailers, "retry-after", text) && parse_decimal(text.data(), text.size(), INT64_C(1) << 40, &wait)) {
        wait = wait > longest_wait_ms / 1000 ? longest_wait_ms : wait * 1000;
    }
    return true;
}

bool has(const std::string &text, const char *part) {
    return text.find(part) != std::string::npos;
}

Judgement judge_connection(const std::string &text) {
    if (has(text, "CERTIFICATE_VERIFY_FAILED") || has(text, "certificate verify failed") || has(text, "Peer name") ||
        has(text, "peer name")) {
        return {SPINDLE_PERMANENT, "grpc.tls.certificate",
                "the server's certificate was not accepted; its name or its authority is not the expected one", -1};
    }
    if (has(text, "andshake") || has(text, "SSL_ERROR") || has(text, "TSI")) {
        return {SPINDLE_RETRYABLE, "grpc.tls", "the TLS handshake failed; does the server speak TLS on this port?", -1};
    }
    return {SPINDLE_RETRYABLE, "grpc.connect", "no connection to the server could be made", -1};
}

} // namespace

const char *status_name(int code) {
    return code >= 0 && code < known_count ? known[code].name : "UNKNOWN";
}

Judgement status_judge(const grpc::Status &status, const Trailers &trailers, bool cancelled, bool connected) {
    int code = (int)status.error_code();
    const std::string &text = status.error_message();
    // Any other status came before the cancel did.
    if (cancelled && (code == grpc::StatusCode::CANCELLED || code == grpc::StatusCode::DEADLINE_EXCEEDED)) {
        return {SPINDLE_CANCELLED, "grpc.cancelled", "the call was broken off", -1};
    }
    if (!connected && code == grpc::StatusCode::UNAVAILABLE && has(text, "failed to connect to all addresses")) return judge_connection(text);
    if (code == grpc::StatusCode::RESOURCE_EXHAUSTED && has(text, "larger than max")) {
        return {SPINDLE_PERMANENT, "grpc.message.too_large",
                "a message is longer than one of the two sides allows (maxMessageBytes is this side's limit): " +
                    text.substr(0, most_message),
                -1};
    }
    Judgement judgement;
    const char *name = status_name(code);
    judgement.outcome = code < 0 || code >= known_count || known[code].retryable ? SPINDLE_RETRYABLE : SPINDLE_PERMANENT;
    judgement.code = "grpc.status.";
    for (const char *c = name; *c != '\0'; c++) judgement.code += ascii_lower(*c);
    judgement.message = std::string("the call ended with ") + name;
    if (!text.empty()) judgement.message += ": " + text.substr(0, most_message);
    judgement.retry_after_ms = -1;
    if (judgement.outcome == SPINDLE_RETRYABLE && !read_pushback(status, trailers, judgement.retry_after_ms)) {
        judgement.outcome = SPINDLE_PERMANENT;
        judgement.message += " (the server asks not to be called again)";
    }
    return judgement;
}

} // namespace spindle_grpc
