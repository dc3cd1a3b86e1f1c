#include "target.h"

#include "text.h"

namespace spindle_grpc {

namespace {

constexpr size_t most_bytes = 2048;

bool wrong(Fault &fault, const char *why) {
    return refuse(fault, "grpc.target", std::string("target: ") + why);
}

bool is_name_character(char c) {
    c = ascii_lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// Names as protobuf has them; `dots` for a service, which has its package before it.
bool is_symbol(const std::string &text, bool dots) {
    bool begins = true;
    for (char c : text) {
        if (c == '.' && dots && !begins) {
            begins = true;
            continue;
        }
        if (!is_name_character(c) || (begins && c >= '0' && c <= '9')) return false;
        begins = false;
    }
    return !begins;
}

bool check_host(const std::string &host, Fault &fault) {
    size_t label = 0;
    if (host.empty() || host.size() > 253) return wrong(fault, "the host is empty or longer than 253 characters");
    for (char c : host) {
        if (c == '.') {
            if (label == 0) return wrong(fault, "the host has an empty label");
            label = 0;
        } else if (!is_name_character(c) && c != '-') {
            // Nothing over ASCII: IDNA can turn harmless bytes into digits and dots.
            return wrong(fault, "the host has a character that is not allowed; write IDNs as xn--");
        } else if (++label > 63) {
            return wrong(fault, "the host has a label over 63 characters");
        }
    }
    if (address_numeric_name(host.data(), host.size())) {
        return wrong(fault, "the host is a number, but not a dotted quad");
    }
    return true;
}

bool read_authority(Target &target, const std::string &text, Fault &fault) {
    std::string port;
    int64_t number = 443;
    if (!text.empty() && text[0] == '[') {
        size_t close = text.find(']');
        if (close == std::string::npos || text.find(':') > close ||
            !address_parse(&target.where, text.data() + 1, close - 1)) {
            return wrong(fault, "the host is not an IPv6 address");
        }
        if (close + 1 < text.size() && text[close + 1] != ':') return wrong(fault, "there is something between host and port");
        target.literal = true;
        target.host = text.substr(1, close - 1);
        port = text.substr(close + 1);
    } else {
        size_t colon = text.find(':');
        target.host = text.substr(0, colon);
        if (colon != std::string::npos) port = text.substr(colon);
        target.literal = address_parse(&target.where, target.host.data(), target.host.size());
        if (!target.literal && !check_host(target.host, fault)) return false;
    }
    if (port.empty() && !target.tls) return wrong(fault, "grpc:// needs a port: grpc://HOST:PORT/package.Service/Method");
    if (!port.empty() && (!parse_decimal(port.data() + 1, port.size() - 1, 65535, &number) || number == 0)) {
        return wrong(fault, "the port is not a number from 1 to 65535");
    }
    target.port = (uint16_t)number;
    for (char &c : target.host) c = ascii_lower(c);
    return true;
}

} // namespace

std::string Target::authority() const {
    bool brackets = host.find(':') != std::string::npos;
    return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool target_read(Target &target, const std::string &text, Fault &fault) {
    target = Target();
    if (text.size() > most_bytes) return wrong(fault, "it is longer than 2048 bytes");
    target.tls = text_starts_nocase(text.data(), text.size(), "grpcs://");
    if (!target.tls && !text_starts_nocase(text.data(), text.size(), "grpc://")) {
        return wrong(fault, "it has to be grpc://HOST:PORT/package.Service/Method, or grpcs:// for TLS");
    }
    size_t start = text.find("://") + 3, slash = text.find('/', start);
    size_t second = slash == std::string::npos ? slash : text.find('/', slash + 1);
    if (second == std::string::npos) {
        return wrong(fault, "it has to name a method: grpc://HOST:PORT/package.Service/Method");
    }
    target.service = text.substr(slash + 1, second - slash - 1);
    target.method = text.substr(second + 1);
    if (!is_symbol(target.service, true)) return wrong(fault, "the service is not a name such as package.Service");
    if (!is_symbol(target.method, false)) return wrong(fault, "the method is not a name such as GetOrder");
    return read_authority(target, text.substr(start, slash - start), fault);
}

} // namespace spindle_grpc
