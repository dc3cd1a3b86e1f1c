/* libcurl's handles on the loop's thread: taken, added, dropped, and kept for the next transfer. */
#include "loop_state.h"
#include "token.h"

CURL *loop_take_easy(struct loop *loop) {
    return loop->spare_count > 0 ? loop->spare[--loop->spare_count] : curl_easy_init();
}

void loop_prepare_sockets(struct loop *loop, CURL *easy) {
    sockets_prepare(&loop->sockets, easy);
}

curl_socket_t loop_open_socket(struct loop *loop, const struct curl_sockaddr *where) {
    return sockets_open(&loop->sockets, where);
}

static void keep_easy(struct loop *loop, CURL *easy) {
    curl_easy_reset(easy); /* it must not point into an attempt that is about to vanish */
    if (loop->spare_count < LOOP_MOST_SPARE) loop->spare[loop->spare_count++] = easy;
    else curl_easy_cleanup(easy);
}

bool loop_add(struct attempt *a, CURL *easy) {
    struct loop *loop = a->instance->loop;
    a->easy = easy;
    a->phase = PHASE_TRANSFER;
    if (curl_multi_add_handle(loop->multi, easy) == CURLM_OK) return true;
    a->easy = NULL;
    keep_easy(loop, easy);
    return false;
}

void loop_drop_easy(struct attempt *a) {
    struct loop *loop = a->instance->loop;
    if (a->easy == NULL) return;
    curl_multi_remove_handle(loop->multi, a->easy);
    curl_easy_setopt(a->easy, CURLOPT_MIMEPOST, NULL);
    curl_mime_free(a->mime);
    a->mime = NULL;
    keep_easy(loop, a->easy);
    a->easy = NULL;
    a->paused = false;
}

bool loop_add_token(struct token *token, CURL *easy) {
    struct loop *loop = token->instance->loop;
    if (curl_multi_add_handle(loop->multi, easy) != CURLM_OK) {
        keep_easy(loop, easy);
        return false;
    }
    token->easy = easy;
    return true;
}

void loop_drop_token(struct token *token) {
    if (token->easy == NULL) return;
    curl_multi_remove_handle(token->instance->loop->multi, token->easy);
    keep_easy(token->instance->loop, token->easy);
    token->easy = NULL;
}
