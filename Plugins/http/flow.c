#include "flow.h"

#include <netdb.h>

#include "artefact.h"
#include "loop.h"
#include "outcome.h"
#include "queue.h"
#include "thread.h"
#include "token.h"
#include "transfer.h"

static void internal(struct attempt *a) {
    outcome_error(a, SPINDLE_RETRYABLE, "http.internal", "out of memory", NULL);
}

/* The same words whatever the reason, and no metadata: an answer that differs would let a job map what it may not
 * reach. */
static void refuse_address(struct attempt *a) {
    outcome_error(a, SPINDLE_PERMANENT, "http.address",
                  "the target is not at an address that this executor may connect to; an operator can allow it", NULL);
}

static void begin_transfer(struct attempt *a, const struct address *addresses, size_t count) {
    CURL *easy = loop_take_easy(a->instance->loop);
    if (easy == NULL) {
        internal(a);
        return;
    }
    a->stop = STOP_NONE;
    a->curl_error[0] = '\0';
    if (!transfer_prepare(a, easy, addresses, count)) {
        curl_easy_cleanup(easy);
        internal(a);
    } else if (!loop_add(a, easy)) {
        internal(a);
    }
}

/* What the configuration has for this origin. Credentials go with the job's own request, never after a redirect from elsewhere:
 * a foreign server must not choose what they are used for. False: the attempt waits for a token or was ended. */
static bool authorize(struct attempt *a) {
    struct host_config *host = NULL;
    a->authorization.length = 0;
    if (!a->foreign && !a->request.no_auth) host = config_host(&a->instance->config, &a->url);
    if (host == NULL || host->auth == AUTH_NONE) return true;
    if (host->auth == AUTH_OAUTH2) return token_use(host->token, a);
    if (buffer_append(&a->authorization, host->authorization.data, host->authorization.length)) return true;
    internal(a);
    return false;
}

/* Every hop begins here, so every hop's address is checked. */
static void begin_hop(struct attempt *a) {
    const struct config *config = &a->instance->config;
    const struct url *where = config->proxied ? &config->proxy : &a->url;
    if (attempt_left_ms(a, clock_mono_ns()) == 0) {
        flow_expire(a);
        return;
    }
    /* Behind a proxy only what the URL says can be judged here; names are the proxy's to resolve. */
    if (a->url.literal && !address_allowed(&config->policy, &a->url.address, a->url.port)) {
        refuse_address(a);
        return;
    }
    if (!authorize(a)) return;
    if (where->literal) {
        begin_transfer(a, &where->address, 1);
        return;
    }
    a->lookup_started_ns = clock_mono_ns();
    loop_wait(a, PHASE_RESOLVING);
    a->lookup = lookup_start(where->host, loop_resolved, a);
    if (a->lookup == NULL) outcome_error(a, SPINDLE_RETRYABLE, "http.internal", "the name could not be looked up", NULL);
}

static void queue(struct attempt *a) {
    if (!queue_enter(loop_queue(a), a)) internal(a);
}

void flow_begin(struct attempt *a) {
    /* The job's URL moves to the hop. */
    a->url = a->request.url;
    a->request.url.text = NULL;
    a->method = a->request.method;
    if (a->request.poll.wanted && a->source->checkpoint.len > 0) {
        /* To send it again would be the one thing that must not happen. */
        if (!poll_resume(a)) {
            outcome_error(a, SPINDLE_PERMANENT, "http.poll.checkpoint",
                          "what an earlier attempt noted of the accepted work cannot be read; it was not sent again", NULL);
            return;
        }
        if (!poll_ask(a)) return;
    }
    queue(a);
}

void flow_start(struct attempt *a) {
    begin_hop(a);
}

void flow_wake(struct attempt *a) {
    loop_end_wait(a);
    if (poll_ask(a)) queue(a);
}

void flow_resolved(struct attempt *a) {
    struct lookup *lookup = a->lookup;
    const struct config *config = &a->instance->config;
    size_t i;
    loop_end_wait(a);
    a->timings.dns_ms += (clock_mono_ns() - a->lookup_started_ns) / 1000000;
    if (lookup->error != 0) {
        outcome_error(a, SPINDLE_RETRYABLE, "http.dns", "the host's name could not be resolved",
                      gai_strerror(lookup->error));
        return;
    }
    for (i = 0; i < lookup->count && !config->proxied; i++) {
        /* One bad address spoils all: a name that points both outside and inside is an attack or a mistake. */
        if (!address_allowed(&config->policy, &lookup->addresses[i], a->url.port)) {
            refuse_address(a);
            return;
        }
    }
    begin_transfer(a, lookup->addresses, lookup->count);
    /* If begin_transfer ended the attempt, that ended the look-up too and `a` may be gone; it is only kept otherwise,
     * until the next hop or the end. */
}

/* NULL when the redirect may be followed to `next`; else why not. */
static const char *next_hop(struct attempt *a, struct url *next, const char **code) {
    const char *error = "the redirect has no Location";
    spindle_str location;
    *code = "http.redirect";
    if (a->redirects >= a->request.max_redirects) {
        *code = "http.redirect.limit";
        return "more redirects than MaxRedirects allows";
    }
    if (!response_header(&a->response, "location", &location) ||
        !url_follow(next, &a->url, location.ptr, location.len, &error)) {
        return error;
    }
    if (a->url.https && !next->https) {
        url_free(next);
        *code = "http.redirect.downgrade";
        return "the redirect leads from https to http";
    }
    return NULL;
}

/* One more hop; to another origin it waits for its turn there. */
static void again(struct attempt *a, bool elsewhere) {
    lookup_end(a->lookup);
    a->lookup = NULL;
    response_reset(&a->response);
    if (!elsewhere) {
        begin_hop(a);
        return;
    }
    queue_leave(loop_queue(a), a);
    queue(a);
}

static void redirect(struct attempt *a) {
    struct url next;
    bool elsewhere;
    long status = a->response.status;
    const char *code, *error = next_hop(a, &next, &code);
    if (error != NULL) {
        outcome_error(a, SPINDLE_PERMANENT, code, error, NULL);
        return;
    }
    /* As browsers do, and as RFC 9110, 15.4 has it: POST becomes GET after 301 and 302, everything after 303. */
    if ((status == 303 && a->method != METHOD_HEAD) || (status <= 302 && a->method == METHOD_POST)) {
        a->method = METHOD_GET;
        a->bodiless = true;
    }
    /* Compared with the hop before, and never taken back: who was trusted once is not asked again. */
    elsewhere = !url_same_origin(&a->url, &next);
    if (elsewhere && a->request.body.secret && !a->bodiless && !a->foreign) {
        url_free(&next);
        outcome_error(a, SPINDLE_PERMANENT, "http.redirect", "the redirect leads elsewhere, and the body holds a secret", NULL);
        return;
    }
    if (elsewhere) a->foreign = true;
    url_free(&a->url);
    a->url = next;
    a->redirects++;
    again(a, elsewhere);
}

static void end_artefact(struct attempt *a) {
    switch (artefact_end(a)) {
    case ARTEFACT_NO_ROOM:
        if (a->phase != PHASE_FLUSHING) loop_wait(a, PHASE_FLUSHING);
        return;
    case ARTEFACT_REFUSED: a->artefact.on = false; break;
    case ARTEFACT_TAKEN: break;
    }
    outcome_response(a);
}

static void stopped(struct attempt *a) {
    switch (a->stop) {
    case STOP_HEADERS:
        outcome_error(a, SPINDLE_PERMANENT, "http.headers", "the response has more than 200 headers or 64 KiB of them", NULL);
        return;
    case STOP_INFLATION:
        outcome_error(a, SPINDLE_PERMANENT, "http.inflation", "the body inflates to more than 100 times its size", NULL);
        return;
    case STOP_CODING:
        outcome_error(a, SPINDLE_PERMANENT, "http.encoding", "the body has a coding that was not asked for", NULL);
        return;
    case STOP_TOO_LARGE:
        outcome_error(a, SPINDLE_PERMANENT, "http.body.too_large", "the body is longer than maxArtefactBytes", NULL);
        return;
    case STOP_ADDRESS: refuse_address(a); return;
    default: internal(a);
    }
}

/* The token may have been taken back before its time: another one is tried, once. */
static bool unauthorized(struct attempt *a) {
    struct host_config *host;
    if (a->response.status != 401 || a->token_generation == 0 || a->reauthenticated || a->authorization.length == 0 ||
        status_set_has(&a->request.wanted, 401)) {
        return false;
    }
    host = config_host(&a->instance->config, &a->url);
    if (host == NULL || host->token == NULL) return false;
    token_reject(host->token, a->token_generation);
    a->token_generation = 0;
    return a->reauthenticated = true;
}

void flow_transferred(struct attempt *a, CURLcode code) {
    bool whole = (code == CURLE_OK && a->stop == STOP_NONE) || a->stop == STOP_TRUNCATED || a->stop == STOP_REDIRECT;
    transfer_collect(a);
    loop_drop_easy(a);
    a->phase = PHASE_NEW;
    if (!whole && a->stop != STOP_NONE) stopped(a);
    else if (!whole && poll_tolerates(a, code)) return;
    else if (!whole) outcome_curl(a, code);
    else if (a->response.redirecting) redirect(a);
    else if (unauthorized(a)) again(a, false);
    else if (poll_takes(a)) return;
    else if (a->artefact.on) end_artefact(a);
    else outcome_response(a);
}

void flow_writable(struct attempt *a) {
    if (a->phase == PHASE_FLUSHING) {
        loop_end_wait(a);
        end_artefact(a);
    } else if (a->phase == PHASE_TRANSFER && a->paused) {
        CURLcode code;
        a->paused = false; /* before: the callback runs inside and may pause again */
        code = curl_easy_pause(a->easy, CURLPAUSE_CONT);
        /* A callback that breaks off in here is told to nobody else: the transfer would go on, and end well. */
        if (code != CURLE_OK || a->stop != STOP_NONE) flow_transferred(a, code != CURLE_OK ? code : CURLE_WRITE_ERROR);
    }
}

void flow_cancel(struct attempt *a) {
    outcome_error(a, SPINDLE_CANCELLED, "http.cancelled", "the request was broken off", NULL);
}

void flow_expire(struct attempt *a) {
    if (a->phase == PHASE_RESTING) {
        outcome_error(a, SPINDLE_RETRYABLE, "http.timeout",
                      "the work was not done in the time of this attempt; the next one goes on asking", NULL);
        return;
    }
    if (a->phase == PHASE_TOKEN) {
        outcome_error(a, SPINDLE_RETRYABLE, "http.timeout", "the token endpoint did not answer in time", NULL);
        return;
    }
    outcome_error(a, SPINDLE_RETRYABLE, "http.timeout",
                  a->phase == PHASE_RESOLVING ? "the host's name was not resolved in time" : "the request took too long", NULL);
}
