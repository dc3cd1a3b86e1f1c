/* Which status codes count as a success: "200,201,204-206". */
#ifndef SPINDLE_HTTP_STATUS_SET_H
#define SPINDLE_HTTP_STATUS_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One bit for each of 100 to 599. */
struct status_set {
    uint64_t bits[8];
};

/* 200 to 299. */
void status_set_default(struct status_set *set);
/* Codes and ranges with commas, blanks around them; `2xx` is 200-299. Not empty. */
bool status_set_parse(struct status_set *set, const char *text, size_t length);
/* Every code that is not in `other`. */
void status_set_all_but(struct status_set *set, const struct status_set *other);
void status_set_join(struct status_set *set, const struct status_set *other);
bool status_set_has(const struct status_set *set, long status);

#endif
