/* An attempt from execute to release, and the instance it belongs to. */
#ifndef SPINDLE_HTTP_ATTEMPT_H
#define SPINDLE_HTTP_ATTEMPT_H

#include <curl/curl.h>
#include <pthread.h>
#include <spindle/executor.h>

#include "config.h"
#include "poll.h"
#include "request.h"
#include "resolver.h"
#include "text.h"

struct loop;
struct metadata;
struct origin;

/* What libcurl's private pointer of a transfer leads to. */
enum transfer_owner { OWNER_ATTEMPT, OWNER_TOKEN };

struct instance {
    struct config config;
    struct loop *loop;
    struct metadata *metadata; /* room for one result's; the loop's thread alone */
    pthread_mutex_t spare_lock;
    struct attempt *spare; /* attempts that are over, for the next ones */
    size_t spare_count;
};

#define AUTHORIZATION_MOST_BYTES 1048576
#define RESPONSE_MOST_HEADERS 200
#define RESPONSE_MOST_HEADER_BYTES 65536

struct response_header {
    size_t name, name_length, value, value_length; /* offsets into header_text; names in lower case */
};

struct response {
    long status;
    struct response_header headers[RESPONSE_MOST_HEADERS];
    size_t header_count;
    struct buffer header_text;
    size_t header_bytes; /* with interim responses and trailers, which are forgotten but not free */
    struct buffer body;
    int64_t received; /* bytes of the body after decoding */
    bool truncated;
    bool redirecting; /* the body is of no interest */
};

/* Why a callback broke the transfer off. */
enum stop {
    STOP_NONE, STOP_TRUNCATED, STOP_REDIRECT, STOP_HEADERS, STOP_INFLATION, STOP_CODING, STOP_ADDRESS, STOP_TOO_LARGE,
    STOP_MEMORY
};

enum phase {
    PHASE_NEW,       /* execute made it */
    PHASE_QUEUED,    /* waits for a place: among maxConnections, or among those of its origin */
    PHASE_RESOLVING, /* waits for addresses */
    PHASE_TOKEN,     /* waits for a token */
    PHASE_TRANSFER,  /* libcurl has it */
    PHASE_FLUSHING,  /* waits for room for the end of the artefact */
    PHASE_RESTING    /* waits to ask again whether the work is done */
};

struct artefact {
    bool on;
    size_t prefix, sent; /* bytes of response.body that go before the first chunk; how many went */
};

struct timings {
    int64_t dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms;
    int64_t wire_bytes;
    long http_version;
    char remote_ip[ADDRESS_TEXT_BYTES];
};

struct attempt_list {
    struct attempt *first, *last;
};

struct attempt {
    enum transfer_owner owner; /* first, as in struct token */
    const struct spindle_request *source;
    const spindle_host *host;
    spindle_host_ctx *ctx;
    spindle_handle handle;
    struct instance *instance;
    struct http_request request;
    int64_t started_ns;
    int64_t deadline_ns; /* -1 = none */

    /* Guarded by the loop's lock. */
    struct attempt *inbox_next;
    bool queued;
    bool done; /* complete was or will be called: the loop does not want to hear of it again */
    bool cancel_wanted;
    bool writable;
    bool resolved;

    /* The loop's thread alone. */
    enum phase phase;
    struct attempt_list *list; /* that it waits in without libcurl, or NULL */
    struct attempt *previous, *next;
    bool placed;            /* counts in maxConnections */
    struct origin *origin;  /* that has limits of its own, or NULL */
    bool counted;           /* counts in those */
    struct url url;                  /* of this hop */
    enum method method;              /* of this hop */
    bool bodiless, foreign;          /* a redirect took the body; left the first origin */
    int redirects;
    struct lookup *lookup;
    int64_t lookup_started_ns;
    struct curl_slist *connect_to, *resolve;
    struct buffer authorization;          /* header line of this hop, or empty */
    struct curl_slist authorization_node; /* in front of the other headers */
    uint64_t token_generation;            /* of the token in it; 0 = none */
    bool reauthenticated;                 /* a token was refused once already */
    curl_mime *mime;
    struct poll_progress poll;
    CURL *easy;
    bool paused;
    enum stop stop;
    struct artefact artefact;
    struct response response;
    struct timings timings;
    int64_t heartbeat_ns;
    char curl_error[CURL_ERROR_SIZE];
};

/* The spare attempts of an instance. The second frees them, when all have come back. */
void attempts_init(struct instance *instance);
void attempts_free(struct instance *instance);

struct attempt *attempt_create(struct instance *instance, spindle_handle handle, const spindle_request *source);
void attempt_free(struct attempt *attempt);

void attempt_list_add(struct attempt_list *list, struct attempt *a);
/* From the list that it is in, if any. */
void attempt_list_remove(struct attempt *a);

/* Milliseconds left, at least 0; -1 without a deadline. */
/* Says that it is alive, once a second at most. */
void attempt_heartbeat(struct attempt *attempt);
int64_t attempt_left_ms(const struct attempt *attempt, int64_t now_ns);

/* The header's value, or NULL. */
bool response_header(const struct response *response, const char *name, spindle_str *value);
void response_reset(struct response *response);

#endif
