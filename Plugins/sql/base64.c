#include "base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct text *text, const unsigned char *bytes, size_t length) {
    size_t i;
    for (i = 0; i < length; i += 3) {
        unsigned a = bytes[i], b = i + 1 < length ? bytes[i + 1] : 0, c = i + 2 < length ? bytes[i + 2] : 0;
        char four[4] = { letters[a >> 2], letters[(a & 3) << 4 | b >> 4], letters[(b & 15) << 2 | c >> 6], letters[c & 63] };
        if (i + 1 >= length) four[2] = '=';
        if (i + 2 >= length) four[3] = '=';
        text_add(text, four, 4);
    }
}

static int value_of(char c) {
    const char *found = c == 0 ? NULL : strchr(letters, c);
    return found == NULL ? -1 : (int)(found - letters);
}

bool base64_read(struct text *bytes, spindle_str text) {
    size_t i, j;
    if (text.len % 4 != 0) return false;
    for (i = 0; i < text.len; i += 4) {
        unsigned bits = 0;
        size_t count = 4;
        char three[3];
        if (i + 4 == text.len) {
            if (text.ptr[i + 3] == '=') count = text.ptr[i + 2] == '=' ? 2 : 3;
        }
        for (j = 0; j < 4; j++) {
            int value = j < count ? value_of(text.ptr[i + j]) : 0;
            if (value < 0) return false;
            bits = bits << 6 | (unsigned)value;
        }
        /* Bits that stand for nothing must be 0: one text for one value. */
        if ((count == 2 && (bits & 0xFFFF) != 0) || (count == 3 && (bits & 0xFF) != 0)) return false;
        three[0] = (char)(bits >> 16), three[1] = (char)(bits >> 8), three[2] = (char)bits;
        text_add(bytes, three, count - 1);
    }
    return true;
}
