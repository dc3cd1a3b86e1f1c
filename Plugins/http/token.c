#include "token.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow.h"
#include "loop.h"
#include "outcome.h"
#include "thread.h"
#include "transfer.h"

#define FETCH_MS 30000
#define MOST_ANSWER_BYTES 65536
#define UNSAID_SECONDS 300   /* when the answer does not say how long the token is good */
#define MOST_SECONDS 86400

struct token *token_create(struct instance *instance, struct host_config *host) {
    struct token *token = calloc(1, sizeof *token);
    if (token == NULL) return NULL;
    token->owner = OWNER_TOKEN;
    token->instance = instance;
    token->host = host;
    buffer_init(&token->line, MOST_ANSWER_BYTES + 64);
    buffer_init(&token->answer, MOST_ANSWER_BYTES);
    return token;
}

static void drop_transfer(struct token *token) {
    loop_drop_token(token);
    lookup_end(token->lookup);
    token->lookup = NULL;
    loop_forget_token(token);
    curl_slist_free_all(token->connect_to);
    curl_slist_free_all(token->resolve);
    headers_wipe(&token->headers);
    token->connect_to = token->resolve = NULL;
    buffer_wipe(&token->answer);
    token->state = TOKEN_IDLE;
}

void token_free(struct token *token) {
    if (token == NULL) return;
    drop_transfer(token);
    buffer_wipe(&token->line);
    free(token);
}

/* Goes to all that wait; each may be gone afterwards. */
static void fail(struct token *token, int32_t outcome, const char *code, const char *message, const char *reason) {
    char copy[160];
    snprintf(copy, sizeof copy, "%s", reason);
    drop_transfer(token);
    while (token->waiting.first != NULL) {
        struct attempt *a = token->waiting.first;
        attempt_list_remove(a);
        LOOP_WORKING_FOR(a, outcome_error(a, outcome, code, message, copy));
    }
}

static void unavailable(struct token *token, const char *reason) {
    fail(token, SPINDLE_RETRYABLE, "http.auth.unavailable", "no token could be had from the token endpoint of this host", reason);
}

/* No policy: the operator wrote the endpoint's URL. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *where) {
    struct token *token = context;
    (void)purpose;
    return loop_open_socket(token->instance->loop, where);
}

static size_t receive(char *bytes, size_t size, size_t count, void *context) {
    struct token *token = context;
    return buffer_append(&token->answer, bytes, size * count) ? size * count : 0;
}

static bool add_header(struct token *token, const char *line) {
    struct curl_slist *longer = curl_slist_append(token->headers, line);
    if (longer == NULL) return false;
    token->headers = longer;
    return true;
}

static void fetch(struct token *token, const struct address *addresses, size_t count) {
    const struct oauth2_config *oauth2 = &token->host->oauth2;
    CURL *easy = loop_take_easy(token->instance->loop);
    token->curl_error[0] = '\0';
    if (easy == NULL || !add_header(token, "Expect:") || !add_header(token, "Accept: application/json") ||
        !transfer_route(easy, &token->instance->config, &oauth2->token_url, addresses, count, &token->connect_to,
                        &token->resolve) ||
        (oauth2->authorization.length > 0 && !add_header(token, oauth2->authorization.data))) {
        if (easy != NULL) curl_easy_cleanup(easy);
        unavailable(token, "out of memory");
        return;
    }
    curl_easy_setopt(easy, CURLOPT_PRIVATE, token);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, token->curl_error);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)oauth2->request.length);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, oauth2->request.data);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, token->headers);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)FETCH_MS);
    loop_prepare_sockets(token->instance->loop, easy);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, token);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, token);
    token->state = TOKEN_FETCHING;
    if (!loop_add_token(token, easy)) unavailable(token, "out of memory");
}

static void start(struct token *token) {
    const struct config *config = &token->instance->config;
    const struct url *where = config->proxied ? &config->proxy : &token->host->oauth2.token_url;
    token->deadline_ns = clock_mono_ns() + FETCH_MS * INT64_C(1000000);
    if (where->literal) {
        fetch(token, &where->address, 1);
        return;
    }
    token->state = TOKEN_RESOLVING;
    token->lookup = lookup_start(where->host, loop_token_resolved, token);
    if (token->lookup == NULL) unavailable(token, "its name could not be looked up");
}

bool token_use(struct token *token, struct attempt *a) {
    bool fresh = token->valid && (clock_mono_ns() < token->expires_ns || a->token_generation == token->generation);
    a->authorization.length = 0;
    if (fresh) {
        a->token_generation = token->generation;
        if (buffer_append(&a->authorization, token->line.data, token->line.length)) return true;
        outcome_error(a, SPINDLE_RETRYABLE, "http.internal", "out of memory", NULL);
        return false;
    }
    a->phase = PHASE_TOKEN;
    attempt_list_add(&token->waiting, a);
    if (token->state == TOKEN_IDLE) start(token);
    return false;
}

void token_reject(struct token *token, uint64_t generation) {
    if (token->generation == generation) token->valid = false;
}

void token_resolved(struct token *token) {
    struct lookup *lookup = token->lookup;
    if (token->state != TOKEN_RESOLVING) return;
    if (lookup->error != 0) unavailable(token, gai_strerror(lookup->error));
    else fetch(token, lookup->addresses, lookup->count);
}

static bool usable(const char *text) {
    const char *c;
    for (c = text; *c > 0x20 && *c < 0x7F; c++) {
    }
    return *c == '\0' && c != text;
}

/* RFC 6749, 5.1. */
static bool take(struct token *token, json_t *answer) {
    const char *value = json_string_value(json_object_get(answer, "access_token"));
    const char *type = json_string_value(json_object_get(answer, "token_type"));
    const json_t *expires = json_object_get(answer, "expires_in");
    double seconds = json_is_number(expires) ? json_number_value(expires) : UNSAID_SECONDS;
    double early = seconds * 0.1 < 30 ? seconds * 0.1 : 30; /* it must not run out on its way */
    if (value == NULL || !usable(value) || type == NULL || !text_equal_nocase(type, strlen(type), "Bearer")) return false;
    if (!(seconds > 0)) seconds = early = 0;
    if (seconds > MOST_SECONDS) seconds = MOST_SECONDS;
    buffer_wipe(&token->line);
    buffer_text(&token->line, "Authorization: Bearer ");
    if (!buffer_text(&token->line, value)) return false;
    token->expires_ns = clock_mono_ns() + (int64_t)((seconds - early) * 1e9);
    token->generation++;
    return token->valid = true;
}

static void go_on(struct token *token) {
    struct attempt *a;
    drop_transfer(token);
    /* Theirs, even if its time is over already. */
    for (a = token->waiting.first; a != NULL; a = a->next) a->token_generation = token->generation;
    while ((a = token->waiting.first) != NULL) {
        attempt_list_remove(a);
        a->phase = PHASE_NEW;
        LOOP_WORKING_FOR(a, flow_start(a));
    }
}

void token_transferred(struct token *token, CURLcode code) {
    json_t *answer;
    long status = 0;
    char reason[160];
    curl_easy_getinfo(token->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK) {
        unavailable(token, token->curl_error[0] != '\0' ? token->curl_error : curl_easy_strerror(code));
        return;
    }
    answer = json_of_body(&token->answer);
    if (status >= 200 && status <= 299) {
        if (take(token, answer)) go_on(token);
        else unavailable(token, "its answer holds no access_token of the type Bearer");
    } else {
        const char *error = json_string_value(json_object_get(answer, "error"));
        snprintf(reason, sizeof reason, "it answered %ld%s%.60s", status, error != NULL ? ", " : "", error != NULL ? error : "");
        if (status >= 400 && status <= 499 && status != 408 && status != 429) {
            fail(token, SPINDLE_PERMANENT, "http.auth.refused",
                 "the token endpoint of this host refused the client; an operator has to look at its id and secret", reason);
        } else {
            unavailable(token, reason);
        }
    }
    json_decref(answer);
}

int64_t token_expire(struct token *token, int64_t now, int64_t shortest) {
    int64_t left;
    if (token->state != TOKEN_RESOLVING) return shortest;
    left = (token->deadline_ns - now + 999999) / 1000000;
    if (left > 0) return left < shortest ? left : shortest;
    unavailable(token, "its name was not found in time");
    return shortest;
}
