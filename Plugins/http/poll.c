#include "poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "loop.h"
#include "outcome.h"
#include "retry_after.h"
#include "thread.h"

#define MOST_FAILURES 3 /* questions in a row that may fail */
#define LEAST_WAIT_MS 100
#define MOST_CHECKPOINT_BYTES 16384

static int64_t unix_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void set_checkpoint(struct attempt *a, const char *text) {
    if (SPINDLE_OFFERS(a->host, checkpoint)) (void)a->host->checkpoint(a->ctx, a->handle, spindle_str_from_cstr(text));
}

/* What the next attempt needs to go on asking, and not to send again what was accepted. */
static void keep(struct attempt *a) {
    json_t *state = json_pack("{s:s, s:I, s:b}", "poll", a->poll.url.text, "accepted", (json_int_t)a->poll.accepted_unix_ms,
                              "foreign", (int)a->poll.foreign);
    char *text = state == NULL ? NULL : json_dumps(state, JSON_COMPACT);
    if (text != NULL) set_checkpoint(a, text);
    free(text);
    json_decref(state);
}

static void set_deadline(struct attempt *a) {
    int64_t left = a->poll.accepted_unix_ms + a->request.poll.deadline_ms - unix_ms();
    a->poll.deadline_ns = clock_mono_ns() + (left > 0 ? left : 0) * 1000000;
}

/* A store is outside too: nothing of a checkpoint is taken on trust. */
bool poll_resume(struct attempt *a) {
    spindle_str text = a->source->checkpoint;
    json_t *state = text.len > MOST_CHECKPOINT_BYTES ? NULL : json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    const char *url = json_string_value(json_object_get(state, "poll")), *error;
    json_t *accepted = json_object_get(state, "accepted"), *foreign = json_object_get(state, "foreign");
    int64_t now = unix_ms();
    bool read = url != NULL && json_is_integer(accepted) && json_is_boolean(foreign) &&
                url_parse(&a->poll.url, url, strlen(url), &error) && !(a->url.https && !a->poll.url.https);
    if (read) {
        a->poll.active = true;
        a->poll.foreign = json_is_true(foreign) || !url_same_origin(&a->url, &a->poll.url);
        a->poll.accepted_unix_ms = json_integer_value(accepted);
        if (a->poll.accepted_unix_ms > now || a->poll.accepted_unix_ms < 0) a->poll.accepted_unix_ms = now;
        set_deadline(a);
    }
    json_decref(state);
    return read;
}

bool poll_judges(const struct attempt *a) {
    return a->request.poll.wanted && (a->response.status == 202 || (a->poll.active && a->request.poll.has_state));
}

/* The work did not come to an end that counts: the next attempt, if there is one, shall send anew. */
static void give_up(struct attempt *a, const char *code, const char *message) {
    set_checkpoint(a, "");
    outcome_rejected(a, SPINDLE_PERMANENT, code, message);
}

static void late(struct attempt *a) {
    give_up(a, "http.poll.deadline", "the work was not done within PollDeadlineMs; the server may still be at it");
}

static void rest(struct attempt *a, const char *state) {
    int64_t now = clock_mono_ns(), wait = -1;
    spindle_str value;
    if (response_header(&a->response, "retry-after", &value)) wait = retry_after_ms(value.ptr, value.len, (int64_t)time(NULL));
    if (wait < 0) wait = a->request.poll.interval_ms;
    if (wait < LEAST_WAIT_MS) wait = LEAST_WAIT_MS;
    if (SPINDLE_OFFERS(a->host, progress)) {
        (void)a->host->progress(a->ctx, a->handle, a->poll.asked, -1, spindle_str_from_cstr(state));
    }
    a->poll.wake_ns = now + wait * 1000000;
    if (a->poll.wake_ns > a->poll.deadline_ns) a->poll.wake_ns = a->poll.deadline_ns;
    loop_rest(a);
}

static bool begin(struct attempt *a) {
    const char *error = "the server accepted the work (202), but named no Location to ask at";
    spindle_str location;
    struct url next;
    if (!response_header(&a->response, "location", &location) ||
        !url_follow(&next, &a->url, location.ptr, location.len, &error)) {
        outcome_rejected(a, SPINDLE_PERMANENT, "http.poll.location", error);
        return true;
    }
    if (a->url.https && !next.https) {
        url_free(&next);
        outcome_rejected(a, SPINDLE_PERMANENT, "http.poll.location", "the Location to ask at leads from https to http");
        return true;
    }
    a->poll.active = true;
    a->poll.url = next;
    a->poll.foreign = a->foreign || !url_same_origin(&a->url, &next);
    a->poll.accepted_unix_ms = unix_ms();
    set_deadline(a);
    keep(a);
    rest(a, "accepted");
    return true;
}

static bool listed(spindle_str list, const char *state) {
    size_t at = 0, length;
    const char *item;
    while (text_next_item(list.ptr, list.len, &at, &item, &length)) {
        if (text_equal_nocase(item, length, state)) return true;
    }
    return false;
}

/* The state that the answer tells, as text. NULL: it tells none. */
static json_t *read_state(struct attempt *a, char *text, size_t size) {
    const struct poll_settings *settings = &a->request.poll;
    json_t *body = a->response.truncated ? NULL : json_of_body(&a->response.body);
    json_t *state = json_at(body, settings->state.ptr, settings->state.len);
    char *written = NULL;
    if (json_is_string(state)) snprintf(text, size, "%s", json_string_value(state));
    else if (state != NULL && !json_is_object(state) && !json_is_array(state)) {
        written = json_dumps(state, JSON_ENCODE_ANY);
        if (written != NULL) snprintf(text, size, "%s", written);
        else state = NULL;
    } else {
        state = NULL;
    }
    free(written);
    if (state == NULL) json_decref(body);
    return state == NULL ? NULL : body;
}

static bool judge_state(struct attempt *a) {
    const struct poll_settings *settings = &a->request.poll;
    char state[128], message[320];
    json_t *body = read_state(a, state, sizeof state);
    if (body == NULL) {
        if (a->response.status == 202) {
            rest(a, "202");
            return true;
        }
        int shown = settings->state.len < 100 ? (int)settings->state.len : 100;
        snprintf(message, sizeof message, "the answer holds no state at %.*s", shown, settings->state.ptr);
        give_up(a, "http.poll.state", message);
        return true;
    }
    json_decref(body);
    if (listed(settings->done, state)) return false;
    if (!listed(settings->failed, state)) {
        rest(a, state);
        return true;
    }
    snprintf(message, sizeof message, "the work at the server ended as %s", state);
    give_up(a, "http.poll.failed", message);
    return true;
}

bool poll_takes(struct attempt *a) {
    long status = a->response.status;
    if (!a->request.poll.wanted) return false;
    if (!a->poll.active) return status == 202 && begin(a);
    if (status_set_has(&a->request.retry, status) && !status_set_has(&a->request.expected, status)) {
        if (++a->poll.failures > MOST_FAILURES) return false;
        rest(a, "no answer");
        return true;
    }
    a->poll.failures = 0;
    if (status == 202 && !a->request.poll.has_state) {
        rest(a, "202");
        return true;
    }
    if (status != 202 && !status_set_has(&a->request.expected, status)) return false;
    return a->request.poll.has_state && judge_state(a);
}

bool poll_tolerates(struct attempt *a, CURLcode code) {
    if (!a->poll.active) return false;
    if (code == CURLE_OPERATION_TIMEDOUT && clock_mono_ns() >= a->poll.deadline_ns) {
        late(a);
        return true;
    }
    if (code != CURLE_COULDNT_CONNECT && code != CURLE_GOT_NOTHING && code != CURLE_SEND_ERROR && code != CURLE_RECV_ERROR &&
        code != CURLE_PARTIAL_FILE && code != CURLE_HTTP2 && code != CURLE_HTTP2_STREAM) {
        return false;
    }
    /* What is in the artefact cannot be taken out again. */
    if (a->artefact.on || ++a->poll.failures > MOST_FAILURES) return false;
    response_reset(&a->response);
    rest(a, "no answer");
    return true;
}

bool poll_ask(struct attempt *a) {
    struct url url;
    if (clock_mono_ns() >= a->poll.deadline_ns) {
        late(a);
        return false;
    }
    if (!url_copy(&url, &a->poll.url)) {
        outcome_error(a, SPINDLE_RETRYABLE, "http.internal", "out of memory", NULL);
        return false;
    }
    url_free(&a->url);
    a->url = url;
    a->method = METHOD_GET;
    a->bodiless = true;
    a->foreign = a->poll.foreign;
    a->redirects = 0;
    a->reauthenticated = false;
    a->token_generation = 0;
    a->poll.asked++;
    response_reset(&a->response);
    return true;
}
