/* The messages of a channel that the broker has not confirmed, by their delivery tags. */
#ifndef SPINDLE_RABBITMQ_CONFIRMS_H
#define SPINDLE_RABBITMQ_CONFIRMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attempt;

struct confirms {
    struct slot {
        bool open;
        struct attempt *attempt; /* NULL = nobody waits for it any more */
    } *slots;                    /* a ring; the slot of a tag is tag modulo capacity */
    size_t capacity;             /* a power of two */
    uint64_t first, next;        /* the least that may be open, the next one to give */
};

void confirms_init(struct confirms *confirms);
void confirms_free(struct confirms *confirms);
/* The tag of the message that is sent next; 0 = out of memory. */
uint64_t confirms_add(struct confirms *confirms, struct attempt *attempt);
/* Closes the tag; NULL when it is not open or nobody waits. */
struct attempt *confirms_take(struct confirms *confirms, uint64_t tag);
/* The least open tag, 0 = none. */
uint64_t confirms_least(struct confirms *confirms);
void confirms_forget(struct confirms *confirms, uint64_t tag);

#endif
