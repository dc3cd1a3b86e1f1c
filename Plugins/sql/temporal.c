#include "temporal.h"

struct cursor {
    const char *at, *end;
};

static bool digits(struct cursor *c, int count, int *number) {
    *number = 0;
    while (count-- > 0) {
        if (c->at == c->end || *c->at < '0' || *c->at > '9') return false;
        *number = *number * 10 + (*c->at++ - '0');
    }
    return true;
}

static bool skip(struct cursor *c, char wanted) {
    if (c->at == c->end || *c->at != wanted) return false;
    c->at++;
    return true;
}

static int days_of(int year, int month) {
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool date(struct cursor *c, int *year, int *month, int *day) {
    return digits(c, 4, year) && skip(c, '-') && digits(c, 2, month) && skip(c, '-') && digits(c, 2, day) && *year >= 1 &&
           *month >= 1 && *month <= 12 && *day >= 1 && *day <= days_of(*year, *month);
}

/* The fraction is kept as it was written, at most nine digits. */
static bool clock(struct cursor *c, int *hour, int *minute, int *second, char fraction[10]) {
    size_t length = 0;
    if (!digits(c, 2, hour) || !skip(c, ':') || !digits(c, 2, minute) || *hour > 23 || *minute > 59) return false;
    *second = 0;
    if (skip(c, ':') && (!digits(c, 2, second) || *second > 59)) return false;
    if (skip(c, '.')) {
        while (c->at != c->end && *c->at >= '0' && *c->at <= '9' && length < 9) fraction[length++] = *c->at++;
        if (length == 0) return false;
    }
    fraction[length] = 0;
    return true;
}

static bool offset(struct cursor *c, int *minutes, bool *zoned) {
    int hour, minute = 0, sign;
    *minutes = 0;
    *zoned = c->at != c->end;
    if (!*zoned || skip(c, 'Z') || skip(c, 'z')) return true;
    sign = *c->at == '-' ? -1 : 1;
    if (!skip(c, '+') && !skip(c, '-')) return false;
    if (!digits(c, 2, &hour) || hour > 18) return false;
    if (c->at != c->end) {
        (void)skip(c, ':');
        if (!digits(c, 2, &minute) || minute > 59) return false;
    }
    *minutes = sign * (hour * 60 + minute);
    return true;
}

static void add_minutes(int *year, int *month, int *day, int *hour, int *minute, int by) {
    int total = *hour * 60 + *minute + by;
    while (total < 0) {
        total += 1440;
        if (--*day < 1) {
            if (--*month < 1) *month = 12, --*year;
            *day = days_of(*year, *month);
        }
    }
    while (total >= 1440) {
        total -= 1440;
        if (++*day > days_of(*year, *month)) {
            *day = 1;
            if (++*month > 12) *month = 1, ++*year;
        }
    }
    *hour = total / 60;
    *minute = total % 60;
}

bool temporal_read(struct text *text, enum value_type type, spindle_str value) {
    struct cursor c = { value.ptr, value.ptr + value.len };
    int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, minutes = 0;
    char fraction[10] = "";
    bool zoned = false, with_clock;
    if (type != TYPE_TIME && !date(&c, &year, &month, &day)) return false;
    with_clock = type == TYPE_TIME || (type == TYPE_TIMESTAMP && c.at != c.end);
    if (type == TYPE_TIMESTAMP && with_clock && !skip(&c, 'T') && !skip(&c, 't') && !skip(&c, ' ')) return false;
    if (with_clock && !clock(&c, &hour, &minute, &second, fraction)) return false;
    if (type == TYPE_TIMESTAMP && with_clock && !offset(&c, &minutes, &zoned)) return false;
    if (c.at != c.end) return false;
    if (zoned) add_minutes(&year, &month, &day, &hour, &minute, -minutes);
    if (type != TYPE_TIME) text_format(text, "%04d-%02d-%02d", year, month, day);
    if (type == TYPE_TIMESTAMP) text_put(text, " ");
    if (type != TYPE_DATE) text_format(text, "%02d:%02d:%02d%s%s", hour, minute, second, fraction[0] ? "." : "", fraction);
    return true;
}
