#include "base64.h"

#include <stdint.h>

namespace spindle_grpc {

namespace {

int digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

} // namespace

bool base64_decode(std::string &bytes, const std::string &text) {
    size_t length = text.size(), padding = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    bytes.clear();
    bytes.reserve(length / 4 * 3 + 3);
    while (length > 0 && text[length - 1] == '=' && padding < 2) {
        length--;
        padding++;
    }
    if (length % 4 == 1 || (padding > 0 && (length + padding) % 4 != 0)) return false;
    for (size_t i = 0; i < length; i++) {
        int value = digit(text[i]);
        if (value < 0) return false;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes += (char)(uint8_t)(bits >> held);
            bits &= (1u << held) - 1;
        }
    }
    return bits == 0; // what is left over has to be nothing
}

std::string base64_encode(const std::string &bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        size_t left = bytes.size() - i;
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++) bits = bits << 8 | (j < left ? (uint8_t)bytes[i + j] : 0u);
        for (size_t j = 0; j < 4; j++) text += j <= left ? digits[bits >> (18 - 6 * j) & 63] : '=';
    }
    return text;
}

} // namespace spindle_grpc
