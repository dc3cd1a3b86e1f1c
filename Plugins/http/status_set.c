#include "status_set.h"

#include <string.h>

#include "text.h"

static void add(struct status_set *set, int64_t from, int64_t to) {
    int64_t i;
    for (i = from - 100; i <= to - 100; i++) set->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

void status_set_default(struct status_set *set) {
    memset(set, 0, sizeof *set);
    add(set, 200, 299);
}

static bool code(const char *text, size_t length, int64_t *value) {
    return length == 3 && parse_decimal(text, length, 599, value) && *value >= 100;
}

static bool add_item(struct status_set *set, const char *text, size_t length) {
    int64_t from, to;
    if (length == 3 && text[0] >= '1' && text[0] <= '5' && text_equal_nocase(text + 1, 2, "xx")) {
        from = (text[0] - '0') * 100;
        to = from + 99;
    } else if (length == 3) {
        if (!code(text, 3, &from)) return false;
        to = from;
    } else {
        if (length != 7 || text[3] != '-' || !code(text, 3, &from) || !code(text + 4, 3, &to) || to < from) return false;
    }
    add(set, from, to);
    return true;
}

bool status_set_parse(struct status_set *set, const char *text, size_t length) {
    size_t start = 0, i;
    memset(set, 0, sizeof *set);
    for (i = 0; i <= length; i++) {
        size_t from = start, to = i;
        if (i < length && text[i] != ',') continue;
        while (from < to && text[from] == ' ') from++;
        while (to > from && text[to - 1] == ' ') to--;
        if (!add_item(set, text + from, to - from)) return false;
        start = i + 1;
    }
    return true;
}

void status_set_all_but(struct status_set *set, const struct status_set *other) {
    size_t i;
    memset(set, 0, sizeof *set);
    add(set, 100, 599);
    for (i = 0; i < sizeof set->bits / sizeof *set->bits; i++) set->bits[i] &= ~other->bits[i];
}

void status_set_join(struct status_set *set, const struct status_set *other) {
    size_t i;
    for (i = 0; i < sizeof set->bits / sizeof *set->bits; i++) set->bits[i] |= other->bits[i];
}

bool status_set_has(const struct status_set *set, long status) {
    if (status < 100 || status > 599) return false;
    return (set->bits[(status - 100) / 64] >> ((status - 100) % 64) & 1) != 0;
}
