#include "codes.h"

#include <string.h>

void codes_default(struct codes *codes) {
    memset(codes->verdict, VERDICT_RETRYABLE, sizeof codes->verdict);
    codes->verdict[0] = VERDICT_SUCCESS;
    codes->verdict[126] = codes->verdict[127] = VERDICT_NOT_RUN;
}

static void skip_space(const char **at, const char *end) {
    while (*at < end && (**at == ' ' || **at == '\t')) (*at)++;
}

static int read_code(const char **at, const char *end) {
    int code = 0, count = 0;
    skip_space(at, end);
    while (*at < end && **at >= '0' && **at <= '9' && count < 3) {
        code = code * 10 + (*(*at)++ - '0');
        count++;
    }
    skip_space(at, end);
    return count == 0 || code > 255 ? -1 : code;
}

/* "0,3,10-20" → marks; an empty text is the empty set. */
static bool read_set(spindle_str text, bool *marks) {
    const char *at = text.ptr;
    const char *end;
    if (text.len == 0) return true;
    end = at + text.len;
    skip_space(&at, end);
    if (at == end) return true;
    for (;;) {
        int first = read_code(&at, end);
        int last = first;
        if (first < 0) return false;
        if (at < end && *at == '-') {
            at++;
            last = read_code(&at, end);
            if (last < first) return false;
        }
        for (; first <= last; first++) marks[first] = true;
        if (at == end) return true;
        if (*at++ != ',') return false;
    }
}

int codes_apply(struct codes *codes, const struct code_set sets[SET_COUNT], const char *error_code,
                struct problem *problem) {
    static const uint8_t verdicts[SET_COUNT] = { VERDICT_SUCCESS, VERDICT_RETRYABLE, VERDICT_PERMANENT };
    bool taken[256] = { false };
    size_t i;
    int code;
    if (sets[SET_SUCCESS].given) {
        for (code = 0; code < 256; code++) {
            if (codes->verdict[code] == VERDICT_SUCCESS) codes->verdict[code] = VERDICT_RETRYABLE;
        }
    }
    for (i = 0; i < SET_COUNT; i++) {
        bool marks[256] = { false };
        if (!sets[i].given) continue;
        if (!read_set(sets[i].text, marks)) {
            return problem_set(problem, error_code, sets[i].pointer,
                               "\"%.*s\" is not a set of exit codes; write codes from 0 to 255 and ranges, such as "
                               "\"0,3,10-20\"",
                               shown(sets[i].text.len), sets[i].text.len == 0 ? "" : sets[i].text.ptr);
        }
        for (code = 0; code < 256; code++) {
            if (!marks[code]) continue;
            if (taken[code]) {
                return problem_set(problem, error_code, sets[i].pointer,
                                   "exit code %d is in two sets; it can mean one thing only", code);
            }
            taken[code] = true;
            codes->verdict[code] = verdicts[i];
        }
    }
    return 0;
}
