/* An attempt from execute to release. */
#ifndef SPINDLE_RABBITMQ_ATTEMPT_H
#define SPINDLE_RABBITMQ_ATTEMPT_H

#include "fault.h"
#include "message.h"

struct publisher;
struct lane;

enum stage {
    STAGE_NEW,         /* on its way into the publisher */
    STAGE_QUEUED,      /* waits in its lane */
    STAGE_PREPARING,   /* its channel or what it declares is being made */
    STAGE_WRITING,     /* some of its message is written */
    STAGE_UNCONFIRMED, /* all of it is */
    STAGE_REPLY        /* the broker has confirmed it; the reply is to come */
};

struct attempt {
    const spindle_request *source;
    const spindle_host *host;
    spindle_host_ctx *ctx;
    spindle_handle handle;
    struct publisher *publisher;
    struct message message;
    int64_t started_ns;
    int64_t deadline_ns; /* -1 = none */

    /* Guarded by the publisher's lock. */
    enum stage stage;
    bool done; /* complete was or will be called: nobody may touch it any more */
    struct lane *lane;
    struct attempt *previous, *next; /* in its lane's queue if QUEUED, else among the publisher's active ones */
    bool cancel_wanted;
    int32_t cancel_reason;
    int64_t grace_ms;

    /* The publisher's thread alone. */
    unsigned prepared; /* what was declared: bits of enum step */
    uint64_t tag;      /* 0 = none */
    bool cancelled;
    int64_t give_up_ns; /* of a cancelled one: until when the confirm may still come; -1 = not cancelled */
    bool returned;
    char returned_because[96];
};

struct attempt_list {
    struct attempt *first, *last;
};

struct attempt *attempt_create(spindle_handle handle, const spindle_request *source);
void attempt_free(struct attempt *attempt);
void attempt_list_add(struct attempt_list *list, struct attempt *a);
void attempt_list_add_first(struct attempt_list *list, struct attempt *a);
void attempt_list_remove(struct attempt_list *list, struct attempt *a);
bool attempt_declares(const struct attempt *a);

#endif
