#include "confirms.h"

#include <stdlib.h>
#include <string.h>

void confirms_init(struct confirms *confirms) {
    memset(confirms, 0, sizeof *confirms);
    confirms->first = confirms->next = 1;
}

void confirms_free(struct confirms *confirms) {
    free(confirms->slots);
    confirms_init(confirms);
}

static struct slot *slot_of(const struct confirms *confirms, uint64_t tag) {
    return &confirms->slots[tag & (confirms->capacity - 1)];
}

static bool grow(struct confirms *confirms) {
    struct confirms larger = *confirms;
    uint64_t tag;
    larger.capacity = confirms->capacity == 0 ? 64 : confirms->capacity * 2;
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (larger.slots == NULL) return false;
    for (tag = confirms->first; tag < confirms->next; tag++) *slot_of(&larger, tag) = *slot_of(confirms, tag);
    free(confirms->slots);
    *confirms = larger;
    return true;
}

uint64_t confirms_add(struct confirms *confirms, struct attempt *attempt) {
    struct slot *slot;
    if (confirms->next - confirms->first == confirms->capacity && !grow(confirms)) return 0;
    slot = slot_of(confirms, confirms->next);
    slot->open = true;
    slot->attempt = attempt;
    return confirms->next++;
}

static bool is_open(const struct confirms *confirms, uint64_t tag) {
    return tag >= confirms->first && tag < confirms->next && slot_of(confirms, tag)->open;
}

uint64_t confirms_least(struct confirms *confirms) {
    while (confirms->first < confirms->next && !slot_of(confirms, confirms->first)->open) confirms->first++;
    return confirms->first < confirms->next ? confirms->first : 0;
}

struct attempt *confirms_take(struct confirms *confirms, uint64_t tag) {
    struct attempt *attempt;
    if (!is_open(confirms, tag)) return NULL;
    attempt = slot_of(confirms, tag)->attempt;
    slot_of(confirms, tag)->open = false;
    slot_of(confirms, tag)->attempt = NULL;
    (void)confirms_least(confirms);
    return attempt;
}

void confirms_forget(struct confirms *confirms, uint64_t tag) {
    if (is_open(confirms, tag)) slot_of(confirms, tag)->attempt = NULL;
}
