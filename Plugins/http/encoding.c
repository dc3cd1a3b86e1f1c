#include "encoding.h"

#include <string.h>

static bool percent(struct buffer *b, const char *text, size_t length, bool plus) {
    static const char digits[] = "0123456789ABCDEF";
    size_t i;
    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        char lower = ascii_lower(text[i]);
        if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~", c) != NULL)) {
            buffer_append(b, text + i, 1);
        } else if (plus && c == ' ') {
            buffer_append(b, "+", 1);
        } else {
            char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
            buffer_append(b, escaped, 3);
        }
    }
    return !b->failed;
}

bool encode_percent(struct buffer *b, const char *text, size_t length) {
    return percent(b, text, length, false);
}

bool encode_form(struct buffer *b, const char *text, size_t length) {
    return percent(b, text, length, true);
}

bool encode_xml(struct buffer *b, const char *text, size_t length) {
    size_t i;
    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
        if (c == '&') buffer_text(b, "&amp;");
        else if (c == '<') buffer_text(b, "&lt;");
        else if (c == '>') buffer_text(b, "&gt;");
        else if (c == '"') buffer_text(b, "&quot;");
        else if (c == '\'') buffer_text(b, "&apos;");
        else buffer_append(b, text + i, 1);
    }
    return !b->failed;
}

bool encode_base64(struct buffer *b, const char *bytes, size_t length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;
    for (i = 0; i < length; i += 3) {
        size_t here = length - i < 3 ? length - i : 3;
        uint32_t three = (uint32_t)(unsigned char)bytes[i] << 16;
        char four[4];
        if (here > 1) three |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
        if (here > 2) three |= (unsigned char)bytes[i + 2];
        four[0] = digits[three >> 18];
        four[1] = digits[three >> 12 & 63];
        four[2] = here > 1 ? digits[three >> 6 & 63] : '=';
        four[3] = here > 2 ? digits[three & 63] : '=';
        buffer_append(b, four, 4);
    }
    return !b->failed;
}
