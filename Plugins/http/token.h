/* A token of OAuth 2 by client credentials: one for all requests to an origin, fetched by one of them while the others wait.
 * On the loop's thread alone. */
#ifndef SPINDLE_HTTP_TOKEN_H
#define SPINDLE_HTTP_TOKEN_H

#include "attempt.h"

struct token {
    enum transfer_owner owner; /* first, as in struct attempt */
    struct instance *instance;
    struct host_config *host;
    struct attempt_list waiting;
    enum { TOKEN_IDLE, TOKEN_RESOLVING, TOKEN_FETCHING } state;
    bool valid;
    uint64_t generation; /* grows with each token */
    int64_t expires_ns;
    struct buffer line; /* header line */
    int64_t deadline_ns; /* of the fetch */
    struct lookup *lookup;
    bool resolved; /* guarded by the loop's lock */
    struct curl_slist *headers, *connect_to, *resolve;
    struct buffer answer;
    CURL *easy;
    char curl_error[CURL_ERROR_SIZE];
};

struct token *token_create(struct instance *instance, struct host_config *host);
void token_free(struct token *token);

/* Puts the token into a->authorization. False: the attempt waits, and flow_start comes again, or it was ended. */
bool token_use(struct token *token, struct attempt *a);
/* A server did not take it. */
void token_reject(struct token *token, uint64_t generation);

/* From the loop. */
void token_resolved(struct token *token);
void token_transferred(struct token *token, CURLcode code);
/* Milliseconds to its own deadline, or `shortest`. */
int64_t token_expire(struct token *token, int64_t now, int64_t shortest);

#endif
