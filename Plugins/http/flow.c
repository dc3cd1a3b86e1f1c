#include "flow.h"

#include <netdb.h>

#include "artefact.h"
#include "loop.h"
#include "outcome.h"
#include "thread.h"
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
    if (where->literal) {
        begin_transfer(a, &where->address, 1);
        return;
    }
    a->lookup_started_ns = clock_mono_ns();
    loop_wait(a, PHASE_RESOLVING);
    a->lookup = lookup_start(where->host, loop_resolved, a);
    if (a->lookup == NULL) outcome_error(a, SPINDLE_RETRYABLE, "http.internal", "the name could not be looked up", NULL);
}

void flow_start(struct attempt *a) {
    /* The job's URL moves to the hop. */
    a->url = a->request.url;
    a->request.url.text = NULL;
    a->method = a->request.method;
    begin_hop(a);
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

static void redirect(struct attempt *a) {
    struct url next;
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
    if (!url_same_origin(&a->url, &next)) a->foreign = true;
    url_free(&a->url);
    a->url = next;
    a->redirects++;
    lookup_end(a->lookup);
    a->lookup = NULL;
    response_reset(&a->response);
    begin_hop(a);
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

void flow_transferred(struct attempt *a, CURLcode code) {
    bool whole = code == CURLE_OK || a->stop == STOP_TRUNCATED || a->stop == STOP_REDIRECT;
    transfer_collect(a);
    loop_drop_easy(a);
    a->phase = PHASE_NEW;
    if (!whole && a->stop != STOP_NONE) stopped(a);
    else if (!whole) outcome_curl(a, code);
    else if (a->response.redirecting) redirect(a);
    else if (a->artefact.on) end_artefact(a);
    else outcome_response(a);
}

void flow_writable(struct attempt *a) {
    if (a->phase == PHASE_FLUSHING) {
        loop_end_wait(a);
        end_artefact(a);
    } else if (a->phase == PHASE_TRANSFER && a->paused) {
        a->paused = false; /* before: the callback runs inside and may pause again */
        curl_easy_pause(a->easy, CURLPAUSE_CONT);
    }
}

void flow_cancel(struct attempt *a) {
    outcome_error(a, SPINDLE_CANCELLED, "http.cancelled", "the request was broken off", NULL);
}

void flow_expire(struct attempt *a) {
    outcome_error(a, SPINDLE_RETRYABLE, "http.timeout",
                  a->phase == PHASE_RESOLVING ? "the host's name was not resolved in time" : "the request took too long", NULL);
}
