#include "retry_after.h"

#include <stdbool.h>
#include <string.h>

#include "text.h"

struct cursor {
    const char *at, *end;
};

static bool literal(struct cursor *c, const char *text) {
    size_t length = strlen(text);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, text, length) != 0) return false;
    c->at += length;
    return true;
}

static bool number(struct cursor *c, size_t width, int *value) {
    int64_t read;
    if ((size_t)(c->end - c->at) < width || !parse_decimal(c->at, width, 9999, &read)) return false;
    c->at += width;
    *value = (int)read;
    return true;
}

/* `names` holds three letters for each. */
static bool name(struct cursor *c, const char *names, int count, int *index) {
    int i;
    for (i = 0; i < count; i++) {
        if (c->end - c->at >= 3 && memcmp(c->at, names + 3 * i, 3) == 0) {
            c->at += 3;
            *index = i;
            return true;
        }
    }
    return false;
}

struct moment {
    int year, month, day, hour, minute, second; /* month from 0 */
};

static bool clock_time(struct cursor *c, struct moment *m) {
    return number(c, 2, &m->hour) && literal(c, ":") && number(c, 2, &m->minute) && literal(c, ":") &&
           number(c, 2, &m->second) && m->hour < 24 && m->minute < 60 && m->second <= 60;
}

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "MonTueWedThuFriSatSun";

/* Sun, 06 Nov 1994 08:49:37 GMT — the only form that may be sent today. */
static bool fixdate(struct cursor c, struct moment *m) {
    int weekday;
    return name(&c, days, 7, &weekday) && literal(&c, ", ") && number(&c, 2, &m->day) && literal(&c, " ") &&
           name(&c, months, 12, &m->month) && literal(&c, " ") && number(&c, 4, &m->year) && literal(&c, " ") &&
           clock_time(&c, m) && literal(&c, " GMT") && c.at == c.end;
}

/* Sunday, 06-Nov-94 08:49:37 GMT — a recipient has to read it. */
static bool rfc850(struct cursor c, struct moment *m, int64_t now) {
    static const char *const rest[] = {"day", "sday", "nesday", "rsday", "day", "urday", "day"};
    int weekday, this_year = 1970 + (int)(now / 31556952);
    if (!name(&c, days, 7, &weekday) || !literal(&c, rest[weekday]) || !literal(&c, ", ") || !number(&c, 2, &m->day) ||
        !literal(&c, "-") || !name(&c, months, 12, &m->month) || !literal(&c, "-") || !number(&c, 2, &m->year) ||
        !literal(&c, " ") || !clock_time(&c, m) || !literal(&c, " GMT") || c.at != c.end) {
        return false;
    }
    m->year += this_year / 100 * 100;
    if (m->year > this_year + 50) m->year -= 100; /* RFC 9110: more than 50 years ahead means the past */
    return true;
}

/* Sun Nov  6 08:49:37 1994 */
static bool asctime_date(struct cursor c, struct moment *m) {
    int weekday;
    if (!name(&c, days, 7, &weekday) || !literal(&c, " ") || !name(&c, months, 12, &m->month) || !literal(&c, " ")) {
        return false;
    }
    if (literal(&c, " ") ? !number(&c, 1, &m->day) : !number(&c, 2, &m->day)) return false;
    return literal(&c, " ") && clock_time(&c, m) && literal(&c, " ") && number(&c, 4, &m->year) && c.at == c.end;
}

/* Days from 1970-01-01 in the Gregorian calendar; timegm would also accept the 31st of February. */
static int64_t unix_seconds(const struct moment *m) {
    int64_t year = m->year - (m->month < 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (m->month + (m->month > 1 ? -2 : 10)) + 2) / 5 + m->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (era * 146097 + day_of_era - 719468) * 86400 + m->hour * 3600 + m->minute * 60 + m->second;
}

static bool day_exists(const struct moment *m) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (m->year % 4 == 0 && m->year % 100 != 0) || m->year % 400 == 0;
    return m->day >= 1 && m->day <= lengths[m->month] + (m->month == 1 && leap);
}

int64_t retry_after_ms(const char *text, size_t length, int64_t now) {
    struct moment m = {0};
    struct cursor c = {text, text + length};
    int64_t wait;
    size_t i;
    for (i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
    }
    if (length > 0 && i == length) {
        if (!parse_decimal(text, length, RETRY_AFTER_MOST_MS / 1000, &wait)) return RETRY_AFTER_MOST_MS;
        return wait * 1000;
    }
    if (!fixdate(c, &m) && !rfc850(c, &m, now) && !asctime_date(c, &m)) return -1;
    if (!day_exists(&m)) return -1;
    wait = unix_seconds(&m) - now;
    if (wait <= 0) return 0;
    return wait * 1000 > RETRY_AFTER_MOST_MS ? RETRY_AFTER_MOST_MS : wait * 1000;
}
