#include "secret.h"

bool secret_is(spindle_str value) {
    spindle_str name;
    size_t before;
    return spindle_secret_name(value, &name, &before) != 0;
}

bool secret_expand(const spindle_request *source, spindle_str value, struct buffer *expanded, const char **error) {
    spindle_str name, secret = {NULL, 0};
    size_t before;
    *error = "it is too long";
    if (!spindle_secret_name(value, &name, &before)) return buffer_append(expanded, value.ptr, value.len);
    if (!SPINDLE_OFFERS(source->host, secret_get) ||
        source->host->secret_get(source->ctx, source->handle, name, &secret) != SPINDLE_OK) {
        *error = "the secret is not granted to this job";
        return false;
    }
    /* Secrets are often read from files that end with a line feed. */
    while (secret.len > 0 && (secret.ptr[secret.len - 1] == '\n' || secret.ptr[secret.len - 1] == '\r')) secret.len--;
    buffer_append(expanded, value.ptr, before);
    return buffer_append(expanded, secret.ptr, secret.len);
}
